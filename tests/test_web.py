"""`manage.py web`, as a container or systemd runs it."""

import json
import os
import signal
import subprocess
import sys

import httpx

from .processes import wait_until
from .service import ROOT, free_port


def test_web_serves_on_its_port_and_ends_when_told_to(tmp_path):
    port, log = free_port(), tmp_path / "log.txt"
    own = {"DJANGO_SETTINGS_MODULE": "seedream_site.settings", "VAR_DIR": str(tmp_path), "LOG_FORMAT": "json"}
    command = [sys.executable, "manage.py", "web", "--port", str(port)]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **own, "WEB_WORKERS": "1"}, stdout=sink, stderr=sink
        )
    assert wait_until(lambda: answer(f"http://127.0.0.1:{port}/healthz"), 60) == "ok"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines() if "Listening" in line]
    assert [line["level"] for line in lines] == ["INFO"]


def answer(url):
    try:
        return httpx.get(url, trust_env=False, timeout=5).text
    except httpx.TransportError:
        return None
