"""Files that are not the picture a client expects."""

import struct
import zlib
from functools import lru_cache

BOMB_SIDE = 20_000
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><body><script>alert(1)</script>Not a picture.</body></html>"


@lru_cache(maxsize=1)
def picture_bomb() -> bytes:
    """Return a valid PNG of some 50 kB that claims, and decodes to, 20,000 x 20,000 pixels."""
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 1, 0, 0, 0, 0)
    packer, row = zlib.compressobj(9), bytes(1 + BOMB_SIDE // 8)
    data = b"".join(packer.compress(row) for _ in range(BOMB_SIDE)) + packer.flush()
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def video() -> bytes:
    """Return an MP4 file of one second without tracks."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = struct.pack(">IIIIIIHH8x", 0, 0, 0, 1000, 1000, 0x10000, 0x0100, 0) + matrix + bytes(24)
    movie = _box(b"mvhd", header + struct.pack(">I", 1))
    kinds = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    return kinds + _box(b"moov", movie) + _box(b"mdat", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + name + data
