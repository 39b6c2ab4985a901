"""Two users who send edits through the REST API, and who lose the answer to some of them."""

import io
import random
import threading
import time
from dataclasses import dataclass, field

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from PIL import Image, ImageDraw

from jobs.models import ApiToken

USERS = ("alice", "bob")
LONGEST_PAUSE, DOWN_PAUSE = 0.8, 0.5
SECONDS_FOR_ONE = 60


@dataclass
class Sent:
    """What the API was asked for. `jobs` is each prompt with the id it was given, None when it never was."""

    jobs: dict[str, str | None] = field(default_factory=dict)
    lost_answers: int = 0
    found_again: int = 0
    complaints: list[str] = field(default_factory=list)


class Customer(threading.Thread):
    def __init__(self, name: str, prompts: list[str], seed: str):
        super().__init__(daemon=True)
        self.sent, self.dice = Sent(dict.fromkeys(prompts)), random.Random(seed)
        _row, token = ApiToken.objects.create(user=User.objects.create_user(name), name="soak")
        self.api = httpx.Client(
            base_url=f"{settings.PUBLIC_BASE_URL}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=httpx.Timeout(30, connect=2),
        )

    def run(self) -> None:
        with self.api:
            for prompt in list(self.sent.jobs):
                time.sleep(self.dice.uniform(0, LONGEST_PAUSE))
                self.sent.jobs[prompt] = self._order(prompt)

    def _order(self, prompt: str) -> str | None:
        """Send one edit until it is known to be there."""
        fields = {
            "text": prompt,
            "image_size": "2560:1440 (16:9)",
            "sequential_image_generation_options": str(self.dice.choice([1, 1, 2, 3])),
            "seed": str(self.dice.randrange(2**31)),
        }
        picture = draw(self.dice)
        deadline = time.monotonic() + SECONDS_FOR_ONE
        while time.monotonic() < deadline:
            try:
                answer = self.api.post("jobs/", data=fields, files={"images[0]": ("sun.png", picture, "image/png")})
                if answer.status_code == 201:
                    return answer.json()["id"]
                self.sent.complaints.append(f"{prompt}: HTTP {answer.status_code} {answer.text[:200]}")
            except (httpx.ConnectError, httpx.ConnectTimeout):
                time.sleep(DOWN_PAUSE)
                continue
            except httpx.TransportError:
                self.sent.lost_answers += 1
            if found := self._look_up(prompt, deadline):
                self.sent.found_again += 1
                return found
        return None

    def _look_up(self, prompt: str, deadline: float) -> str | None:
        """The id of the job with this prompt, when there is one: an answer was lost, the edit perhaps not."""
        while time.monotonic() < deadline:
            # A database may still be committing what a killed process had asked for.
            time.sleep(DOWN_PAUSE)
            try:
                return self._listed().get(prompt)
            except httpx.HTTPError:
                continue
        return None

    def _listed(self) -> dict[str, str]:
        found, page = {}, "jobs/?page_size=100"
        while page:
            answer = self.api.get(page).raise_for_status().json()
            found |= {job["text"]: job["id"] for job in answer["results"]}
            page = answer["next"]
        return found


def customers(jobs: int, seed: int) -> list[Customer]:
    prompts = [f"Soak {seed}, edit {number}: a warmer light, please." for number in range(1, jobs + 1)]
    return [Customer(name, prompts[at :: len(USERS)], f"{seed} {name}") for at, name in enumerate(USERS)]


def together(customers: list[Customer]) -> Sent:
    """What all of them sent."""
    whole = Sent()
    for customer in customers:
        whole.jobs |= customer.sent.jobs
        whole.lost_answers += customer.sent.lost_answers
        whole.found_again += customer.sent.found_again
        whole.complaints += customer.sent.complaints
    return whole


def draw(dice: random.Random) -> bytes:
    """A small picture, another one each time."""
    picture = Image.new("RGB", (96, 64), tuple(dice.choices(range(256), k=3)))
    left, top = dice.randrange(60), dice.randrange(30)
    ImageDraw.Draw(picture).ellipse((left, top, left + 30, top + 30), fill=tuple(dice.choices(range(256), k=3)))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
