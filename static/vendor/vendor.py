"""Writes this folder anew from pinned npm packages: `python static/vendor/vendor.py` (needs npm).

The site itself needs neither npm nor this script: what it writes is checked in.
"""

import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
GEIST = "@fontsource-variable/geist@5.3.0"
LUCIDE = "lucide-static@1.62.0"
ICONS = [
    "arrow-left",
    "arrow-right",
    "ban",
    "calendar",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "circle-help",
    "clock",
    "cloud-off",
    "columns-2",
    "copy",
    "dices",
    "download",
    "eye",
    "file-archive",
    "flask-conical",
    "flip-horizontal-2",
    "gauge",
    "git-branch",
    "grip-vertical",
    "image-plus",
    "images",
    "info",
    "key-round",
    "keyboard",
    "languages",
    "link",
    "list-checks",
    "loader",
    "lock",
    "log-out",
    "mail",
    "monitor",
    "moon",
    "plus",
    "rotate-ccw",
    "search",
    "send",
    "settings",
    "shield-check",
    "sliders-horizontal",
    "sparkles",
    "sun",
    "trash-2",
    "triangle-alert",
    "user",
    "wand-sparkles",
    "x",
    "zap",
    "zoom-in",
]


def unpacked(package: str, folder: Path) -> Path:
    """The package's files; npm checks the archive against the registry's hash."""
    target = folder / re.sub(r"\W+", "-", package)
    target.mkdir()
    pack = ["npm", "pack", "--silent", "--pack-destination", str(target), package]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(target.glob("*.tgz"))) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def symbol(icons: Path, name: str) -> str:
    drawing = (icons / f"{name}.svg").read_text()
    lines = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)[1]
    shapes = re.sub(r">\s+<", "><", re.sub(r"\s+", " ", lines)).strip()
    look = 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"'
    return f'<symbol id="{name}" viewBox="0 0 24 24" {look}>{shapes}</symbol>\n'


def write_listing(files: dict[str, tuple[str, str]]) -> None:
    rows = [
        f"| `{name}` | {package} | {licence} | `{hashlib.sha256((HERE / name).read_bytes()).hexdigest()}` |"
        for name, (package, licence) in sorted(files.items())
    ]
    head = [
        "# Vendored files",
        "",
        "Written by `vendor.py` from pinned npm packages; do not edit by hand.",
        "",
        "| file | from | licence | sha256 |",
        "|---|---|---|---|",
    ]
    (HERE / "VENDOR.md").write_text("\n".join(head + rows) + "\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        geist, lucide = unpacked(GEIST, Path(folder)), unpacked(LUCIDE, Path(folder))
        font = "geist-latin-wght-normal.woff2"
        (HERE / font).write_bytes((geist / "files" / font).read_bytes())
        (HERE / "geist-LICENSE.txt").write_bytes((geist / "LICENSE").read_bytes())
        (HERE / "lucide-LICENSE.txt").write_bytes((lucide / "LICENSE").read_bytes())
        symbols = "".join(symbol(lucide / "icons", name) for name in ICONS)
    (HERE / "icons.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}</svg>\n')
    write_listing(
        {
            font: (GEIST, "OFL-1.1"),
            "geist-LICENSE.txt": (GEIST, "OFL-1.1"),
            "icons.svg": (LUCIDE, "ISC (some icons MIT, from Feather)"),
            "lucide-LICENSE.txt": (LUCIDE, "ISC, MIT"),
        }
    )


if __name__ == "__main__":
    main()
