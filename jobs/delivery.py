"""How RunComfy gets our pictures: under signed, expiring addresses, or inside the request as data URIs."""

import base64
from collections.abc import Sequence

from django.conf import settings
from django.core import signing
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils.translation import gettext as _

from . import seedream, store
from .models import JobInput, Picture

SALT = "jobs.input-url"
INLINE_MAX_BYTES = 6 * 1024 * 1024  # what RunComfy's own nodes allow for an inline picture
INLINE_MAX_TOTAL = 64 * 1024 * 1024


def is_by_url() -> bool:
    """Whether RunComfy is given addresses; with INPUT_DELIVERY=auto, whether it can reach them."""
    if settings.INPUT_DELIVERY != "auto":
        return settings.INPUT_DELIVERY == "url"
    if settings.S3_BUCKET and not settings.X_ACCEL_PREFIX:
        return not settings.S3_ENDPOINT_URL or settings.S3_ENDPOINT_URL.startswith("https://")
    return settings.USE_SANDBOX or settings.PUBLIC_BASE_URL.startswith("https://")


def check(pictures: Sequence[Picture]) -> None:
    """Raise seedream.InvalidInput for pictures that do not fit into a request that carries them inside."""
    if is_by_url():
        return
    sizes = [picture.size for picture in pictures]
    if max(sizes) > INLINE_MAX_BYTES or sum(sizes) * 4 / 3 > INLINE_MAX_TOTAL:
        message = _(
            "RunComfy cannot reach this site, so pictures travel inside the request: "
            "at most 6 MB each and 48 MB together."
        )
        raise seedream.InvalidInput({"images": [message]})


def image_uris(inputs: Sequence[JobInput]) -> list[str]:
    """What goes into the request for a job's pictures. Raises OSError when a file that must be read is missing."""
    return [input_url(entry) if is_by_url() else _data_uri(entry.picture) for entry in inputs]


def input_url(entry: JobInput) -> str:
    """An absolute address that needs no sign-in, good for INPUT_URL_HOURS from now."""
    if store.is_asked_directly():
        lifetime = int(settings.INPUT_URL_LIFETIME.total_seconds())
        return default_storage.url(entry.picture.file.name, expire=lifetime)  # type: ignore[call-arg]
    token = signing.TimestampSigner(salt=SALT).sign(str(entry.picture_id))
    return settings.PUBLIC_BASE_URL + reverse("jobs:input", args=[token, _file_name(entry)])


def picture_of(token: str) -> Picture | None:
    """The picture that a signed address stands for; None when it is altered or too old."""
    try:
        picture_id = signing.TimestampSigner(salt=SALT).unsign(token, max_age=settings.INPUT_URL_LIFETIME)
    except signing.BadSignature:
        return None
    return Picture.objects.filter(pk=picture_id).first()


def _file_name(entry: JobInput) -> str:
    # The extension is for servers that guess the type by it; the user's own name would tell too much.
    return f"{entry.position + 1}.{'png' if entry.picture.content_type == 'image/png' else 'jpg'}"


def _data_uri(picture: Picture) -> str:
    return f"data:{picture.content_type};base64,{base64.b64encode(store.read(str(picture.file.name))).decode()}"
