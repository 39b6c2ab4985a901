"""Words by which a user, and nobody else, uses a kept picture again: signed, so that nobody makes up one."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.core import signing

from .models import Output, Picture

WORD = "picture:"
SALT = "jobs.kept-picture"


@dataclass(frozen=True)
class Kept:
    """A picture that may be used as an input, under the name that its user gave it; `output` is what it was made of."""

    picture: Picture
    name: str = ""
    source_url: str = ""
    output: Output | None = None

    @property
    def output_id(self) -> uuid.UUID | None:
        return self.output.pk if self.output else None

    def for_user(self, user: Any) -> "Kept":
        """As `user` may have it, who may not see every job. Raises PermissionDenied, in words, for an output that is
        withheld from them by now."""
        if self.output is None:
            return self
        self.output.check_for(user)
        return self if self.output.job.may_be_seen_by(user) else replace(self, output=None)


class Read(NamedTuple):
    """What a word says; `origin` is the id of the output that the picture was made of, if it was."""

    picture_id: str
    user_id: Any
    name: str
    origin: str = ""


def reference(picture: Picture, user: Any, name: str = "", output_id: uuid.UUID | None = None) -> str:
    origin = [str(output_id)] if output_id else []
    return WORD + _signer().sign_object([str(picture.pk), user.pk, name, *origin])


def name_in(word: str) -> str:
    """What the picture is called; empty when it has no name, or the word is altered."""
    read = _read(word)
    return read.name if read else ""


def opened(words: Iterable[str], user: Any) -> dict[str, Kept]:
    """What each word stands for; left out are those that are altered, another's, or whose picture is gone. All are
    looked up together. To be asked `for_user`."""
    read = {word: found for word in words if (found := _read(word)) and found.user_id == user.pk}
    pictures = Picture.objects.in_bulk({uuid.UUID(found.picture_id) for found in read.values()})
    origins = {uuid.UUID(found.origin) for found in read.values() if found.origin}
    outputs = Output.objects.select_related("job").in_bulk(origins) if origins else {}
    return {
        word: Kept(picture, found.name, output=outputs.get(uuid.UUID(found.origin)) if found.origin else None)
        for word, found in read.items()
        if (picture := pictures.get(uuid.UUID(found.picture_id)))
    }


def opened_one(word: str, user: Any) -> Kept | None:
    """Raises PermissionDenied as `for_user` does."""
    entry = opened([word], user).get(word)
    return entry and entry.for_user(user)


def _read(word: str) -> Read | None:
    try:
        return Read(*_signer().unsign_object(word.removeprefix(WORD)))
    except (signing.BadSignature, ValueError):
        return None


def _signer() -> signing.Signer:
    return signing.Signer(salt=SALT)
