"""`manage.py verify_store`: is every stored file there and whole?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import upkeep


class Command(BaseCommand):
    help = "Read every stored file, compare its hash, and list files without a row. Exits 1 when something is damaged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair",
            action="store_true",
            help="fetch damaged outputs again from RunComfy, and have missing page-size copies made",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        damaged = [damage for damage in upkeep.damaged() if not self._is_mended(damage, options["repair"])]
        orphans = list(upkeep.orphans())
        for name in orphans:
            self.stdout.write(f"nobody's: {name}")
        self.stdout.write(f"{len(damaged)} damaged, {len(orphans)} files without a row")
        if damaged:
            raise CommandError("Files are missing or damaged.")

    def _is_mended(self, damage: upkeep.Damage, repair: bool) -> bool:
        self.stdout.write(f"damaged: {damage}")
        if not repair:
            return False
        why_not = upkeep.repair(damage)
        self.stdout.write(f"    not repaired: {why_not}" if why_not else "    repaired")
        return not why_not
