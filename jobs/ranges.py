"""Which bytes a Range header asks for (RFC 9110, section 14)."""

import re

# A count of more digits is no file's; Python would refuse to read one of thousands.
ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


def wanted(header: str, size: int) -> range | None:
    """An empty range when the file has no such bytes; None, which is all of it, for anything but one valid range."""
    match = ONE_RANGE.fullmatch(header.strip())
    first, last = match.groups() if match else ("", "")
    if first and last and int(last) < int(first):
        return None
    if first:
        return range(int(first), min(int(last) + 1, size) if last else size)
    return range(max(size - int(last), 0), size) if last else None
