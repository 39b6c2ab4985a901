"""What a process holds, by Linux's own count."""

from pathlib import Path

MB = 1024 * 1024


def resident() -> float:
    """Megabytes at this moment."""
    return _status("VmRSS")


def peak() -> float:
    """The most megabytes at any moment since forget_peak(), or since the process began."""
    return _status("VmHWM")


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> float:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024 / MB
