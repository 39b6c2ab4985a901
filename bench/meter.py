"""What a measured process tells of itself: one line of JSON when it is ready, and one for each line that it is sent."""

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

MEGABYTE_IN_KB = 1024


def tell(figures: Callable[[], dict[str, float]] = dict, **hello: str) -> threading.Event:
    """Say `hello`, and answer from now on. The event is set once somebody has asked."""
    _write(hello)
    is_asked = threading.Event()
    threading.Thread(target=_answer, args=[figures, is_asked], daemon=True).start()
    return is_asked


def _answer(figures: Callable[[], dict[str, float]], is_asked: threading.Event) -> None:
    for _line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _write({"cpu": used.ru_utime + used.ru_stime, "peak": _peak(), **figures()})
        is_asked.set()


def _peak() -> float:
    """The most memory that this process has occupied, in MB."""
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1]) / MEGABYTE_IN_KB


def _write(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


class Measured:
    """A process that calls `tell`, killed at the end of the context."""

    def __init__(self, module: str, *arguments: object, **settings: str):
        command = [sys.executable, "-m", module, *map(str, arguments)]
        environment = {**os.environ, **settings}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.hello = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.process.kill()
        self.process.communicate()

    def figures(self) -> dict[str, Any]:
        """CPU in seconds, memory in MB, and what else it counts, since it began."""
        if not self.process.stdin:
            raise RuntimeError("It was started without a way to ask it.")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise RuntimeError(f"{self.process.args} ended: {self.process.wait()}")
        return json.loads(line)
