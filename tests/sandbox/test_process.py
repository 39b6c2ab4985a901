import os
import signal
import subprocess
import sys

import httpx
import pytest

from sandbox.config import Config, from_arguments

COMMAND = [sys.executable, "-m", "sandbox"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_tells_its_address_and_stops_cleanly(number):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*COMMAND, "--port", "0"], text=True, **pipes) as process:
        line = process.stdout.readline()
        balance = httpx.get(line.split()[-1] + "/sandbox/ledger", trust_env=False)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=5)

    assert line.startswith("sandbox listening on http://127.0.0.1:")
    assert (balance.status_code, process.returncode, rest, errors) == (200, 0, "", "")


def test_process_stops_while_calls_hang():
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*COMMAND, "--port", "0"], text=True, **pipes) as process:
        base = process.stdout.readline().split()[-1]
        headers = {"authorization": "Bearer sandbox-token"}
        told = {"faults": [{"kind": "hang_in_body", "on": "model", "seconds": 60}]}
        with httpx.Client(base_url=base, headers=headers, trust_env=False) as http:
            http.post("/sandbox/faults", json=told)
            with http.stream("GET", "/v1/models"):
                process.terminate()
                _, errors = process.communicate(timeout=5)

    assert (process.returncode, errors) == (0, "")


def test_process_takes_its_settings_from_the_environment():
    environ = os.environ | {"SANDBOX_PORT": "0", "SANDBOX_TOKEN": "t", "SANDBOX_PUBLIC_URL": "http://desk.test/"}
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, env=environ) as process:
        base = process.stdout.readline().split()[-1]
        headers = {"authorization": "Bearer t"}
        body = {"images": ["http://127.0.0.1:1/a.png"], "text": "a"}
        path = "/v1/models/bytedance/seedream-4-0/edit-sequential"
        answer = httpx.post(base + path, json=body, headers=headers, trust_env=False)
        process.terminate()

    assert answer.json()["status_url"].startswith("http://desk.test/v1/requests/")


def test_process_refuses_a_port_in_use(fast_address):
    port = fast_address.rpartition(":")[2]

    finished = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False)

    assert finished.returncode == 1
    assert finished.stderr.startswith(f"sandbox cannot listen on 127.0.0.1:{port}: Address already in use")
    assert finished.stderr.count("\n") == 1


def test_config_arguments_win_over_the_environment():
    config = from_arguments(["--slots", "9"], {"SANDBOX_SLOTS": "2", "SANDBOX_RUN_SECONDS": "0.5"})

    assert (config.slots, config.run_seconds) == (9, 0.5)


def test_config_has_the_documented_defaults():
    assert from_arguments([], {}) == Config(
        host="127.0.0.1",
        port=9400,
        token="sandbox-token",
        queue_seconds=1,
        run_seconds=3,
        slots=4,
        public_url="",
        output_format="jpeg",
    )


@pytest.mark.parametrize(
    "arguments", [["--slots", "0"], ["--port", "x"], ["--output-format", "gif"], ["--queue-seconds", "-1"]]
)
def test_config_refuses_values_that_do_not_fit(arguments, capsys):
    with pytest.raises(SystemExit):
        from_arguments(arguments, {})

    assert arguments[0] in capsys.readouterr().err
