"""Faults of one request: its statuses, its life, its result."""

import pytest


def test_not_ready_hides_a_done_result_once(caller):
    request_id = caller.ended()
    caller.fault("not_ready")

    early, honest = caller.result(request_id), caller.result(request_id)

    assert (early.status_code, early.json()["error_code"]) == (400, 400005)
    assert honest.json()["status"] == "completed"


def test_not_ready_200_tells_the_state_instead(caller):
    request_id = caller.ended()
    caller.fault("not_ready_200")

    early = caller.result(request_id)

    assert (early.status_code, early.json()["status"]) == (200, "in_progress")
    assert "output" not in early.json()


def test_not_ready_200_of_a_queued_request_says_queued(slow_caller):
    first, second = slow_caller.submit(), slow_caller.submit()
    slow_caller.wait(first, "in_progress")
    slow_caller.fault("not_ready_200")

    assert slow_caller.result(second).json()["status"] == "in_queue"


def test_completed_then_failed_fails_only_the_result(caller):
    request_id = caller.ended()
    caller.fault("completed_then_failed", error="Out of memory.")

    results = [caller.result(request_id).json() for _ in range(2)]

    assert caller.status(request_id).json()["status"] == "completed"
    assert [(result["status"], result["output"]) for result in results] == [("failed", None)] * 2
    assert results[0]["error"] == "Out of memory."


@pytest.mark.parametrize(("told", "word"), [({}, "defragmenting"), ({"word": "resting"}, "resting")])
def test_unknown_status_is_a_word_of_choice(caller, told, word):
    request_id = caller.ended()
    caller.fault("unknown_status", **told)

    assert [caller.status(request_id).json()["status"] for _ in range(2)] == [word, "completed"]


def test_status_backwards_returns_to_the_queue(caller):
    request_id = caller.ended()
    caller.fault("status_backwards")

    words = [caller.status(request_id).json()["status"] for _ in range(2)]

    assert words == ["in_queue", "completed"]


def test_status_backwards_waits_until_there_is_a_way_back(slow_caller):
    first, second = slow_caller.submit(), slow_caller.submit()
    slow_caller.wait(first, "in_progress")
    slow_caller.fault("status_backwards")

    slow_caller.status(second)

    assert slow_caller.status(first).json()["status"] == "in_queue"


@pytest.mark.parametrize("on", ["status", "result"])
def test_status_alias_of_a_completed_request_is_succeeded(caller, on):
    request_id = caller.ended()
    caller.fault("status_alias", on=on)

    assert getattr(caller, on)(request_id).json()["status"] == "succeeded"


def test_status_alias_has_a_word_for_every_moment(slow_caller):
    first, second, third = (slow_caller.submit() for _ in range(3))
    slow_caller.wait(first, "in_progress")
    slow_caller.cancel(third)
    slow_caller.fault("status_alias", times=None)

    words = [slow_caller.status(request_id).json()["status"] for request_id in (first, second, third)]

    assert words == ["processing", "pending", "canceled"]


def test_vanished_is_for_good(caller):
    request_id = caller.ended()
    caller.fault("vanished")

    answers = [caller.status(request_id), caller.result(request_id), caller.cancel(request_id)]

    assert [answer.json().get("error_code") for answer in answers] == [404001] * 3
    assert caller.entry(request_id)["status"] == "completed"


def test_queue_forever_stays_queued_while_others_run(caller):
    caller.fault("queue_forever")

    stuck, _ = caller.submit(), caller.ended()

    assert caller.status(stuck).json()["status"] == "in_queue"
    assert caller.cancel(stuck).json()["outcome"] == "cancelled"


def test_run_forever_keeps_running_and_takes_no_slot(caller):
    caller.fault("run_forever", times=4)

    stuck = [caller.submit() for _ in range(4)]
    for request_id in stuck:
        caller.wait(request_id, "in_progress")

    assert caller.entry(caller.ended())["status"] == "completed"
    assert caller.status(stuck[0]).json()["status"] == "in_progress"


@pytest.mark.parametrize("error", [{"code": 7, "detail": ["blocked"]}, "blocked", None])
def test_failed_carries_any_error(caller, error):
    caller.fault("failed", error=error)

    result = caller.result(caller.ended()).json()

    assert (result["status"], result["output"], result["error"]) == ("failed", None, error)


def test_failed_tells_an_object_by_default(caller):
    caller.fault("failed")

    assert caller.result(caller.ended()).json()["error"].keys() == {"code", "message"}


def test_not_cancellable_keeps_a_queued_request(slow_caller):
    first, second = slow_caller.submit(), slow_caller.submit()
    slow_caller.wait(first, "in_progress")
    slow_caller.fault("not_cancellable")

    assert slow_caller.cancel(second).json()["outcome"] == "not_cancellable"
    assert slow_caller.entry(second)["status"] == "in_queue"


def test_cancellation_requested_comes_true_later(slow_caller):
    request_id = slow_caller.submit()
    slow_caller.wait(request_id, "in_progress")
    slow_caller.fault("cancellation_requested", seconds=0.1)

    answer = slow_caller.cancel(request_id).json()

    assert (answer["status"], answer["outcome"]) == ("in_progress", "cancellation_requested")
    slow_caller.wait(request_id, "cancelled")


def test_fewer_images_keeps_some_of_them(caller):
    request_id = caller.ended(sequential_image_generation_options=3)
    caller.fault("fewer_images", keep=2)

    assert len(caller.images(request_id)) == 2


def test_no_images_is_an_empty_output(caller):
    request_id = caller.ended()
    caller.fault("no_images")

    assert caller.result(request_id).json()["output"] == {"images": []}


@pytest.mark.parametrize(("made", "shown"), [(1, 1), (3, 2)])
def test_image_and_error_mixed_has_both(caller, made, shown):
    request_id = caller.ended(sequential_image_generation_options=made)
    caller.fault("image_and_error_mixed")

    images = caller.images(request_id)

    assert [type(image) for image in images] == [str] * shown + [dict]
    assert images[-1]["error_code"] == 500001


def test_duplicate_urls_come_twice(caller):
    request_id = caller.ended()
    caller.fault("duplicate_urls")

    first, second = caller.images(request_id)

    assert first == second


@pytest.mark.parametrize(("told", "host"), [({}, "images.example.com"), ({"host": "10.0.0.1"}, "10.0.0.1")])
def test_foreign_host_moves_the_urls(caller, told, host):
    request_id = caller.ended()
    caller.fault("foreign_host", **told)

    assert caller.images(request_id)[0].startswith(f"https://{host}/outputs/")


def test_single_image_is_no_list(caller):
    request_id = caller.ended()
    caller.fault("single_image")

    output = caller.result(request_id).json()["output"]

    assert output.keys() == {"image"}
    assert caller.http.get(output["image"]).headers["content-type"] == "image/jpeg"


def test_video_output_is_an_mp4(caller):
    request_id = caller.ended()
    caller.fault("video_output")

    output = caller.result(request_id).json()["output"]
    answer = caller.http.get(output["video"])

    assert output.keys() == {"images", "video", "videos"}
    assert (answer.headers["content-type"], answer.content[4:8]) == ("video/mp4", b"ftyp")


def test_cost_missing_ignores_the_question(caller):
    request_id = caller.ended()
    caller.fault("cost_missing")

    assert "cost" not in caller.result(request_id, include_cost="true").json()


def test_cost_string_is_no_number(caller):
    request_id = caller.ended()
    caller.fault("cost_string")

    assert caller.result(request_id, include_cost="true").json()["cost"] == "0.03"


def test_content_faults_stay_with_their_request(caller):
    first, second = caller.ended(), caller.ended()
    caller.fault("no_images")

    assert [len(caller.images(request_id)) for request_id in (first, first, second)] == [0, 0, 1]
