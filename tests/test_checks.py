"""The system checks: each speaks when its combination is wrong, and is quiet otherwise."""

import pytest

from jobs import checks

REAL = {"USE_SANDBOX": False, "IS_HTTPS": False, "S3_BUCKET": ""}


def ids(check, settings, **values):
    for name, value in values.items():
        setattr(settings, name, value)
    return [message.id for message in check(None)]


@pytest.mark.parametrize(("is_sandbox", "found"), [(True, ["jobs.W001"]), (False, [])])
def test_sandbox_is_named_before_it_goes_public(settings, is_sandbox, found):
    assert ids(checks.check_sandbox, settings, USE_SANDBOX=is_sandbox) == found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"INPUT_DELIVERY": "url"}, ["jobs.E001"]),
        ({"INPUT_DELIVERY": "url", "IS_HTTPS": True}, []),
        ({"INPUT_DELIVERY": "url", "USE_SANDBOX": True}, []),
        ({"INPUT_DELIVERY": "url", "S3_BUCKET": "pictures"}, []),
        ({"INPUT_DELIVERY": "url", "S3_BUCKET": "pictures", "X_ACCEL_PREFIX": "/media/"}, ["jobs.E001"]),
        ({"INPUT_DELIVERY": "auto"}, []),
        ({"INPUT_DELIVERY": "data"}, []),
    ],
)
def test_pictures_by_address_need_a_public_one(settings, values, found):
    assert ids(checks.check_delivery, settings, **{**REAL, **values}) == found


@pytest.mark.parametrize("name", ["RUNCOMFY_BASE_URL", "RUNCOMFY_ACCOUNT_URL"])
@pytest.mark.parametrize(
    ("address", "is_sandbox", "found"),
    [
        ("http://model-api.runcomfy.net", False, ["jobs.E002"]),
        ("http://127.0.0.1.example.com", False, ["jobs.E002"]),
        ("http://192.168.0.5:9400", False, ["jobs.E002"]),
        ("https://model-api.runcomfy.net", False, []),
        ("http://127.0.0.1:9400", False, []),
        ("http://localhost:9400", False, []),
        ("http://[::1]:9400", False, []),
        ("http://sandbox:9400", True, []),
    ],
)
def test_token_never_travels_in_the_open(settings, name, address, is_sandbox, found):
    safe = {"RUNCOMFY_BASE_URL": "https://x", "RUNCOMFY_ACCOUNT_URL": "https://x"}
    given = {**safe, name: address, "USE_SANDBOX": is_sandbox}
    assert ids(checks.check_provider_address, settings, **given) == found


def test_store_that_can_be_written_is_fine(settings):
    assert ids(checks.check_store, settings) == []


def test_store_that_cannot_be_written_is_named(settings):
    assert ids(checks.check_store, settings, FILE_UPLOAD_TEMP_DIR="/nowhere") == ["jobs.E003"]


def test_folder_for_temporary_files_matters_to_an_object_store_too(settings):
    assert ids(checks.check_store, settings, FILE_UPLOAD_TEMP_DIR="/nowhere", S3_BUCKET="pictures") == ["jobs.E003"]


@pytest.mark.parametrize(
    ("drive", "output", "submit", "found"),
    [
        (20.0, 180.0, 60.0, []),
        (100.0, 209.0, 90.0, []),
        (100.0, 210.0, 90.0, ["jobs.E004"]),
        (100, 240, 90, ["jobs.E004"]),
    ],
)
def test_driver_ends_before_the_queue_ends_it(settings, drive, output, submit, found):
    times = {"DRIVE_SECONDS": drive, "OUTPUT_TIMEOUT": output, "RUNCOMFY_SUBMIT_TIMEOUT": submit}
    assert ids(checks.check_queue_times, settings, Q_CLUSTER={"timeout": 400}, **times) == found


@pytest.mark.parametrize(
    ("is_sqlite", "redis", "found"),
    [(True, "redis://queue", ["jobs.W002"]), (False, "redis://queue", []), (True, "", []), (False, "", [])],
)
def test_many_machines_need_a_database_that_they_share(settings, is_sqlite, redis, found):
    assert ids(checks.check_shared_parts, settings, IS_SQLITE=is_sqlite, REDIS_URL=redis) == found
