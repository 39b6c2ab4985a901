def test_queue_runs_as_many_as_there_are_slots(slow_caller):
    first, second, third = (slow_caller.submit() for _ in range(3))
    slow_caller.wait(first, "in_progress")

    answers = [slow_caller.status(request_id).json() for request_id in (first, second, third)]

    assert [answer["status"] for answer in answers] == ["in_progress", "in_queue", "in_queue"]
    assert [answer.get("queue_position") for answer in answers] == [None, 1, 2]


def test_queue_moves_up_when_one_leaves(slow_caller):
    first, second, third = (slow_caller.submit() for _ in range(3))
    slow_caller.wait(first, "in_progress")

    slow_caller.cancel(second)

    assert slow_caller.status(third).json()["queue_position"] == 1


def test_cancel_of_a_queued_request_costs_nothing(slow_caller):
    first, second = slow_caller.submit(), slow_caller.submit()
    slow_caller.wait(first, "in_progress")

    answer = slow_caller.cancel(second).json()

    assert answer == {"request_id": second, "status": "cancelled", "outcome": "cancelled"}
    assert slow_caller.ledger()["charged_usd"] == 0.03


def test_cancel_of_a_running_request_is_refused(slow_caller):
    request_id = slow_caller.submit()
    slow_caller.wait(request_id, "in_progress")

    answer = slow_caller.cancel(request_id).json()

    assert answer == {"request_id": request_id, "status": "in_progress", "outcome": "not_cancellable"}


def test_result_of_a_cancelled_request_has_no_output(slow_caller):
    first, second = slow_caller.submit(), slow_caller.submit()
    slow_caller.wait(first, "in_progress")
    slow_caller.cancel(second)

    result = slow_caller.result(second, include_cost="true").json()

    assert (result["status"], result["output"], result["cost"]) == ("cancelled", None, 0)


def test_submit_charges_the_largest_number_of_pictures(slow_caller):
    slow_caller.submit(sequential_image_generation_options=5)

    assert slow_caller.ledger()["charged_usd"] == 0.15
