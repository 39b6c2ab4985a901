"""What the reader of a page may have of a picture: with REQUIRE_APPROVAL, not every file is for everybody; and of some
the original is gone."""

from typing import Any

from django.template import Library

from jobs.models.files import OnPages, Sources

register = Library()


@register.filter
def withheld_from(picture: OnPages, user: Any) -> bool:
    return bool(picture.why_not_for(user))


@register.filter
def sources_for(picture: OnPages, user: Any) -> Sources | None:
    return picture.sources_for(user)
