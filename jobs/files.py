"""Stored files over HTTP: a fixed content type, a name that we chose, and caching, for what never changes.

From a folder by this process, from S3 by a redirect to it; with X_ACCEL_PREFIX, from either by the server in front.
"""

from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotFound,
    HttpResponseRedirect,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from whitenoise.responders import SlicedFile

from . import ranges, sizes, store
from .models import Output, Picture
from .models.files import SMALL

FOREVER = "private, max-age=31536000, immutable"
LINK_SECONDS = 3600  # how long an address of the file store is good for
LINK_CACHED_SECONDS = LINK_SECONDS - 600
BRIEF_SECONDS = 60  # the same for what a verdict that is taken back would withhold


@dataclass(frozen=True)
class Sent:
    """A file of the store and what it is sent as; `tag` names its bytes. One that `is_small` is never withheld, and one
    that `is_by_us` comes from this process wherever it is stored."""

    file: str
    tag: str
    content_type: str
    name: str
    is_download: bool = False
    is_small: bool = False
    is_by_us: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.tag}"'

    @property
    def disposition(self) -> str:
        return content_disposition_header(self.is_download, self.name) or "inline"


def serve_output(
    request: HttpRequest, output: Output, *, download: bool = False, by_us: bool = False
) -> HttpResponseBase:
    if output.why_gone:
        return _gone(output.why_gone)
    name = f"seedream-{output.job_id}-{output.position + 1}.{output.extension}"
    told = (str(output.file.name), output.sha256, output.content_type, name)
    return _serve(request, Sent(*told, is_download=download, is_by_us=by_us))


def serve_picture(request: HttpRequest, picture: Picture) -> HttpResponseBase:
    if picture.why_gone:
        return _gone(picture.why_gone)
    name = f"picture-{picture.sha256[:12]}.{'png' if picture.content_type == 'image/png' else 'jpg'}"
    return _serve(request, Sent(str(picture.file.name), picture.sha256, picture.content_type, name))


def serve_size(request: HttpRequest, row: Output | Picture, width: int) -> HttpResponseBase:
    if width not in row.widths:
        raise Http404(_("There is no copy of this width."))
    name = f"picture-{row.sha256[:12]}-{width}.webp"
    told = (sizes.name(row.sha256, width), f"{row.sha256}-{width}", "image/webp", name)
    return _serve(request, Sent(*told, is_small=width <= SMALL))


def serve_preview(request: HttpRequest, picture: Picture) -> HttpResponseBase:
    """The copy of middling size; the picture itself until copies were made."""
    if not picture.widths:
        return serve_picture(request, picture)
    return serve_size(request, picture, picture.widths[len(picture.widths) // 2])


def _serve(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    if store.is_asked_directly() and not sent.is_by_us:
        return _redirected(sent)
    response = get_conditional_response(request, sent.etag) or _sent(request, sent)
    if response.status_code < 400:
        response["Cache-Control"], response["ETag"] = FOREVER, sent.etag
    return response


def _redirected(sent: Sent) -> HttpResponseBase:
    # The browser shows what S3 answers to a download; a picture of a page that is not there looks the same either way.
    if sent.is_download and not store.exists(sent.file):
        return _missing()
    told = {
        "ResponseContentType": sent.content_type,
        "ResponseContentDisposition": sent.disposition,
        "ResponseCacheControl": FOREVER,
    }
    is_brief = settings.REQUIRE_APPROVAL and not sent.is_small
    seconds = BRIEF_SECONDS if is_brief else LINK_SECONDS
    url = default_storage.url(sent.file, parameters=told, expire=seconds)  # type: ignore[call-arg]
    kept = "no-store" if is_brief else f"max-age={LINK_CACHED_SECONDS}"
    return HttpResponseRedirect(url, headers={"Cache-Control": f"private, {kept}"})


def _sent(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    if settings.X_ACCEL_PREFIX and not sent.is_by_us:
        return _by_the_web_server(request, sent)
    try:
        file = default_storage.open(sent.file)
    except FileNotFoundError:
        return _missing()
    part = _wanted_part(request, sent, file.size)
    if not part and file.size:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    return _streamed(file, part, sent)


def _by_the_web_server(request: HttpRequest, sent: Sent) -> HttpResponse:
    """It answers ranges and conditions itself, or has S3 do it, and takes these headers over."""
    is_here = isinstance(default_storage, FileSystemStorage)
    # A page of pictures is not worth a question to S3 for each.
    if (is_here or sent.is_download) and not store.exists(sent.file):
        return _missing()
    path = quote(sent.file) if is_here else store.signed_path(sent.file, request.method or "GET", BRIEF_SECONDS)
    address = settings.X_ACCEL_PREFIX + path
    headers = {"X-Accel-Redirect": address, "Content-Disposition": sent.disposition}
    return HttpResponse(content_type=sent.content_type, headers=headers)


def _wanted_part(request: HttpRequest, sent: Sent, size: int) -> range:
    header = request.headers.get("Range", "") if request.method == "GET" else ""
    # Somebody who has the first half of other bytes wants all of these.
    is_same = request.headers.get("If-Range", sent.etag) == sent.etag
    part = ranges.wanted(header, size) if is_same else None
    return range(size) if part is None else part


def _streamed(file: File, part: range, sent: Sent) -> HttpResponseBase:
    response = FileResponse(
        SlicedFile(file, part.start, part.stop - 1),
        content_type=sent.content_type,
        as_attachment=sent.is_download,
        filename=sent.name,
        headers={"Accept-Ranges": "bytes", "Content-Length": str(len(part))},
    )
    response.block_size = File.DEFAULT_CHUNK_SIZE
    if len(part) < file.size:
        response.status_code = 206
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    return response


def _gone(words: str) -> HttpResponse:
    return HttpResponse(words, status=410, content_type="text/plain; charset=utf-8")


def _missing() -> HttpResponse:
    return HttpResponseNotFound(_("The file is missing from the store."), content_type="text/plain; charset=utf-8")
