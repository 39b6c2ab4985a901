"""A client for the tests: the sandbox's calls by their names."""

import base64
import io
import time
from typing import Any

import httpx
from PIL import Image

TOKEN = "a-token-for-tests"
MODEL = "/v1/models/bytedance/seedream-4-0/edit-sequential"
DEADLINE_SECONDS = 10.0


def picture(width: int = 120, height: int = 80, kind: str = "JPEG") -> bytes:
    """Return an encoded picture with some colours and edges in it."""
    ramp = Image.linear_gradient("L").resize((width, height))
    disc = Image.radial_gradient("L").resize((width, height))
    buffer = io.BytesIO()
    Image.merge("RGB", (ramp, disc, disc.transpose(Image.Transpose.ROTATE_180))).save(buffer, kind)
    return buffer.getvalue()


def data_uri(content: bytes, kind: str = "jpeg") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def model_input(**fields: Any) -> dict[str, Any]:
    """Return a good input for one picture, with these fields changed."""
    usual = {"images": [data_uri(picture())], "text": "a quiet lake", "seed": 7}
    return {**usual, "sequential_image_generation_options": 1, **fields}


class Caller:
    """Calls one sandbox over HTTP."""

    def __init__(self, base_url: str) -> None:
        headers = {"authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=10, trust_env=False)

    def post(self, timeout: float = 10, **fields: Any) -> httpx.Response:
        return self.http.post(MODEL, json=model_input(**fields), timeout=timeout)

    def submit(self, **fields: Any) -> str:
        """Submit and return the request's id."""
        return self.post(**fields).raise_for_status().json()["request_id"]

    def ended(self, **fields: Any) -> str:
        """Submit, wait for the end, and return the request's id."""
        request_id = self.submit(**fields)
        self.wait(request_id, "completed", "failed", "cancelled")
        return request_id

    def status(self, request_id: str, timeout: float = 10) -> httpx.Response:
        return self.http.get(f"/v1/requests/{request_id}/status", timeout=timeout)

    def result(self, request_id: str, **query: str) -> httpx.Response:
        return self.http.get(f"/v1/requests/{request_id}/result", params=query)

    def cancel(self, request_id: str) -> httpx.Response:
        return self.http.post(f"/v1/requests/{request_id}/cancel")

    def images(self, request_id: str) -> list[Any]:
        return self.result(request_id).raise_for_status().json()["output"]["images"]

    def ledger(self) -> dict[str, Any]:
        return self.http.get("/sandbox/ledger").json()

    def entry(self, request_id: str) -> dict[str, Any]:
        return self.ledger()["requests"][request_id]

    def fault(self, kind: str, **told: Any) -> None:
        self.faults({"kind": kind, **told}).raise_for_status()

    def faults(self, *told: Any) -> httpx.Response:
        return self.http.post("/sandbox/faults", json={"faults": list(told)})

    def wait(self, request_id: str, *statuses: str) -> None:
        """Return once the ledger shows one of the statuses; it is asked because that counts no poll."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (status := self.entry(request_id)["status"]) not in statuses:
            assert time.monotonic() < deadline, f"{request_id} is still {status}"
