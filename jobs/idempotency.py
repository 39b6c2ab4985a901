"""The same request, asked again under the same key, is answered with the job that was made the first time.

What is compared is what was asked, before any of it is looked up: a link may be dead by now, a source deleted.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions, status

from .models import IdempotencyKey, Job

HEADER, LONGEST = "Idempotency-Key", 200
Made = TypeVar("Made")
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class KeyTaken(exceptions.APIException):
    status_code, default_code = status.HTTP_409_CONFLICT, "conflict"
    default_detail = gettext_lazy("This Idempotency-Key was used for another request.")


class JobDeleted(exceptions.APIException):
    status_code, default_code = status.HTTP_410_GONE, "gone"
    default_detail = gettext_lazy("The job that was made under this Idempotency-Key was deleted.")


def key_of_call(request: Any, kind: str, body: Any, source: Any = "") -> IdempotencyKey | None:
    """What a program asks for: of which `kind`, made of which `source`; None when it sends no key."""
    word = request.headers.get(HEADER, "")
    if not word:
        return None
    if len(word) > LONGEST or not (word.isascii() and word.isprintable()):
        problem = _("At most %(limit)d letters, digits and signs of ASCII.") % {"limit": LONGEST}
        raise exceptions.ValidationError({HEADER: [problem]})
    return IdempotencyKey(owner=request.user, key=word, fingerprint=_fingerprint(kind, str(source), body))


def key_of_form(request: Any, word: str) -> IdempotencyKey | None:
    """What a person's form asks for. A form that was changed has another key: what was typed is never lost to an
    earlier press of the button."""
    if not word:
        return None
    sent = request.POST.copy()
    sent.update(request.FILES)
    sent.pop("csrfmiddlewaretoken", None)  # written differently into each page
    mark = _fingerprint("form", request.GET.urlencode(), sent)
    return IdempotencyKey(owner=request.user, key=f"form:{mark}", fingerprint=mark)


def once(key: IdempotencyKey | None, make: Callable[[], Made]) -> Job | Made:
    """The job that was made under the key before, or else what `make` makes; it hands the key to lifecycle.create.

    Raises KeyTaken and JobDeleted.
    """
    if key is None:
        return make()
    if earlier := _made_before(key):
        return earlier
    try:
        return make()
    except Exception:
        # Of two at once, one comes too late: to write its row, or to find what the other one still found.
        if earlier := _made_before(key):
            return earlier
        raise


def _made_before(key: IdempotencyKey) -> Job | None:
    known = IdempotencyKey.objects.select_related("job").filter(owner=key.owner, key=key.key).first()
    if known is None:
        return None
    if known.fingerprint not in ("", key.fingerprint):
        raise KeyTaken
    if known.job is None:
        raise JobDeleted
    return known.job


def _fingerprint(kind: str, source: str, body: Any) -> str:
    mark = hashlib.sha256()
    if isinstance(body, QueryDict):
        body = {name: [_told(value) for value in values] for name, values in body.lists()}
    try:
        for part in ENCODER.iterencode([kind, source, body]):  # in parts: the pictures in it are large
            mark.update(part.encode())
    except RecursionError:
        raise exceptions.ParseError(_("The JSON is nested too deeply.")) from None
    return mark.hexdigest()


def _told(value: Any) -> str | Mapping[str, str]:
    """A word as it is; a file by what is in it."""
    if not isinstance(value, UploadedFile):
        return value
    mark = hashlib.sha256()
    for chunk in value.chunks():
        mark.update(chunk)
    value.seek(0)
    return {"sha256": mark.hexdigest()}
