"""Whether a PNG is whole, told in little memory: put together, the model's largest picture takes 16 MB."""

import struct
import zlib
from collections.abc import Iterator
from typing import IO

SIGNATURE, PIECE = 8, 64 * 1024  # bytes
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the type of colour


def check(file: IO[bytes]) -> None:
    """Read a PNG to its end, with the sums of its chunks and of its pixels. Raises OSError when something is amiss."""
    inflating, expected, found = zlib.decompressobj(), 0, 0
    try:
        for name, data in _chunks(file):
            if name == b"IHDR":
                expected = _size(data)
            elif name == b"IDAT":
                found += _inflated(inflating, data)
    except (struct.error, zlib.error, KeyError) as problem:
        raise OSError(f"The PNG is damaged: {problem}") from problem
    if not inflating.eof or found < expected:
        raise OSError("The PNG lacks pixels.")


def _size(header: bytes) -> int:
    """Of the pixels of a plain PNG, each line with its filter; an interlaced one has more lines."""
    width, height, bits, color = struct.unpack(">IIBB", header[:10])
    return int(height) * (1 + (int(width) * bits * CHANNELS[color] + 7) // 8)


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The name and the content of each chunk, a long one in pieces."""
    file.seek(SIGNATURE)
    name = b""
    while name != b"IEND":
        length, name = struct.unpack(">I4s", file.read(8))
        crc = zlib.crc32(name)
        for begin in range(0, length, PIECE) or [0]:
            data = _read(file, min(PIECE, length - begin))
            crc = zlib.crc32(data, crc)
            yield name, data
        if struct.unpack(">I", file.read(4)) != (crc,):
            raise OSError(f"The sum of a chunk is wrong: {name!r}")


def _read(file: IO[bytes], length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise OSError("The PNG ends too early.")
    return data


def _inflated(inflating: "zlib._Decompress", data: bytes) -> int:
    """How many bytes come of these; never more than a piece is held of them."""
    found = 0
    while data and not inflating.eof:
        found += len(inflating.decompress(data, PIECE))
        data = inflating.unconsumed_tail
    return found
