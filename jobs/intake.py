"""Pictures in: uploads, https links, data URIs, earlier outputs and already kept pictures, mixed and in order, each
checked and kept."""

import asyncio
import base64
import binascii
import io
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import httpx
from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from . import doorbell, network, output_links, pictures, references, seedream, store
from .models import Job, JobInput, Output, Picture
from .models.files import Original
from .references import Kept

NUMBERED = re.compile(r"images\[(\d{1,3})\]")
# A small compressed answer may unfold to gigabytes in one step.
PLAIN = {"Accept-Encoding": "identity"}
OUTPUT = "output:"
OUTPUT_PATH = re.compile(r"/(?:api/v1/)?(?:outputs|pictures)/([0-9a-fA-F-]{36})/.*")


# What links and words stand for, by what was given: a file's bytes, an output, a kept picture, or why there is none
Found = dict[str, bytes | str | Output | Kept]


def take(images: Sequence[Any], user: Any) -> list[Kept]:
    """Check and keep every picture. Raises seedream.InvalidInput with all the messages, each naming its picture."""
    kept, problems = take_what_is_good(images, user)
    if problems:
        raise seedream.InvalidInput({"images": problems})
    return kept


def take_what_is_good(images: Sequence[Any], user: Any) -> tuple[list[Kept], list[str]]:
    """The pictures that could be kept, and a message for each that could not: a form shows both."""
    problems = seedream.check_count(len(images))
    images = images[: seedream.MAX_IMAGES]
    links = [image for image in images if _is_link(image)]
    fetched = asyncio.run(_fetch_all(links)) if links else {}
    found: Found = {**fetched, **_outputs_of(images, user), **_kept_before(images, user)}
    kept = []
    for number, image in enumerate(images, start=1):
        try:
            kept.append(_take_one(image, found, user))
        except pictures.BadPicture as problem:
            problems += [f"{_label(number, image, found)}: {message}" for message in problem.messages]
    return kept, problems


def again(entries: Iterable[JobInput], user: Any) -> tuple[list[Kept], list[str]]:
    """The pictures of a job for one more, as take_what_is_good gives them."""
    entries = list(entries)
    kept = [Kept(entry.picture, entry.name, entry.source_url, entry.output) for entry in entries]
    return kept, [f"{entry.name}: {problem}" for entry in entries if (problem := entry.why_not_for(user))]


def in_order(data: QueryDict, files: MultiValueDict) -> list[Any]:
    """The pictures of a posted form: images[0], images[1], … in that order whatever each is, then what came under
    the plain name: words first, then files. A number given twice loses no picture."""
    numbered = [
        (int(match[1]), value)
        for source in (data, files)
        for field in source
        if (match := NUMBERED.fullmatch(field))
        for value in source.getlist(field)
    ]
    numbered.sort(key=lambda entry: entry[0])
    plain = [word.strip() for word in data.getlist("images") if isinstance(word, str) and word.strip()]
    return [value for _number, value in numbered] + plain + files.getlist("images")


def with_outputs(images: Sequence[Any], host: str) -> list[Any]:
    """Links to outputs of this site, which is asked for as `host`, as words for them: we do not fetch from
    ourselves. The pages' and the API's stand for what their user may see, signed ones for what they were given for."""
    hosts = {host.lower(), urlsplit(settings.PUBLIC_BASE_URL).netloc.lower()}
    return [_output_word(image, hosts) or image for image in images]


def output_word(output: Output) -> str:
    """A word by which whoever may see an output uses it as a picture."""
    return f"{OUTPUT}{output.pk}"


def output_name(output: Output) -> str:
    return f"result-{output.position + 1}.{output.extension}"


def keep(clean: pictures.CleanPicture) -> Picture:
    """Store a clean picture and its row, once for the same bytes."""
    file = store.keep_bytes(clean.data, "pictures", clean.extension)
    picture = _row(clean, file)
    if not store.exists(file):
        # Its last job was deleted in this moment, and the file with it.
        store.keep_bytes(clean.data, "pictures", clean.extension)
    return picture


def _row(clean: pictures.CleanPicture, file: str) -> Picture:
    now = timezone.now()
    with transaction.atomic():
        # Under a lock: nobody tidies it up between the look and the new date.
        picture, is_new = Picture.objects.select_for_update(no_key=True).get_or_create(
            sha256=clean.sha256,
            defaults={
                "file": file,
                "content_type": clean.content_type,
                "width": clean.width,
                "height": clean.height,
                "size": len(clean.data),
                "unused_since": now,
            },
        )
        if is_new:
            doorbell.ring("make_sizes")
        else:
            _upload_again(picture, now)
    return picture


def _upload_again(picture: Picture, now: datetime) -> None:
    """It waits anew for an edit; an original that was gone is there again, and what the archive has can go."""
    fields: dict[str, Any] = {"uploaded_at": now}
    if picture.unused_since:
        fields["unused_since"] = now
    if picture.original != Original.STORED or picture.leftover_at:
        fields |= {"original": Original.STORED, "original_at": now, "leftover_at": now}
    Picture.objects.filter(pk=picture.pk).update(**fields)
    for name, value in fields.items():
        setattr(picture, name, value)


def use(kept: Sequence[Kept]) -> None:
    """Hold the pictures for a job that is being written: call it in that transaction. Raises seedream.InvalidInput when
    one was removed since it was kept."""
    ids = {entry.picture.pk for entry in kept}
    # In one order for everybody, or two jobs of the same pictures could wait for each other.
    held = list(Picture.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    if len(held) < len(ids) or any(picture.why_gone for picture in held):
        raise seedream.InvalidInput({"images": [_("A picture of this edit is no longer here. Add it again.")]})
    if any(picture.unused_since for picture in held):
        Picture.objects.filter(pk__in=ids).update(unused_since=None)


def _take_one(image: Any, found: Found, user: Any) -> Kept:
    if isinstance(image, UploadedFile):
        return Kept(keep(pictures.clean(_file(image))), name=(image.name or "")[:200])
    if not isinstance(image, str):
        raise pictures.BadPicture([_("Must be a file, an https link or a data URI.")])
    if image.startswith("data:"):
        return Kept(keep(pictures.clean(io.BytesIO(_inline(image)))))
    content = found.get(image, _("Must be a file, an https link or a data URI."))
    if isinstance(content, Output):
        return _from_output(content, user)
    if isinstance(content, Kept):
        return _from_kept(content, user)
    if isinstance(content, str):
        raise pictures.BadPicture([content])
    return Kept(keep(pictures.clean(io.BytesIO(content))), name=_name_of(image), source_url=image)


def _from_kept(entry: Kept, user: Any) -> Kept:
    try:
        entry = entry.for_user(user)
    except PermissionDenied as problem:
        raise pictures.BadPicture([str(problem)]) from None
    if entry.picture.why_gone:
        raise pictures.BadPicture([entry.picture.why_gone])
    return entry


def _from_output(output: Output, user: Any) -> Kept:
    if problem := output.why_not_for(user):
        raise pictures.BadPicture([problem])
    if output.kind != Output.Kind.IMAGE:
        raise pictures.BadPicture([_("A video cannot be used as a picture.")])
    try:
        file = io.BytesIO(store.read(str(output.file.name)))
    except FileNotFoundError:
        raise pictures.BadPicture([_("The file of this result is missing.")]) from None
    # A signed address gives its holder the picture, and no way to the job that made it.
    is_seen = output.job.may_be_seen_by(user)
    picture = keep(pictures.clean(pictures.as_input(file)))
    return Kept(picture, name=output_name(output), output=output if is_seen else None)


def _file(upload: UploadedFile) -> IO[bytes]:
    if upload.file is None:
        raise pictures.BadPicture([_("The file is empty.")])
    return upload.file


def _inline(uri: str) -> bytes:
    head, _comma, body = uri.partition(",")
    if not head.endswith(";base64") or not head.startswith("data:image/"):
        raise pictures.BadPicture([_("A data URI must begin with data:image/…;base64.")])
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise pictures.BadPicture([_("The data URI is not valid base64.")]) from None


def _output_word(image: Any, hosts: set[str]) -> str:
    if not _is_link(image):
        return ""
    try:
        parts = urlsplit(image)
    except ValueError:  # half a bracket: told where links are fetched
        return ""
    path = unquote(parts.path)
    match = OUTPUT_PATH.fullmatch(path) or output_links.PATH.fullmatch(path)
    if match and parts.netloc.lower() in hosts:
        return f"{OUTPUT}{match[1]}"
    return f"{OUTPUT}{image}" if output_links.is_in_s3(image) else ""


def _outputs_of(images: Sequence[Any], user: Any) -> dict[str, Output | str]:
    """Each output that is named and may be seen, or whose signed address is held; or the message that it may not."""
    words = [image for image in images if isinstance(image, str) and image.startswith(OUTPUT)]
    ids = {word: _id_of(word) for word in words}
    rows = _visible_outputs([pk for pk in ids.values() if pk], user).in_bulk() if any(ids.values()) else {}
    return {word: rows[pk] if pk in rows else _held(word.removeprefix(OUTPUT), user) for word, pk in ids.items()}


def _kept_before(images: Sequence[Any], user: Any) -> dict[str, Kept | str]:
    """Each picture that is named by a reference, or the message that it is gone."""
    words = [image for image in images if isinstance(image, str) and image.startswith(references.WORD)]
    opened = references.opened(words, user) if words else {}
    return {word: opened.get(word, _("This picture is no longer here. Add it again.")) for word in words}


def _held(address: str, user: Any) -> Output | str:
    """What a signed address stands for, by its token or, of S3's own, whole."""
    try:
        output = output_links.output_in_s3(address, user) if _is_link(address) else output_links.output_of(address)
    except signing.SignatureExpired:
        return str(output_links.EXPIRED)
    except PermissionDenied as problem:
        return str(problem)
    return output or _("There is no such result, or you may not see it.")


def _id_of(word: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(word.removeprefix(OUTPUT))
    except ValueError:
        return None


def _visible_outputs(ids: Sequence[Any], user: Any) -> QuerySet[Output]:
    return Output.objects.filter(pk__in=ids, job__in=Job.objects.visible_to(user)).select_related("job")


def _is_link(image: Any) -> bool:
    return isinstance(image, str) and image.lower().startswith(("https://", "http://"))


def _label(number: int, image: Any, found: Found) -> str:
    if isinstance(image, UploadedFile) and image.name:
        return image.name
    if isinstance(image, str) and isinstance(output := found.get(image), Output):
        return output_name(output)
    if isinstance(image, str) and image.startswith(references.WORD) and (name := references.name_in(image)):
        return name
    if _is_link(image):
        shown = image if len(image) < 100 else f"{image[:99]}…"
        return shown.encode("utf-8", "replace").decode()
    return _("Picture %(number)d") % {"number": number}


def _name_of(url: str) -> str:
    return unquote(urlsplit(url).path).rsplit("/", 1)[-1][:200].replace("\0", "")


async def _fetch_all(links: Sequence[str]) -> dict[str, bytes | str]:
    """Each link's bytes, or the message why it could not be fetched."""
    unique = list(dict.fromkeys(links))
    async with network.fetch_client(
        settings.LINK_TIMEOUT, trusted=settings.TRUSTED_ADDRESS, follow_redirects=True
    ) as client:
        answers = await asyncio.gather(*(_fetch(link, client) for link in unique))
    return dict(zip(unique, answers, strict=True))


async def _fetch(link: str, client: httpx.AsyncClient) -> bytes | str:
    try:
        async with asyncio.timeout(settings.LINK_TIMEOUT), client.stream("GET", link, headers=PLAIN) as response:
            if response.status_code != 200:
                return _("The link answers with HTTP %(code)d.") % {"code": response.status_code}
            return await _capped(response)
    except network.Forbidden as problem:
        return str(problem)
    except TimeoutError:
        return _("The link did not deliver within %(seconds)d seconds.") % {"seconds": settings.LINK_TIMEOUT}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return _("The link cannot be fetched.")


async def _capped(response: httpx.Response) -> bytes | str:
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > seedream.MAX_BYTES:
            return seedream.check_picture(100, 100, len(content))[0]
    return bytes(content)
