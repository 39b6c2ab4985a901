"""The OpenAPI document: checked in, complete, and with examples that are true."""

from pathlib import Path

import jsonschema
import pytest
import yaml
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from jobs.filters import JobFilter

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text())
OPERATIONS = {
    operation["operationId"]: operation for methods in DOCUMENT["paths"].values() for operation in methods.values()
}


def examples(node, schema=None):
    """Every example of the document with the schema that it is of."""
    if isinstance(node, dict):
        for example in node.get("examples", {}).values() if "schema" in node else ():
            yield node["schema"], example["value"]
        for child in node.values():
            yield from examples(child)
    elif isinstance(node, list):
        for child in node:
            yield from examples(child)


def test_document_is_up_to_date(settings):
    document = SchemaGenerator().get_schema(public=True)
    assert OpenApiYamlRenderer().render(document, renderer_context={}).decode() == FILE.read_text(), (
        "Write it anew: manage.py spectacular --file docs/openapi.yaml"
    )


def test_document_is_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1")
    validate_schema(DOCUMENT)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_has_a_summary_and_its_errors(name):
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert {"401", "429"} <= operation["responses"].keys()


def test_filters_of_the_list_are_the_portals():
    told = {parameter["name"] for parameter in OPERATIONS["jobs_list"]["parameters"]}
    assert told == {*JobFilter.base_filters, "cursor", "page_size", "expand"}


def test_examples_are_valid():
    found = list(examples(DOCUMENT["paths"]))
    for schema, value in found:
        whole = {**schema, "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)
    assert len(found) > 10


@pytest.mark.django_db
def test_document_is_served(api, alice):
    response = api(alice).get("/api/v1/openapi.yaml")
    assert yaml.safe_load(response.content)["paths"].keys() == DOCUMENT["paths"].keys()


@pytest.mark.django_db
def test_page_of_the_document_relaxes_the_policy_for_its_icons_alone(as_user, alice):
    strict, page = (as_user(alice).get(address) for address in ("/", "/api/v1/docs/"))
    policies = [set(response["Content-Security-Policy"].split("; ")) for response in (strict, page)]
    [usual] = [rule for rule in policies[0] if rule.startswith("img-src")]  # with S3's address, where files are there
    assert policies[1] - policies[0] == {f"{usual} data:"}


@pytest.mark.django_db
def test_page_of_the_document_has_no_inline_script_or_style(as_user, alice):
    content = as_user(alice).get("/api/v1/docs/").content.decode()
    assert "<script>" not in content
    assert "<style" not in content
