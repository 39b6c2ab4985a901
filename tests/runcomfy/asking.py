"""One question of the client to a server that behaves as told."""

import asyncio
import socket

import pytest

from jobs.runcomfy import Ambiguous, NotSent, Refused, RunComfy

TOKEN = "token-that-nobody-may-see"
MODEL = "bytedance/seedream-4-0/edit-sequential"
BODY = {"text": "Zwei Bilder, 二つ", "images": ["data:image/png;base64,AA=="]}


def ask(url, question, timeout=10):
    """The answer to `question(client)`."""

    async def asked():
        async with RunComfy(url, TOKEN, submit_timeout=timeout, read_timeout=timeout) as client:
            return await question(client)

    return asyncio.run(asked())


def submit(server, behaviour, timeout=10):
    server.behaviour = behaviour
    return ask(server.url, lambda client: client.submit(MODEL, BODY), timeout)


def failed_submit(server, behaviour, timeout=10):
    with pytest.raises((NotSent, Refused, Ambiguous)) as caught:
        submit(server, behaviour, timeout)
    return caught.value


def status(server, behaviour, timeout=10):
    server.behaviour = behaviour
    return ask(server.url, lambda client: client.status("request-1"), timeout)


def result(server, behaviour):
    server.behaviour = behaviour
    return ask(server.url, lambda client: client.result("request-1"))


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
