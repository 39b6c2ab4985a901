"""Static files under hashed names."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(r'@import url\("([^"]+)"\);')


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    # The imports inside our ES modules get hashed names too, or an old module would meet a new one.
    support_js_module_import_aggregation = True
    bundle = "css/portal.css"

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if self.bundle in paths and not dry_run:
            self._inline(Path(self.path(self.bundle)))
            paths = {**paths, self.bundle: (self, self.bundle)}  # read from here, not from where it was collected
        yield from super().post_process(paths, dry_run, **options)

    def _inline(self, sheet: Path) -> None:
        """Put the imported files in the place of their imports: a phone would ask for each in its own round trip."""
        sheet.write_text(IMPORT.sub(lambda found: (sheet.parent / found[1]).read_text(), sheet.read_text()))
