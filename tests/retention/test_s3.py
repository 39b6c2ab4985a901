"""The archive as a bucket, beside the store or in it under names of its own."""

import httpx
import pytest
from botocore.config import Config

from jobs import retention, store, upkeep
from tests.conftest import BUCKET, stored_bytes
from tests.retention.conftest import days_pass, states
from tests.retention.test_command import command

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cold(bucket, settings):
    """The archive in the store's own bucket."""
    stored = settings.STORAGES["default"]
    more = {"location": "archive", "object_parameters": {"StorageClass": "STANDARD_IA"}}
    settings.STORAGES = settings.STORAGES | {"archive": stored | {"OPTIONS": stored["OPTIONS"] | more}}
    return bucket


@pytest.fixture
def gone(cold, rules, finished):
    from jobs import sizes

    sizes.make_waiting()
    rules(unreviewed={"archive": 30})
    days_pass(31)
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    return finished


def keys(bucket, prefix):
    return {entry["Key"]: entry for entry in bucket.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])}


def test_files_move_to_the_archive_and_its_class(gone, cold):
    there = keys(cold, "archive/outputs/")
    assert (states(gone), len(there), keys(cold, "outputs/")) == ("aaa s", 3, {})
    assert {entry["StorageClass"] for entry in there.values()} == {"STANDARD_IA"}


def test_files_come_back_whole(gone, cold):
    command("retention", "--restore", str(gone.pk))
    days_pass(2)
    retention.remove_leftovers()
    assert (states(gone), keys(cold, "archive/"), len(keys(cold, "outputs/"))) == ("sss s", {}, 3)
    assert all(store.sha256_of(output.file.name) == output.sha256 for output in gone.outputs.all())
    assert stored_bytes(gone.outputs.first().file)


def test_browser_is_told_in_words_and_sent_nowhere(gone, as_user, alice):
    response = as_user(alice).get(gone.outputs.first().download_url)
    assert (response.status_code, response.has_header("Location")) == (410, False)


def test_address_of_the_bucket_that_was_told_before_is_good_to_its_end(cold, rules, finished, api, alice):
    from jobs import sizes

    sizes.make_waiting()
    days_pass(31)
    address = api(alice).get(f"/v1/requests/{finished.pk}/result").json()["output"]["images"][0]
    rules(unreviewed={"delete": 30})
    retention.run()
    retention.remove_leftovers()
    assert httpx.get(address, trust_env=False).status_code == 200


def test_verify_reads_the_archive(gone, cold):
    assert command("verify_store").endswith("0 damaged, 0 files without a row\n")
    cold.put_object(Bucket=BUCKET, Key=f"archive/{gone.outputs.first().file.name}", Body=b"rotten")
    assert "the file has other bytes" in command("verify_store")


def test_deleting_the_job_takes_the_archive_along(gone, cold):
    upkeep.delete(gone)
    assert keys(cold, "") == {}


def test_bucket_that_is_away_is_told_and_takes_nothing(cold, rules, finished, settings):
    from jobs import sizes

    sizes.make_waiting()
    rules(unreviewed={"archive": 30})
    days_pass(31)
    away = {"endpoint_url": "http://127.0.0.1:1", "client_config": Config(retries={"total_max_attempts": 1})}
    backend = settings.STORAGES["archive"]
    settings.STORAGES = settings.STORAGES | {"archive": backend | {"OPTIONS": backend["OPTIONS"] | away}}
    assert "error: The file store does not answer" in command("retention")
    assert states(finished) == "sss s"
