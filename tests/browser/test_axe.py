"""axe finds nothing to complain of, on any page."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from .chromium import DEVICES
from .places import PLACES

# In the dark nothing but the colours differs.
RULES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}}


@pytest.mark.parametrize("scheme", RULES)
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", PLACES)
def test_axe_finds_nothing(visit, name, device, scheme):
    page = PLACES[name].open(visit, device=device, scheme=scheme)
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("(options) => axe.run(options)", {"resultTypes": ["violations"], **RULES[scheme]})
    assert [(rule["id"], node["html"]) for rule in found["violations"] for node in rule["nodes"]] == []
