"""`python -m tests.browser.screenshots`: docs/screenshots, anew: each page on a light desktop and on a dark phone."""

import io
import sys

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.service import ROOT

from . import chromium
from .desk import Desk, desk
from .places import PLACES
from .visits import Visits

FOLDER = ROOT / "docs" / "screenshots"
LOOKS = {"desktop": "light", "phone": "dark"}
SHOWN = [
    "sign-in", "new", "new-filled", "job-running", "job", "job-failed", "job-unconfirmed", "picture", "history",
    "history-selecting", "compare", "compare-side", "compare-two-edits", "review", "review-decided", "picture-rejected",
    "usage", "tokens-new", "menu", "keys", "404",
]  # fmt: skip
# Who asked for what: scene, shape, number of pictures, quality
WORK = [
    ("alice", "valley", "wide", 3, "Make 3 images of this valley: at dawn, in autumn, under the first snow."),
    ("bob", "vase", "upright", 2, "Make 2 images of the vase on a marble shelf, with soft light from the left."),
    ("alice", "fruit", "square", 4, "Make 4 images of the fruit bowl as a linocut, each in two other colours."),
    ("sam", "room", "wide", 2, "Make 2 images of this room for the spring catalogue: curtains open, fresh flowers."),
    ("bob", "coast", "wide", 3, "Make 3 posters of the coast with room for a title in the upper third."),
    ("alice", "mug", "square", 2, "Make 2 images of the mug in cobalt blue; keep the handle and the steam."),
    ("rita", "vase", "square", 1, "Make 1 image of the same vase with dried grasses instead of the flowers."),
    ("bob", "room", "upright", 2, "Make 2 images of the armchair from a lower angle, the lamp switched off."),
    ("alice", "coast", "upright", 2, "Make 2 book covers of this coast, the sun a little higher."),
    ("sam", "fruit", "wide", 3, "Make 3 banners with the fruit on the right and calm space on the left."),
    ("bob", "valley", "square", 2, "Make 2 images of the valley as a paper cut, five layers, warm greys."),
    ("alice", "mug", "upright", 1, "Make 1 image of the mug on a windowsill while it rains outside."),
]
# The newest stay today; the others move to the days before, as a team would have worked.
SPREAD_CODE = """
from datetime import timedelta
from django.db.models import F
from jobs.models import Job
MOMENTS = ("created_at", "submitted_at", "accepted_at", "started_at", "finished_at")
for number, pk in enumerate(Job.objects.order_by("-created_at").values_list("pk", flat=True)):
    back = timedelta(days=max(0, number - 5) // 2, minutes=37 * number)
    Job.objects.filter(pk=pk).update(**{name: F(name) - back for name in MOMENTS})
"""


def main() -> None:
    if not chromium.path():
        sys.exit("Chromium is not here: set CHROMIUM, or apt-get install chromium.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Runs of a believable length, so that "usually takes" says something.
    with (
        desk(SANDBOX_RUN_SECONDS="4") as service,
        sync_playwright() as playwright,
        chromium.launch(playwright) as browser,
    ):
        work(service)
        visit = Visits(browser, service)
        for name in SHOWN:
            for device, scheme in LOOKS.items():
                page = PLACES[name].open(visit, device=device, scheme=scheme)
                save(page, f"{name}-{device}-{scheme}.webp")
                page.context.close()


def work(service: Desk) -> None:
    """A team's last days; what went wrong lies longest ago."""
    for state in ("failed", "unconfirmed"):
        service.reach(getattr(service, state), state)
    for number, (user, name, size, count, prompt) in enumerate(WORK):
        quality = ("standard", "fast")[number % 3 == 0]
        parameters = {"sequential_image_generation_options": count, "optimize_prompt_options": quality}
        service.reach(service.edit(prompt, name, user=user, size=size, **parameters))
    for edit in (service.another, service.completed):
        service.reach(edit)
    service.service.manage("shell", "--verbosity", "0", "-c", SPREAD_CODE)
    service.reach(service.running, "in_progress")
    service.wait_for_sizes()


def save(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.save(FOLDER / name, quality=82, method=6)
    sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
