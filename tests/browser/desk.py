"""The whole service in a throw-away folder, with the fixed cast and some edits; spoken to over HTTP only."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import httpx

from tests.processes import wait_until
from tests.service import Service

from .scenes import scene

PASSWORD = "a secret of the cast"
CAST = {"alice": "Alice Winter", "bob": "Bob Okada", "rita": "Rita Lindqvist", "sam": "Sam Abara"}
# With a new password all sessions end: those of the others must not.
FORGETFUL = {"nora": "Nora Vidal", "olga": "Olga Brandt"}
CAST_CODE = f"""
from django.contrib.auth.models import Permission, User
for name, whole in {CAST | FORGETFUL!r}.items():
    user, _ = User.objects.get_or_create(username=name)
    user.first_name, user.last_name = whole.split()
    user.email = name + "@example.com"
    user.set_password({PASSWORD!r})
    user.save()
User.objects.get(username="rita").user_permissions.add(Permission.objects.get(codename="review_output"))
"""
REJECT_CODE = """
from django.contrib.auth.models import User
from jobs import review
from jobs.models import Output
output = Output.objects.select_related("job").get(job=pk, position=0)
wish = review.wish("rejected", "artefacts", "The handle is double.")
review.decide([output], User.objects.get(username="rita"), wish)
print(output.pk)
"""
COPIES = 30
# Rows only, all with the same file: what takes time here is a page of many tiles, not making their pictures.
COPY_CODE = """
from django.contrib.auth.models import User
from uuid_utils.compat import uuid7
from jobs.models import Job
job = Job.objects.get(pk=pk)
output, job.owner = job.outputs.first(), User.objects.get(username="sam")
for number in range(copies):
    job.pk, job.request_id, job._state.adding = uuid7(), f"copy-{number}", True
    job.save()
    output.pk, output.job, output._state.adding = uuid7(), job, True
    output.save()
"""
# A log with all that can stand in it: what arrived, what goes on being tried, what was given up, a test.
HOOK_CODE = """
import json
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from jobs.models import WebhookDelivery, WebhookEndpoint
now = timezone.now()
owner = User.objects.get(username=owner)
given = {"owner": owner, "name": "Newsletter build", "url": "https://hooks.example.com/newsletter"}
hook = WebhookEndpoint.objects.create(**given, events=["job.cancelled"], is_active=not disabled, disabled=disabled)
tried = {"at": now.isoformat(), "seconds": 0.21, "code": 503, "problem": "answer", "said": "Down for an hour."}
late = {"next_at": now + timedelta(hours=1), "attempts": 2, "log": [tried] * 2, "code": 503, "problem": "answer"}
rows = [
    ("ping", {"state": "delivered", "next_at": None, "log": [tried | {"code": 204, "problem": "", "said": ""}]}),
    ("job.completed", late),
    ("job.failed", {"state": "failed", "next_at": None, "log": [tried] * 10, "code": 503, "problem": "answer"}),
]
for number, (event, fields) in enumerate(rows):
    data = {"type": event, "timestamp": now.isoformat(), "data": {"id": job, "text": "Make 2 images of it."}}
    body = payload or json.dumps(data)
    event_id = f"evt_{hook.pk.hex[:30]}{number}"
    WebhookDelivery.objects.create(endpoint=hook, event_id=event_id, event=event, payload=body, **fields)
print(hook.pk)
"""
SETTINGS = {
    **dict.fromkeys(("RUNCOMFY_API_TOKEN", "RUNCOMFY_TOKEN", "RUNCOMFY_BASE_URL", "S3_BUCKET", "PUBLIC_BASE_URL"), ""),
    "READ_DOT_ENV": "false",
    "SECRET_KEY": "browser-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
    "ADMIN_USERNAME": "sam",
    "ADMIN_PASSWORD": PASSWORD,
    "RUNCOMFY_POLL_SECONDS": "0.2",
    "SANDBOX_QUEUE_SECONDS": "0.2",
    "SANDBOX_RUN_SECONDS": "0.4",
    "QUEUE_WORKERS": "2",
    # Waiting asks often.
    "API_READS_PER_MINUTE": "100000",
    "API_UPLOADS_PER_MINUTE": "1000",
}
ENDED = {"completed", "failed", "cancelled", "unconfirmed"}
SIZES = {"square": "2048:2048 (1:1)", "wide": "2560:1440 (16:9)", "upright": "1728:2304 (3:4)"}


class Desk:
    def __init__(self, service: Service):
        self.service, self.mails = service, Path(service.environment["EMAIL_URL"].removeprefix("filemail:///"))
        self.url = f"http://127.0.0.1:{service.port}"
        self.clients = ExitStack()
        self.provider = self._client(f"http://127.0.0.1:{service.environment['SANDBOX_PORT']}")
        service.manage("shell", "--verbosity", "0", "-c", CAST_CODE)
        self.endless: set[str] = set()
        self.api = cache(self._api)
        self.cookies = cache(self._cookies)
        self.reset_link = cache(self._reset_link)

    def _client(self, address: str, **headers: str) -> httpx.Client:
        client = httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=30)
        return self.clients.enter_context(client)

    def _api(self, user: str) -> httpx.Client:
        """The REST API with that user's token."""
        token = self.service.manage("create_token", user, "browser")
        return self._client(f"{self.url}/api/v1/", Authorization=f"Bearer {token}")

    def _cookies(self, user: str) -> list[dict[str, Any]]:
        """What a browser keeps in which that user has signed in."""
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            self.sign_in(client, user, PASSWORD)
            return [{"name": name, "value": value, "url": self.url} for name, value in client.cookies.items()]

    def sign_in(self, client: httpx.Client, user: str, password: str) -> httpx.Response:
        return self._send(client, "/sign-in/", username=user, password=password)

    def _send(self, client: httpx.Client, path: str, **fields: str) -> httpx.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(path).text)[1]
        return client.post(path, data={"csrfmiddlewaretoken": token, **fields}, headers={"Origin": self.url})

    def lock(self, user: str) -> str:
        """Close the door for that name; the page that says so is the next attempt's."""
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            wait_until(lambda: self.sign_in(client, user, "wrong").status_code == 429)
        return "/sign-in/"

    def _reset_link(self, user: str) -> str:
        """The address in the mail for a forgotten password."""
        before = self._mailed_links()
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            self._send(client, "/sign-in/forgotten/", email=f"{user}@example.com")
        return wait_until(lambda: self._mailed_links() - before).pop()

    def _mailed_links(self) -> set[str]:
        mails = "".join(path.read_text() for path in self.mails.glob("*"))
        return set(re.findall(r"/sign-in/new-password/\S+", mails))

    def edit(self, text: str, *scenes: str, user: str = "alice", size: str = "square", **parameters: Any) -> str:
        """Ask for an edit; its id."""
        files = {f"images[{at}]": (f"{name}.jpg", scene(name), "image/jpeg") for at, name in enumerate(scenes)}
        fields = {"text": text, "image_size": SIZES[size], "sequential_image_generation_options": 2, **parameters}
        return self.api(user).post("jobs/", data=fields, files=files).raise_for_status().json()["id"]

    def job(self, pk: str) -> dict[str, Any]:
        return self.api("sam").get(f"jobs/{pk}/").raise_for_status().json()

    def jobs(self) -> list[dict[str, Any]]:
        return self.api("sam").get("jobs/?page_size=100").raise_for_status().json()["results"]

    def reach(self, pk: str, state: str = "completed") -> str:
        wait_until(lambda: self.job(pk)["state"] == state, 40)
        return pk

    def misbehave(self, kind: str, **options: Any) -> None:
        """Tell the sandbox of a fault for the next edit, once no earlier one can meet it."""
        wait_until(lambda: all(job["state"] in ENDED or job["id"] in self.endless for job in self.jobs()), 40)
        self.provider.post("/sandbox/faults", json={"faults": [{"kind": kind, **options}]}).raise_for_status()

    # One edit in each of the states that have a look of their own

    @cached_property
    def completed(self) -> str:
        prompt = "Make 3 images of this mug: on a breakfast table, in the rain at a window, by a campfire."
        return self.reach(self.edit(prompt, "mug", "room", sequential_image_generation_options=3, seed=4711))

    @cached_property
    def another(self) -> str:
        prompt = "Make 2 images of this mug: on a breakfast table, in the snow by a campfire."
        return self.reach(self.edit(prompt, "mug", "fruit", seed=4712))

    @cached_property
    def failed(self) -> str:
        self.misbehave("failed")
        return self.reach(self.edit("Make 2 images of the vase in the style of a famous brand.", "vase"), "failed")

    @cached_property
    def unconfirmed(self) -> str:
        self.misbehave("reset_after_accept")
        return self.reach(self.edit("Make 2 images of the coast at night.", "coast"), "unconfirmed")

    @cached_property
    def running(self) -> str:
        """Never ends, for as long as this service lives."""
        self.misbehave("run_forever")
        prompt = "Make 4 images of the armchair: in velvet, in leather, in linen, in wool."
        pk = self.edit(prompt, "room", size="wide", sequential_image_generation_options=4)
        self.endless.add(pk)
        return self.reach(pk, "in_progress")

    @cached_property
    def many(self) -> int:
        """Sam's own edits: more than one page of the history."""
        self.service.manage("shell", "--verbosity", "0", "-c", f"pk, copies = {self.another!r}, {COPIES}{COPY_CODE}")
        return COPIES

    @cached_property
    def rejected(self) -> str:
        """A result that rita rejected."""
        edit = self.reach(self.edit("Make 2 images of this mug on a shelf.", "mug"))
        return self.service.manage("shell", "--verbosity", "0", "-c", f"pk = {edit!r}{REJECT_CODE}").splitlines()[-1]

    # Webhooks

    @cached_property
    def webhook(self) -> str:
        return self._hook()

    @cached_property
    def disabled_webhook(self) -> str:
        return self._hook(disabled="failing")

    @cached_property
    def broken_webhook(self) -> str:
        """Its page cannot be made: what it sent is no JSON, which only a damaged row can hold."""
        return self._hook(owner="sam", payload="damaged")

    def _hook(self, **given: str) -> str:
        known = {"owner": "alice", "disabled": "", "payload": "", "job": self.completed} | given
        code = "".join(f"{name} = {value!r}\n" for name, value in known.items()) + HOOK_CODE
        return self.service.manage("shell", "--verbosity", "0", "-c", code)

    def picture(self, number: int = 0) -> str:
        return self.job(self.completed)["outputs"][number]["id"]

    def wait_for_sizes(self, path: str = "/") -> None:
        """Until the pictures on a page have their page sizes, which the worker makes after the edit."""
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            for cookie in self.cookies("sam"):
                client.cookies.set(cookie["name"], cookie["value"])
            images = re.compile(r"<img src=[^>]+>")
            wait_until(lambda: all("srcset" in tag for tag in images.findall(client.get(path).text)), 120)


@contextmanager
def desk(**settings: str) -> Iterator[Desk]:
    folder = Path(tempfile.mkdtemp(prefix="seedream-browser-"))
    service = Service(folder, **{**SETTINGS, "EMAIL_URL": f"filemail:///{folder}/mail", **settings})
    try:
        log = service.ready()
        if "is ready" not in log:
            raise RuntimeError(f"The service did not start:\n{log}")
        here = Desk(service)
        with here.clients:
            yield here
    finally:
        if service.process.poll() is None:
            service.interrupt()
        shutil.rmtree(folder)
