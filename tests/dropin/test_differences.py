"""What this service answers on purpose otherwise than RunComfy's stand-in, and what it adds."""

import io
import uuid
from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from jobs import lifecycle, store
from jobs.models import ApiToken, Job, Output
from jobs.states import ENDED as ENDED_STATES
from jobs.states import Reason, State
from tests.conftest import picture_file, png
from tests.dropin.client import ENDED, MODEL, Client, download
from tests.dropin.test_same_answers import data_uri, edit, submitted

pytestmark = pytest.mark.django_db(transaction=True)


def put(job: Job, state: State, **fields: object) -> Job:
    if state in ENDED_STATES:
        fields["finished_at"] = timezone.now()
    Job.objects.filter(pk=job.pk).update(state=state, **{"request_id": "theirs", **fields})
    return job


def client_of(desk, user) -> Client:
    _row, token = ApiToken.objects.create(user=user, name="theirs")
    return desk.client_with(token)


def completed(desk) -> tuple[str, list[str]]:
    request_id = submitted(desk)
    desk.go_on()
    desk.until(request_id, *ENDED)
    return request_id, desk.client.result(request_id).body["output"]["images"]


# History


def test_dropin_leaves_the_same_job_as_the_portal(ours, alice):
    told = ours.client.submit(edit(image_size="2048:2048 (1:1)")).body
    job = Job.objects.get(pk=told["request_id"])
    assert (job.owner, job.text, job.image_size, job.seed) == (alice, "Make 2 images of it.", "2048:2048 (1:1)", 7)
    assert (job.inputs.count(), str(job.estimate_usd)) == (1, "0.0600")


# Ids, and whose requests they are


@pytest.mark.parametrize("request_id", ["x", "1", "not-an-id", "0" * 31, "é"])
def test_dropin_tells_a_malformed_id(ours, request_id):
    answers = [ours.client.status(request_id), ours.client.result(request_id), ours.client.cancel(request_id)]
    assert [(answer.code, answer.body["error_code"]) for answer in answers] == [(400, 400001)] * 3


def test_dropin_hides_what_one_may_not_see(ours, bob, settings):
    request_id = submitted(ours)
    settings.TEAM_VISIBILITY = "own"
    stranger = client_of(ours, bob)
    answers = [stranger.status(request_id), stranger.result(request_id), stranger.cancel(request_id)]
    assert [(answer.code, answer.body["error_code"]) for answer in answers] == [(404, 404001)] * 3


def test_dropin_lets_a_teammate_look_and_not_cancel(ours, bob):
    request_id = submitted(ours)
    teammate = client_of(ours, bob)
    assert teammate.status(request_id).body["status"] == "in_queue"
    refused = teammate.cancel(request_id)
    assert (refused.code, refused.body["error_code"]) == (403, 403001)
    assert Job.objects.get(pk=request_id).state == State.PENDING


def test_dropin_lets_staff_cancel(ours, sam):
    request_id = submitted(ours)
    assert client_of(ours, sam).cancel(request_id).body["outcome"] == "cancelled"


# States


WORDS = {
    State.PENDING: "in_queue",
    State.SUBMITTING: "in_queue",
    State.UNCONFIRMED: "in_queue",
    State.IN_QUEUE: "in_queue",
    State.IN_PROGRESS: "in_progress",
    State.MIRRORING: "in_progress",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
}


@pytest.mark.parametrize("state", State)
def test_dropin_has_one_word_for_each_state(ours, alice, make_job, state):
    job = put(make_job(alice), state)
    assert ours.client.status(str(job.pk)).body["status"] == WORDS[state]


@pytest.mark.parametrize("state", State)
def test_dropin_tells_the_same_word_as_status_and_as_result(ours, alice, make_job, state):
    job = put(make_job(alice), state)
    result = ours.client.result(str(job.pk))
    if state in ENDED_STATES:
        assert (result.code, result.body["status"]) == (200, WORDS[state])
    else:
        assert (result.code, result.body["error_code"]) == (400, 400005)
        assert WORDS[state] in result.body["error_message"]


def test_dropin_has_an_unconfirmed_job_wait(ours, alice, make_job):
    """Told as failed it would be sent, and paid, again; and there is nothing to cancel."""
    job = put(make_job(alice), State.UNCONFIRMED, request_id=None)
    status = ours.client.status(str(job.pk)).body
    assert (status["status"], "queue_position" in status) == ("in_queue", False)
    assert ours.client.cancel(str(job.pk)).body["outcome"] == "not_cancellable"


def test_dropin_tells_the_place_that_runcomfy_told(ours, alice, make_job):
    job = put(make_job(alice), State.IN_QUEUE, queue_position=41)
    assert ours.client.status(str(job.pk)).body["queue_position"] == 41


def test_dropin_says_that_a_cancellation_is_asked_for(ours, alice, make_job):
    job = put(make_job(alice), State.IN_QUEUE)
    outcomes = [ours.client.cancel(str(job.pk)).body["outcome"] for _ in range(2)]
    assert outcomes == ["cancellation_requested"] * 2


def test_dropin_cancels_what_waits_at_runcomfy(ours):
    request_id = submitted(ours, "queue_forever")
    ours.go_on()
    ours.client.cancel(request_id)
    ours.until(request_id, *ENDED)
    result = ours.client.result(request_id).body
    assert (result["status"], result["output"], result["error"]) == ("cancelled", None, None)


# Errors and costs


@pytest.mark.parametrize(
    ("reason", "said", "expected"),
    [
        (Reason.MODEL_FAILED, {"code": "x", "message": "Blocked."}, "Blocked."),
        (Reason.MODEL_FAILED, None, "RunComfy could not make the pictures."),
        (Reason.REFUSED, {"words": "Bad."}, "RunComfy refused the edit. Nothing was charged. Bad."),
        (Reason.LOST_OUTPUT, None, "The finished pictures could not be fetched and stored."),
    ],
)
def test_dropin_tells_an_error_as_text(ours, alice, make_job, reason, said, expected):
    job = put(make_job(alice), State.FAILED, reason=reason, provider_error=said)
    assert ours.client.result(str(job.pk)).body["error"] == expected


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"cost_usd": "0.09"}, 0.09),
        ({"request_id": None, "reason": Reason.REFUSED}, 0.0),
        ({"request_id": None, "reason": Reason.WRITTEN_OFF}, None),
        ({"reason": Reason.GONE}, None),
    ],
)
def test_dropin_tells_a_cost_that_is_known(ours, alice, make_job, fields, cost):
    job = put(make_job(alice), State.FAILED, **fields)
    assert ours.client.result(str(job.pk), include_cost="true").body.get("cost") == cost


# Outputs


def test_dropin_refuses_an_altered_output_address(in_folder, ours):
    _request_id, [url, *_more] = completed(ours)
    answer = ours.client_with("").send("GET", url.replace("/outputs/", "/outputs/0"))
    assert (answer.code, answer.body["error_code"]) == (404, 404001)


def test_dropin_lets_an_output_address_expire(in_folder, ours, settings):
    _request_id, [url, *_more] = completed(ours)
    settings.OUTPUT_LINK_LIFETIME = timedelta(0)
    answer = ours.client_with("").send("GET", url)
    assert (answer.code, "expired" in answer.body["error_message"]) == (403, True)


def test_dropin_signs_no_address_for_another_purpose(ours):
    request_id, _urls = completed(ours)
    output = Output.objects.get(job=request_id, position=0)
    forged = signing.TimestampSigner(salt="jobs.input-url").sign(str(output.pk))
    assert download(f"{ours.base}/v1/outputs/{forged}/1.jpg").status_code == 404


def test_dropin_takes_its_own_outputs_as_images(ours):
    """Also where this site cannot be reached from itself: nothing is fetched."""
    request_id, urls = completed(ours)
    told = ours.client.submit(edit(images=[urls[1], data_uri(png())])).body
    job = Job.objects.get(pk=told["request_id"])
    assert str(job.inputs.get(position=0).output_id) == str(Output.objects.get(job=request_id, position=1).pk)
    assert str(job.parent_id) == request_id


def test_dropin_takes_an_outputs_address_as_image_from_whoever_holds_it(ours, bob, settings):
    """It can be read by them; where it came from stays unknown to them."""
    _request_id, [url, *_more] = completed(ours)
    settings.TEAM_VISIBILITY = "own"
    job = Job.objects.get(pk=client_of(ours, bob).submit(edit(images=[url])).body["request_id"])
    assert (job.owner, job.parent, job.inputs.get().output) == (bob, None, None)


def test_dropin_tells_that_the_file_of_an_output_is_gone(in_folder, ours):
    request_id, [url, *_more] = completed(ours)
    store.remove(Output.objects.get(job=request_id, position=0).file.name)
    answer = ours.client_with("").send("GET", url)
    assert (answer.code, answer.body) == (404, error(404001, "The file is missing from the store."))


def test_dropin_tells_the_stores_own_addresses_without_a_redirect(bucket, ours):
    _request_id, urls = completed(ours)
    responses = [download(url) for url in urls]
    assert [(one.status_code, one.headers["Content-Type"]) for one in responses] == [(200, "image/jpeg")] * 2
    assert not any(url.startswith(ours.base) for url in urls)


# A key against doing it twice; the rest is in test_api_keys


def test_dropin_gives_the_same_request_for_the_same_key(ours):
    told = [ours.client.submit(edit(), **{"Idempotency-Key": "k"}).body for _ in range(2)]
    assert told[0] == told[1]
    assert Job.objects.count() == 1


def test_dropin_refuses_another_input_under_the_same_key(ours):
    ours.client.submit(edit(), **{"Idempotency-Key": "k"})
    refused = ours.client.submit(edit(seed=8), **{"Idempotency-Key": "k"})
    assert (refused.code, refused.body["error_code"], Job.objects.count()) == (409, 409001, 1)


def test_dropin_makes_a_job_each_time_without_a_key(ours):
    assert len({ours.client.submit(edit()).body["request_id"] for _ in range(2)}) == 2


# Inputs


def too_many_bytes() -> io.BytesIO:
    return io.BytesIO(png().read() + bytes(10 * 1024 * 1024))


RULES = {
    "bytes": too_many_bytes,
    "too wide": lambda: png(300, 100),
    "too tall": lambda: png(100, 400),
    "too small": lambda: png(14, 14),
    "too large": lambda: png(6000, 6000, "white"),
    "no JPEG or PNG": lambda: picture_file("GIF"),
}


@pytest.mark.parametrize("name", [name for name in RULES if name != "no JPEG or PNG"])
def test_dropin_says_before_it_sends_what_runcomfy_would_say_after(theirs, ours, name):
    body = edit(images=[data_uri(RULES[name]())])
    request_id = theirs.client.submit(body).body["request_id"]
    theirs.until(request_id, "failed")
    said = theirs.client.result(request_id).body["error"].removeprefix("images[0]: ")
    refused = ours.client.submit(body)
    assert (refused.code, said in refused.body["error_message"]) == (422, True)


def test_dropin_names_every_wrong_field_at_once(ours):
    message = ours.client.submit({"text": "", "images": [], "seed": "x"}).body["error_message"]
    assert [part.partition(":")[0] for part in message.split("; ")] == ["text", "seed", "images"]


def test_dropin_refuses_json_that_is_nested_without_end(ours):
    answer = ours.client.send("POST", "/v1/models/bytedance/seedream-4-0/edit-sequential", content=b"[" * 100_000)
    assert (answer.code, answer.body["error_code"]) == (422, 422001)


def test_dropin_tells_a_body_that_is_too_large_in_runcomfys_shape(ours, settings):
    settings.UPLOAD_MAX_BYTES = 100
    answer = ours.client.submit(edit())
    assert (answer.code, answer.body["error_code"]) == (413, 413001)


def test_dropin_takes_a_body_as_large_as_pictures_are(ours, settings):
    settings.BODY_MAX_BYTES = 100
    assert ours.client.submit(edit()).code == 200


# What there is not


ADDRESSES = ["/v1", "/v1/", "/v1/models/", "/v1/requests/x", "/v1/outputs/x", "/v1/a/b.html", "/prod", "/prod/v2/user"]


def error(code: int, message: str) -> dict[str, object]:
    return {"error_code": code, "error_message": message}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_dropin_tells_that_there_is_nothing_at_an_address(ours, address, method):
    answer = ours.client.send(method, address)
    assert (answer.code, answer.body) == (404, error(404000, "There is nothing at this address."))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_dropin_tells_that_an_output_is_only_read(ours, method):
    answer = ours.client_with("").send(method, "/v1/outputs/x/1.png")
    assert (answer.code, answer.body) == (405, error(405001, f'Method "{method}" not allowed.'))


@pytest.mark.parametrize("address", ["/v1/models", "/v1/requests/x", "/prod/v2/balance", "/prod"])
def test_dropin_tells_that_a_host_is_not_this_sites(client, address):
    answer = client.get(address, headers={"Host": "elsewhere.example.com"})
    assert (answer.status_code, answer.json()) == (400, error(400001, "This request cannot be read."))


@pytest.mark.parametrize("accept", ["text/html", "image/*", "nonsense"])
def test_dropin_answers_in_json_whatever_is_accepted(ours, accept):
    assert ours.client.send("GET", "/v1/models", headers={"Accept": accept}).code == 200


def test_dropin_tells_its_own_mistakes_in_runcomfys_shape(client, alice, settings):
    settings.API_RATES = {}
    client.raise_request_exception = False
    _row, token = ApiToken.objects.create(user=alice, name="theirs")
    answer = client.get("/v1/models", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()) == (500, error(500001, "Server Error (500)"))


# Who asks


def test_dropin_speaks_english_to_all(ours):
    client = ours.client
    client.http.headers["Accept-Language"] = "ja"
    answers = [client.submit({"images": [data_uri(png(14, 14))]}), client.status("x"), client.send("GET", "/v1/x")]
    assert all(answer.body["error_message"].isascii() for answer in answers)


def test_dropin_takes_no_session(ours, alice, as_user):
    assert as_user(alice).get("/v1/models").status_code == 401


def test_dropin_asks_for_no_form_token(alice, api):
    client = api(alice)
    client.handler.enforce_csrf_checks = True
    assert client.post(f"/v1/requests/{uuid.uuid4()}/cancel").status_code == 404


# The account


def test_dropin_asks_for_the_balance_once_a_minute(ours):
    assert ours.client.balance().body == {"balance_usd": 100.0, "currency": "USD"}
    ours.sandbox.misbehave("http_500", on="model")
    assert ours.client.balance().body == {"balance_usd": 100.0, "currency": "USD"}


@pytest.mark.parametrize("fault", ["http_500", "http_401", "html", "error_in_200", "reset"])
def test_dropin_says_that_runcomfy_does_not_tell_the_balance(ours, fault):
    ours.sandbox.misbehave(fault, on="model")
    answer = ours.client.balance()
    assert (answer.code, answer.body["error_code"]) == (502, 502001)
    assert answer.body["error_message"].startswith("RunComfy could not be asked: ")


def test_dropin_tells_the_model_though_its_price_is_unknown(ours):
    ours.sandbox.misbehave("http_500", on="model")
    model = ours.client.model().body
    assert (model["base_price_usd"], model["pricing_note"]) == (None, "")


# RunComfy's traps end here


TRAPS = [
    "unknown_status",
    "status_alias",
    "status_backwards",
    "not_ready",
    "not_ready_200",
    "completed_then_failed",
    "error_in_200",
    "image_and_error_mixed",
    "duplicate_urls",
    "single_image",
    "video_output",
    "fewer_images",
    "cost_string",
    "http_500",
    "html",
]


@pytest.mark.parametrize("trap", TRAPS)
def test_dropin_passes_no_trap_on(in_folder, ours, trap):
    request_id = submitted(ours, trap)
    ours.go_on()
    told = set()
    while not told & set(ENDED):
        told.add(ours.client.status(request_id).body["status"])
    result = ours.client.result(request_id, include_cost="true").body
    assert told <= {"in_queue", "in_progress", "completed", "failed"}
    assert (result["status"] in told, type(result["cost"])) == (True, float)
    urls = (result["output"] or {}).get("images", [])
    assert (result["status"] == "completed") == bool(urls)
    assert all(url.startswith(f"{ours.base}/v1/outputs/") for url in urls)
    assert len(set(urls)) == len(urls)


@pytest.mark.parametrize("others", [0, 20])
def test_dropin_polls_cost_the_same_for_few_and_for_many(api, alice, make_job, others, django_assert_num_queries):
    for _ in range(others):
        make_job(alice)
    client, job = api(alice), make_job(alice)
    client.get(f"/v1/requests/{job.pk}/status")  # notes that the token is in use
    with django_assert_num_queries(4):  # the token, the rate, the job, its place
        client.get(f"/v1/requests/{job.pk}/status")
    assert lifecycle.cancel(job, alice)


# Rates


def test_dropin_holds_back_who_calls_too_often(ours, settings):
    settings.API_RATES = {"reads": 1, "writes": 1, "uploads": 1}
    first, second = (ours.client.models() for _ in range(2))
    assert (first.code, second.code, second.body["error_code"]) == (200, 429, 429001)


@pytest.mark.parametrize(
    ("method", "address", "left"),
    [("GET", "/v1/models", "8"), ("GET", "/v1/nothing", "8"), ("POST", f"/v1/models/{MODEL}", "5")],
)
def test_dropin_tells_how_many_calls_are_left(ours, settings, method, address, left):
    settings.API_RATES = {"reads": 9, "writes": 6, "uploads": 1}
    headers = ours.client.http.request(method, address).headers
    assert (headers["RateLimit-Remaining"], int(headers["RateLimit-Reset"]) <= 60) == (left, True)
