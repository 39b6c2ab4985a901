"""What a sandbox can be told at its start, by arguments or by the environment."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """How one sandbox behaves.

    `queue_seconds` is the shortest wait in the queue, `run_seconds` the shortest run; `slots` is how many
    requests run at once. `public_url` (no trailing slash) is where clients reach this sandbox.
    """

    host: str = "127.0.0.1"
    port: int = 9400
    token: str = "sandbox-token"  # noqa: S105 - a stand-in's default, it guards nothing
    queue_seconds: float = 1.0
    run_seconds: float = 3.0
    slots: int = 4
    public_url: str = ""
    output_format: str = "jpeg"


def from_arguments(arguments: Sequence[str], environ: Mapping[str, str]) -> Config:
    """Read a Config from command line arguments; what they leave out comes from `SANDBOX_*` in `environ`.

    Prints the usage and raises SystemExit when a value does not fit.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)

    def option(name: str, kind: Callable[[str], object], meaning: str, **more: object) -> None:
        field = name.replace("-", "_")
        default = environ.get(f"SANDBOX_{field.upper()}", getattr(Config, field))
        parser.add_argument(f"--{name}", type=kind, default=default, help=meaning, **more)  # type: ignore[arg-type]

    option("host", str, "address to listen on")
    option("port", int, "port to listen on; 0 picks a free one")
    option("token", str, "the bearer token clients must send")
    option("queue-seconds", _duration, "shortest wait in the queue")
    option("run-seconds", _duration, "shortest run")
    option("slots", _positive, "how many requests run at once")
    option("public-url", str, "where clients reach the sandbox, if not at its own address")
    option("output-format", str, "how pictures are encoded", choices=("jpeg", "png"))
    return Config(**vars(parser.parse_args(arguments)))


def _duration(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
