"""`python -m bench.sizes [--quick]`: a JPEG of 12 megapixels to the three page sizes, against the same done with Pillow
alone; 1 when over the budget of time or of memory.
"""

import argparse
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from PIL import Image

from bench import memory
from bench.fill import start_django
from bench.lines import measured, show

SIDES = 4000, 3000
ROUNDS, RATIO, MEGABYTES = 15, 1.2, 60.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.sizes", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peak", action="store_true", help="only what one picture needs, in a process of its own")
    given = parser.parse_args(arguments)
    start_django()
    data = photo()
    if given.peak:
        sys.stdout.write(peak_of(data))
        return 0
    ours, floor = times(data, 5 if given.quick else ROUNDS)
    child = subprocess.run([sys.executable, "-m", "bench.sizes", "--peak"], check=True, stdout=subprocess.PIPE)
    idle, most = map(float, child.stdout.split())
    return show([
        measured("a JPEG of 12 megapixels to the three page sizes", ours, floor, "ms", ours / floor, RATIO),
        measured("memory for it, beside that of the process before", most, idle, "MB", most - idle, MEGABYTES, of="MB"),
    ])  # fmt: skip


def photo() -> bytes:
    """Like one that a camera took: shapes and grain, and no two parts alike."""
    grain = Image.frombytes("RGB", (500, 375), os.urandom(500 * 375 * 3)).resize(SIDES, Image.Resampling.BICUBIC)
    light = Image.radial_gradient("L").resize(SIDES, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    Image.blend(grain, Image.merge("RGB", [light] * 3), 0.6).save(file, "JPEG", quality=92)
    return file.getvalue()


def times(data: bytes, rounds: int) -> tuple[float, float]:
    """Milliseconds of ours and of Pillow alone, each the median, taken in turn."""
    from jobs import pictures

    works: list[Callable[[], object]] = [lambda: pictures.page_copies(io.BytesIO(data)), lambda: floor(data)]
    spent: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        for work, found in zip(works, spent, strict=True):
            begun = time.perf_counter()
            work()
            if number:  # the first round is to get warm
                found.append((time.perf_counter() - begun) * 1000)
    return median(spent[0]), median(spent[1])


def floor(data: bytes) -> list[bytes]:
    """The same copies with nothing beside them: no check of the content, no profile, no colour."""
    files = []
    with Image.open(io.BytesIO(data)) as picture:
        picture.draft(None, (1600, 1200))
        copy = picture.resize((1600, 1200), Image.Resampling.LANCZOS, reducing_gap=2.0)
    for width, quality in ((1600, 80), (640, 72), (320, 72)):
        copy = copy.resize((width, width * 3 // 4), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        copy.save(file, "WEBP", quality=quality)
        files.append(file.getvalue())
    return files


def peak_of(data: bytes) -> str:
    """Megabytes before and at the most, with the libraries loaded by a small picture first."""
    from jobs import pictures

    small = io.BytesIO()
    Image.new("RGB", (64, 48)).save(small, "JPEG")
    pictures.page_copies(small)
    idle = memory.resident()
    memory.forget_peak()
    pictures.page_copies(io.BytesIO(data))
    return f"{idle} {memory.peak()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
