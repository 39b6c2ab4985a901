"""`python -m tests.soak`: see `--help`; it ends with 1 when a promise is broken."""

import argparse
import os
import random
import signal
import sys
from types import FrameType

import django

from tests import matrix

from . import places

SEEDS = 10**6


def main() -> int | str:
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    if options.database == "postgres" and (missing := matrix.missing_parts()):
        return f"Not here: {', '.join(missing)}."
    where = f"{options.clusters} clusters, {options.database} and {options.files}"
    sys.stdout.write(f"Seed {options.seed}: {options.jobs} jobs on {where}.\n")
    sys.stdout.flush()
    with places.place(options.database, files=options.files) as place:
        os.environ |= place.environment
        django.setup()
        # The models can be imported only now.
        from . import run

        try:
            is_good = run.soak(place, options.jobs, options.seed, options.clusters)
        except Exception:
            place.is_kept = True
            raise
        place.is_kept = options.keep or not is_good
        return 0 if is_good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("SOAK_JOBS") or 200))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SOAK_SEED") or random.randrange(SEEDS)))
    parser.add_argument("--database", choices=places.DATABASES, default="sqlite", help="postgres: with Redis")
    parser.add_argument("--files", choices=places.FILES, default="folder", help="s3: no machine shares another's disk")
    parser.add_argument("--clusters", type=int, default=2, help="each with s3 on a machine of its own, so to speak")
    parser.add_argument("--keep", action="store_true", help="leave the files and the log, also when all went well")
    return parser.parse_args()


def _end(number: int, frame: FrameType | None) -> None:
    """What was started is ended on the way out."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
