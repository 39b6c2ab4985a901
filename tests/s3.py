"""An S3 server for tests: `python -m tests.s3` starts moto's, tells its address, and ends with its standard input."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REGION, KEY, SECRET = "us-east-1", "access-key", "secret-key"


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server of our own, in a process of its own. It forgets everything when it ends."""
    command = [sys.executable, "-m", "tests.s3"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    # Ctrl-C is for whoever started it, who may still need it on the way out.
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        # Without one the service would store in a folder, and nobody would notice.
        assert address, "The S3 server did not start."
        yield address


def environment(address: str, bucket: str) -> dict[str, str]:
    """What has the service store its files there."""
    keys = {"S3_ACCESS_KEY": KEY, "S3_SECRET_KEY": SECRET}
    return {"S3_BUCKET": bucket, "S3_ENDPOINT_URL": address, "S3_REGION": REGION, **keys}


def new_bucket(address: str, name: str) -> Any:
    """boto's own handle of it."""
    import boto3  # slow to import, and few need it

    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    bucket = boto3.resource("s3", endpoint_url=address, region_name=REGION, **keys).Bucket(name)
    bucket.create()
    return bucket


def main() -> None:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each call
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    sys.stdout.write("http://{}:{}\n".format(*server.get_host_and_port()))
    sys.stdout.flush()
    sys.stdin.read()  # until whoever started it ends, however it ends
    server.stop()


if __name__ == "__main__":
    main()
