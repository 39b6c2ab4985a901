"""The figures as a table, and what was not kept."""

import sys

from rich.console import Console
from rich.table import Table

from .audit import Audit


def show(title: str, audit: Audit) -> None:
    table = Table("", "count", title=title, title_justify="left")
    for name, count in audit.figures.items():
        table.add_row(name, str(count))
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    console.print(table)
    for finding in audit.broken:
        console.print(f"BROKEN {finding}", soft_wrap=True)
    console.print("Every promise was kept." if not audit.broken else f"{len(audit.broken)} findings.")
