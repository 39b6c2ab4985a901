"""Addresses of outputs that need no token: signed, and good for OUTPUT_LINK_HOURS for whoever holds one, as long as the
user whom it was told may have the output."""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.utils.translation import gettext_lazy

from .models import Output

SALT = "jobs.runcomfy-output"
EXPIRED = gettext_lazy("This address has expired. Ask for the result again, it tells a new one.")
PATH = re.compile(r"/v1/outputs/([^/]+)/[^/]+")


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
