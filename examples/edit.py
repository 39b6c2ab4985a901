"""One edit with httpx:  DESK_URL=… DESK_TOKEN=… python examples/edit.py "Make 2 images: …" roof.jpg sky.png

Saves the results into the present folder. The pictures are files or https links, in the prompt's order.
"""

import os
import sys
import time
import uuid
from pathlib import Path

import httpx


def main(text: str, *pictures: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['DESK_TOKEN']}"}
    base_url = f"{os.environ['DESK_URL'].rstrip('/')}/api/v1/"
    transport = httpx.HTTPTransport(retries=3)
    with httpx.Client(base_url=base_url, headers=headers, transport=transport, timeout=60) as api:
        job = wait(api, start(api, text, pictures))
        if job["state"] != "completed":
            sys.exit(f"{job['state']}: {job['reason_text']} {job['provider_words']}")
        for output in job["outputs"]:
            print(save(api, output))


def start(api: httpx.Client, text: str, pictures: tuple[str, ...]) -> httpx.Response:
    images = [picture if picture.startswith("http") else upload(api, Path(picture)) for picture in pictures]
    # Sent again with the same key, the same edit is not made, and paid, twice.
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return checked(api.post("jobs/", json={"text": text, "images": images}, headers=headers))


def upload(api: httpx.Client, path: Path) -> str:
    """The picture's id, which is good for any number of edits."""
    with path.open("rb") as file:
        answer = checked(api.post("pictures/", files={"images": (path.name, file)}))
    return answer.json()["pictures"][0]["id"]


def wait(api: httpx.Client, answer: httpx.Response) -> dict:
    """The server says when it is worth asking again; an unchanged job is not sent again."""
    job, tag = answer.json(), "none"
    while not job["finished_at"]:
        time.sleep(int(answer.headers.get("Retry-After", 1)))
        answer = api.get(job["url"], headers={"If-None-Match": tag})
        if answer.status_code not in (304, 429):
            job, tag = checked(answer).json(), answer.headers["ETag"]
    return job


def save(api: httpx.Client, output: dict) -> Path:
    path = Path(f"{output['id']}.{output['content_type'].split('/')[1]}")
    with api.stream("GET", output["url"], follow_redirects=True) as answer:
        checked(answer, content_type="")
        with path.open("wb") as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)
    return path


def checked(answer: httpx.Response, content_type: str = "application/json") -> httpx.Response:
    """The answer, if it is a good one; else the end, in words."""
    if answer.is_success and answer.headers.get("Content-Type", "").startswith(content_type):
        return answer
    answer.read()
    try:
        problems = answer.json()["errors"]
        sys.exit("\n".join(f"{problem['attr'] or problem['code']}: {problem['detail']}" for problem in problems))
    except (ValueError, KeyError, TypeError):  # another server, or a proxy in front
        leads = f", which leads to {answer.headers['Location']}" if answer.has_redirect_location else ""
        sys.exit(f"{answer.url} answers HTTP {answer.status_code}{leads}, not as Seedream Desk does. Check DESK_URL.")


if __name__ == "__main__":
    if len(sys.argv) < 3 or not os.environ.get("DESK_URL") or not os.environ.get("DESK_TOKEN"):
        sys.exit(str(__doc__))
    try:
        main(*sys.argv[1:])
    except OSError as problem:
        sys.exit(f"{problem.filename}: {problem.strerror}")
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        sys.exit(f"{os.environ['DESK_URL']} cannot be asked: {problem}. Check DESK_URL.")
