"""Who may open what: every address of the site has a verdict for each of the cast, and a new one without fails."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from jobs import output_links, references, seedream, sizes
from jobs.models import ApiToken, Job, Output, WebhookDelivery, WebhookEndpoint

# From a folder, where a file is a 200 and not the way to the bucket.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_folder")]

OPEN = {"nobody": 200, "teammate": 200, "reviewer": 200, "owner": 200, "staff": 200}
MEMBERS = {"nobody": 302, "teammate": 200, "reviewer": 200, "owner": 200, "staff": 200}
OWN_ONLY = {"nobody": 302, "teammate": 404, "reviewer": 404, "owner": 200, "staff": 404}
API = {"nobody": 401, "teammate": 200, "reviewer": 200, "owner": 200, "staff": 200}
MOVERS = {"nobody": 302, "teammate": 403, "reviewer": 403, "owner": 302, "staff": 302}
NO_SESSION = {"nobody": 401, "teammate": 401, "reviewer": 401, "owner": 401, "staff": 401}  # a token or nothing
REVIEWERS = {"nobody": 401, "teammate": 403, "reviewer": 200, "owner": 403, "staff": 200}
REVIEW_PAGES = {"nobody": 302, "teammate": 403, "reviewer": 200, "owner": 403, "staff": 200}
API_MOVERS = {"nobody": 401, "teammate": 403, "reviewer": 403, "owner": 200, "staff": 200}

# name of the address: (method, verdicts)
VERDICTS = {
    "healthz": ("get", OPEN),
    "readyz": ("get", OPEN),
    # Off until METRICS_TOKEN is set; test_metrics tells who may read them then.
    "metrics": ("get", {"nobody": 404, "teammate": 404, "reviewer": 404, "owner": 404, "staff": 404}),
    "jobs:worker_note": ("get", MEMBERS),
    "favicon": ("get", {"nobody": 302, "teammate": 302, "reviewer": 302, "owner": 302, "staff": 302}),
    "login": ("get", {"nobody": 200, "teammate": 302, "reviewer": 302, "owner": 302, "staff": 302}),
    "logout": ("post", {"nobody": 302, "teammate": 302, "reviewer": 302, "owner": 302, "staff": 302}),
    "set_language": ("post", {"nobody": 302, "teammate": 302, "reviewer": 302, "owner": 302, "staff": 302}),
    "password_change": ("get", MEMBERS),
    "password_change_done": ("get", MEMBERS),
    "password_reset": ("get", OPEN),
    "password_reset_done": ("get", OPEN),
    "password_reset_confirm": ("get", OPEN),
    "password_reset_complete": ("get", OPEN),
    "jobs:history": ("get", MEMBERS),
    "jobs:new": ("get", MEMBERS),
    "jobs:recent": ("get", MEMBERS),
    "jobs:detail": ("get", MEMBERS),
    "jobs:live": ("get", MEMBERS),
    "jobs:cancel": ("post", MOVERS),
    "jobs:fetch_again": ("post", MOVERS),
    "jobs:hold": ("post", {**MOVERS, "reviewer": 302}),
    "jobs:release": ("post", {**MOVERS, "reviewer": 302}),
    "jobs:settle": ("post", {"nobody": 302, "teammate": 403, "reviewer": 403, "owner": 422, "staff": 422}),
    "jobs:picture": ("get", MEMBERS),
    "jobs:compare": ("get", MEMBERS),
    "jobs:review": ("get", REVIEW_PAGES),
    "jobs:review_output": ("get", REVIEW_PAGES),
    "jobs:review_others": ("get", REVIEW_PAGES),
    "jobs:undo_review": ("post", {**REVIEW_PAGES, "reviewer": 404, "staff": 404}),
    "jobs:webhooks": ("get", MEMBERS),
    "jobs:webhook": ("get", OWN_ONLY),
    "jobs:delete_webhook": ("get", OWN_ONLY),
    "jobs:send_webhook_again": ("post", {**OWN_ONLY, "owner": 302}),
    "jobs:usage": ("get", MEMBERS),
    "jobs:usage_csv": ("get", MEMBERS),
    "jobs:usage_review_csv": ("get", MEMBERS),
    "jobs:tokens": ("get", MEMBERS),
    "jobs:revoke_token": ("get", OWN_ONLY),
    "jobs:input_file": ("get", MEMBERS),
    "jobs:input_size": ("get", MEMBERS),
    "jobs:output_file": ("get", MEMBERS),
    "jobs:output_size": ("get", MEMBERS),
    "jobs:archive": ("get", MEMBERS),
    "jobs:kept": ("get", OWN_ONLY),
    "jobs:input": ("get", OPEN),
    "api:job-list": ("get", API),
    "api:job-detail": ("get", API),
    "api:job-cancel": ("post", API_MOVERS),
    "api:job-hold": ("post", {**API_MOVERS, "reviewer": 200}),
    "api:job-release": ("post", {**API_MOVERS, "reviewer": 200}),
    "api:job-fetch-again": ("post", {"nobody": 401, "teammate": 403, "reviewer": 403, "owner": 409, "staff": 409}),
    "api:job-settle": ("post", {"nobody": 401, "teammate": 403, "reviewer": 403, "owner": 400, "staff": 400}),
    "api:job-rerun": ("post", {**API, "teammate": 201, "reviewer": 201, "owner": 201, "staff": 201}),
    "api:job-events": ("get", API),
    "api:job-archive": ("get", API),
    "api:picture-list": ("post", {"nobody": 401, "teammate": 400, "reviewer": 400, "owner": 400, "staff": 400}),
    "api:picture-detail": ("get", {"nobody": 401, "teammate": 404, "reviewer": 404, "owner": 200, "staff": 404}),
    "api:picture-file": ("get", {"nobody": 401, "teammate": 404, "reviewer": 404, "owner": 200, "staff": 404}),
    "api:output-list": ("get", API),
    "api:output-detail": ("get", API),
    "api:output-file": ("get", API),
    "api:output-decide": ("post", {**REVIEWERS, "reviewer": 400, "staff": 400}),
    "api:job-decisions": ("get", API),
    "api:review-waiting": ("get", REVIEWERS),
    "api:review-decide": ("post", {**REVIEWERS, "reviewer": 400, "staff": 400}),
    "api:review-undo": ("post", {**REVIEWERS, "reviewer": 404, "staff": 404}),
    "api:review-reasons": ("get", API),
    "api:models": ("get", API),
    "api:model": ("get", API),
    "api:usage": ("get", API),
    "api:me": ("get", API),
    "api:document": ("get", API),
    "api:docs": ("get", MEMBERS),
    "api:nothing": ("get", {"nobody": 401, "teammate": 404, "reviewer": 404, "owner": 404, "staff": 404}),
    "runcomfy:models": ("get", NO_SESSION),
    "runcomfy:model": ("post", NO_SESSION),
    "runcomfy:status": ("get", NO_SESSION),
    "runcomfy:result": ("get", NO_SESSION),
    "runcomfy:cancel": ("post", NO_SESSION),
    "runcomfy:balance": ("get", NO_SESSION),
    "runcomfy:output": ("get", OPEN),
    "runcomfy:nothing": ("get", NO_SESSION),
}


def names(resolver: URLResolver, namespace: str = "") -> set[str]:
    found = set()
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            # Django's own admin has Django's own tests; ours are in test_admin.
            found |= set() if entry.namespace == "admin" else names(entry, inner)
        elif isinstance(entry, URLPattern):
            found.add(f"{namespace}{entry.name}")
    return found


def test_every_address_has_a_verdict():
    assert names(get_resolver()) == set(VERDICTS)


@pytest.fixture
def job(alice, make_job):
    job = make_job(alice)
    ApiToken.objects.bulk_create([ApiToken(digest=str(job.pk), token_key="x", user=alice, name="test")])
    picture = job.inputs.get().picture
    Output.objects.create(
        job=job,
        position=0,
        kind="image",
        file=picture.file.name,
        sha256=picture.sha256,
        content_type="image/png",
        size=1,
    )
    sizes.make_waiting()
    hook = WebhookEndpoint.objects.create(pk=job.pk, owner=alice, name="hook", url="https://hooks.example.com/")
    WebhookDelivery.objects.create(pk=job.pk, endpoint=hook, event_id="evt_1", event="ping", payload="{}")
    return job


def address(name: str, job: Job) -> str:
    from jobs import delivery

    entry = job.inputs.get()
    arguments = {
        **dict.fromkeys(("jobs:usage", "jobs:usage_csv", "jobs:usage_review_csv", "jobs:tokens", "set_language"), ()),
        **dict.fromkeys((name for name in VERDICTS if name.startswith("password")), ()),
        "password_reset_confirm": ["x", "y"],
        "jobs:input_file": [job.pk, 0],
        "jobs:input_size": [job.pk, 0, 64],
        "jobs:output_size": [job.outputs.get().pk, 64],
        "jobs:picture": [job.outputs.get().pk],
        "jobs:output_file": [job.outputs.get().pk],
        **{key: [job.outputs.get().pk] for key in ("jobs:review_output", "jobs:review_others")},
        "jobs:review": [],
        "api:output-file": [job.outputs.get().pk],
        "api:output-detail": [job.outputs.get().pk],
        "api:output-decide": [job.outputs.get().pk],
        **dict.fromkeys(("api:review-waiting", "api:review-decide", "api:review-reasons"), ()),
        **dict.fromkeys(
            ("api:picture-list", "api:output-list", "api:models", "api:usage", "api:me", "api:nothing"), ()
        ),
        **dict.fromkeys(("api:picture-detail", "api:picture-file"), (references.reference(entry.picture, job.owner),)),
        "api:model": [seedream.MODEL_ID],
        **dict.fromkeys(("api:document", "api:docs"), ()),
        "runcomfy:models": [],
        "runcomfy:model": [seedream.MODEL_ID],
        "runcomfy:balance": [],
        "runcomfy:output": [output_links.token_of(job.outputs.get(), job.owner), "1.png"],
        "jobs:send_webhook_again": [job.pk, job.pk],
        "jobs:webhooks": [],
        **dict.fromkeys(("readyz", "metrics", "jobs:worker_note"), ()),
        "jobs:kept": [references.reference(entry.picture, job.owner)],
    }
    if name in ("jobs:archive", "jobs:compare"):
        return f"{reverse(name)}?job={job.pk}"
    if name == "runcomfy:nothing":
        return "/v1/"
    if name == "jobs:input":
        return delivery.input_url(entry).removeprefix("http://127.0.0.1:8000")
    plain = (
        []
        if name in ("healthz", "favicon", "login", "logout", "jobs:history", "jobs:new", "jobs:recent", "api:job-list")
        else [job.pk]
    )
    return reverse(name, args=arguments.get(name, plain))


@pytest.mark.parametrize("who", ["nobody", "teammate", "reviewer", "owner", "staff"])
@pytest.mark.parametrize("name", VERDICTS)
def test_address_opens_only_for_whom_it_should(name, who, job, as_user, alice, bob, rita, sam):
    method, verdicts = VERDICTS[name]
    cast = {"teammate": bob, "reviewer": rita, "owner": alice, "staff": sam}
    client = as_user(cast[who]) if who in cast else Client()
    response = getattr(client, method)(address(name, job))
    response.close()
    assert response.status_code == verdicts[who]


OF_A_JOB = [
    "jobs:detail",
    "jobs:live",
    "jobs:picture",
    "jobs:compare",
    "jobs:archive",
    "jobs:input_file",
    "jobs:input_size",
    "jobs:output_file",
    "jobs:output_size",
    "api:job-detail",
    "api:job-events",
    "api:job-archive",
    "api:job-decisions",
    "api:output-detail",
    "api:output-file",
]


@pytest.mark.parametrize("name", OF_A_JOB)
def test_address_is_unknown_to_who_may_not_see_the_job(name, job, as_user, bob, settings):
    settings.TEAM_VISIBILITY = "own"
    assert as_user(bob).get(address(name, job)).status_code == 404


@pytest.mark.parametrize("name", OF_A_JOB)
def test_address_is_open_to_a_reviewer_also_where_each_sees_their_own(name, job, as_user, rita, settings):
    settings.TEAM_VISIBILITY = "own"
    response = as_user(rita).get(address(name, job))
    response.close()
    assert response.status_code == 200
