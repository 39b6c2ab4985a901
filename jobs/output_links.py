"""Addresses of outputs that need no token: signed, and good for OUTPUT_LINK_HOURS for whoever holds one."""

import re

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy

from .models import Output

SALT = "jobs.runcomfy-output"
EXPIRED = gettext_lazy("This address has expired. Ask for the result again, it tells a new one.")
PATH = re.compile(r"/v1/outputs/([^/]+)/[^/]+")


def token_of(output: Output) -> str:
    return signing.TimestampSigner(salt=SALT).sign(str(output.pk))


def output_of(token: str) -> Output | None:
    """The output that a signed address stands for; None when it is altered or gone. Raises SignatureExpired."""
    try:
        output_id = signing.TimestampSigner(salt=SALT).unsign(token, max_age=settings.OUTPUT_LINK_LIFETIME)
    except signing.SignatureExpired:
        raise
    except signing.BadSignature:
        return None
    return Output.objects.select_related("job").filter(pk=output_id).first()
