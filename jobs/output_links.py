"""Addresses of outputs that need no token: signed, and good for OUTPUT_LINK_HOURS for whoever holds one, as long as the
user whom it was told may have the output. S3 has addresses of its own, which it signs for nobody by name."""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext_lazy

from . import store
from .models import Job, Output

SALT = "jobs.runcomfy-output"
EXPIRED = gettext_lazy("This address has expired. Ask for the result again, it tells a new one.")
PATH = re.compile(r"/v1/outputs/([^/]+)/[^/]+")
S3_ADDRESS = re.compile(r"https?://[^?#]+/((outputs|pages)/[0-9a-f]{2}/([0-9a-f]{64})[^/?#]*)(?:\?.*)?")


def token_of(output: Output, user: Any) -> str:
    return signing.TimestampSigner(salt=SALT).sign_object([str(output.pk), user.pk])


def output_of(token: str) -> Output | None:
    """The output that a signed address stands for; None when it is altered or gone, or who was told it may not see it
    any more. Raises SignatureExpired; and PermissionDenied, in words, when the output is withheld from them."""
    signer = signing.TimestampSigner(salt=SALT)
    try:
        output_id, user_id = signer.unsign_object(token, max_age=settings.OUTPUT_LINK_LIFETIME)
    except signing.SignatureExpired:
        raise
    except signing.BadSignature:
        return None
    output = Output.objects.select_related("job").filter(pk=output_id).first()
    user = User.objects.filter(pk=user_id).first()
    if not output or not user or not output.job.may_be_seen_by(user):
        return None
    output.check_for(user)
    return output


def is_in_s3(address: str) -> bool:
    """Whether S3 has, or had, an output or a copy for pages there."""
    return bool(_parts_in_s3(address))


def output_in_s3(address: str, user: Any) -> Output | None:
    """The output that an address of S3 stands for: for who sees it as if they had named it, for others as long as the
    address is good. Raises SignatureExpired."""
    folder, sha256 = _parts_in_s3(address) or ("", "")
    same = Output.objects.select_related("job").filter(sha256=sha256).order_by("-pk")
    seen = same.takeable_by(user).first() or same.filter(job__in=Job.objects.visible_to(user)).first()
    # Who holds the address of a small copy has no right to the file.
    if seen or folder != "outputs" or not (until := store.signed_until(address)):
        return seen
    if until < timezone.now():
        raise signing.SignatureExpired(str(EXPIRED))
    return same.first()


def _parts_in_s3(address: str) -> tuple[str, str] | None:
    """The folder and the hash in a name of ours."""
    match = S3_ADDRESS.fullmatch(address)
    return (match[2], match[3]) if match and store.is_at(address, match[1]) else None
