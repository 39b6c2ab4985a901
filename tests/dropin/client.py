"""A program for RunComfy's Model API, written from the contract's text alone. It knows nothing of who answers."""

from dataclasses import dataclass
from typing import Any

import httpx

MODEL = "bytedance/seedream-4-0/edit-sequential"
ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Answer:
    """`body` is the JSON of an answer, None when it is none."""

    code: int
    kind: str
    body: Any


class Client:
    """One method for each call of the contract. With an empty token it sends none."""

    def __init__(self, base_url: str, token: str):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False)

    def submit(self, body: Any, model_id: str = MODEL, **headers: str) -> Answer:
        return self.send("POST", f"/v1/models/{model_id}", json=body, headers=headers)

    def status(self, request_id: str) -> Answer:
        return self.send("GET", f"/v1/requests/{request_id}/status")

    def result(self, request_id: str, **query: Any) -> Answer:
        return self.send("GET", f"/v1/requests/{request_id}/result", params=query)

    def cancel(self, request_id: str) -> Answer:
        return self.send("POST", f"/v1/requests/{request_id}/cancel")

    def model(self, model_id: str = MODEL) -> Answer:
        return self.send("GET", f"/v1/models/{model_id}")

    def models(self, **query: Any) -> Answer:
        return self.send("GET", "/v1/models", params=query)

    def balance(self) -> Answer:
        return self.send("GET", "/prod/v2/balance")

    def send(self, method: str, url: str, **more: Any) -> Answer:
        response = self.http.request(method, url, **more)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return Answer(response.status_code, kind, response.json() if kind == "application/json" else None)


def download(url: str) -> httpx.Response:
    """An output, as the contract has it fetched: without the token, without following a redirect."""
    return httpx.get(url, timeout=30, trust_env=False, follow_redirects=False)
