"""Which stored files a row still points to, and removing those that none does: from the store and from the archive."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model

from . import counts, sizes, store
from .models import Output, Picture
from .models.files import Original

ROWS: tuple[type[Picture], type[Output]] = (Picture, Output)
HOME = {store.STORE: Original.STORED, store.ARCHIVE: Original.ARCHIVED}


def is_used(name: str, of: str = store.STORE) -> bool:
    """Whether a row says that its file is there. Copies for pages are used as long as there is the row."""
    if name.startswith(f"{sizes.FOLDER}/"):
        return any(model.objects.filter(sha256=sizes.original(name)).exists() for model in ROWS)
    return any(model.objects.filter(file=name, original=HOME[of]).exists() for model in ROWS)


def is_expected(name: str, of: str = store.STORE) -> bool:
    """The same, or that it will be removed: whatever lies there else is nobody's."""
    return is_used(name, of) or any(
        model.objects.filter(file=name, leftover_at__isnull=False).exists() for model in ROWS
    )


def places() -> list[str]:
    return [store.STORE, store.ARCHIVE] if store.has_archive() else [store.STORE]


def of_rows(rows: Iterable[sizes.Row]) -> set[str]:
    """The names of all files that these rows ever had."""
    return {name for row in rows for name in (str(row.file.name), *sizes.names(row))}


def remove_unused(files: Iterable[str]) -> None:
    """Call it after the commit: a death in between leaves files without rows, which verify_store lists, never the
    reverse."""
    for name in files:
        for of in places():
            if not is_used(name, of):
                store.remove(name, of)


def sweep(model: type[Picture] | type[Output], pk: Any, before: datetime) -> None:
    """Remove the file of a row from wherever the row does not say that it is, unless another one has it there.

    Under the row's lock, for whoever stores the same bytes anew, or brings them back, postpones this first: see
    `postpone`. A death in the middle leaves the mark, and the next one removes what is left.
    """
    with transaction.atomic():
        marked = model.objects.select_for_update(of=("self",)).filter(pk=pk, leftover_at__lt=before).first()
        if marked is None:
            return
        for of in places():
            _remove(str(marked.file.name), of, marked.size)
        model.objects.filter(pk=pk).update(leftover_at=None)


def _remove(name: str, of: str, size: int) -> None:
    if is_used(name, of) or not store.exists(name, of):
        return
    store.remove(name, of)
    counts.add("originals_freed_files", place=of)
    counts.add("originals_freed_bytes", size, place=of)


def postpone(model: type[Model], hashes: Iterable[str], now: datetime) -> None:
    """Nothing with these bytes is removed soon: they are needed again. Look afterwards whether the file is there: it
    may have been removed up to this moment."""
    model._default_manager.filter(sha256__in=hashes, leftover_at__isnull=False).update(leftover_at=now)
