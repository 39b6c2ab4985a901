"""Which jobs of the history: the same filters for the page and for programs."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import seedream
from .models import Job, Output
from .querysets import JobQuerySet
from .states import RUNNING, STORING, State

# As people think of them
STATES: dict[str, tuple[Any, Sequence[State]]] = {
    "running": (_("Running"), RUNNING),
    "completed": (_("Completed"), [State.COMPLETED]),
    "failed": (_("Failed"), [State.FAILED]),
    "cancelled": (_("Cancelled"), [State.CANCELLED]),
    "unconfirmed": (_("Unconfirmed"), [State.UNCONFIRMED]),
}
QUALITIES = [("fast", _("Fast")), ("standard", _("Standard"))]
SORTS = [("newest", _("Newest first")), ("oldest", _("Oldest first"))]
DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]
ME = "me"


class FilterForm(forms.Form):
    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last day is before the first."))
        return self.cleaned_data


class JobFilter(django_filters.FilterSet):
    """Filters that combine. One with a bad value is left out, and `errors` says why. The search goes last: the others
    make it faster."""

    state = django_filters.ChoiceFilter(
        method="in_state", choices=[(word, label) for word, (label, _states) in STATES.items()], label=_("State")
    )
    owner = django_filters.ChoiceFilter(method="of_owner", label=_("Person"))
    quality = django_filters.ChoiceFilter("optimize_prompt_options", choices=QUALITIES, label=_("Quality"))
    review = django_filters.ChoiceFilter(method="with_review", choices=Output.Review.choices, label=_("Review"))
    since = django_filters.DateFilter(method="from_day", validators=DAYS, label=_("From"))
    until = django_filters.DateFilter(method="to_day", validators=DAYS, label=_("To"))
    q = django_filters.CharFilter(method="search", max_length=seedream.MAX_TEXT, label=_("Search"))
    sort = django_filters.ChoiceFilter(method="in_order", choices=SORTS, label=_("Order"))

    class Meta:
        model = Job
        fields: list[str] = []
        form = FilterForm

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.filters["owner"].extra["choices"] = [(ME, _("Only me")), *self.others()]

    def others(self) -> list[tuple[str, str]]:
        """Everybody else of whom there are jobs to see, by number."""
        theirs = Job.objects.visible_to(self.request.user).order_by().filter(owner=OuterRef("pk"))
        others = User.objects.filter(Exists(theirs)).exclude(pk=self.request.user.pk)
        return sorted(((str(user.pk), name_of(user)) for user in others), key=lambda entry: entry[1].casefold())

    def search(self, jobs: JobQuerySet, _name: str, typed: str) -> JobQuerySet:
        return jobs.matching(typed)

    def in_state(self, jobs: JobQuerySet, _name: str, group: str) -> JobQuerySet:
        return jobs.filter(state__among=STATES[group][1])

    def of_owner(self, jobs: JobQuerySet, _name: str, owner: str) -> JobQuerySet:
        return jobs.filter(owner_id=self.request.user.pk if owner == ME else int(owner))

    def with_review(self, jobs: JobQuerySet, _name: str, review: str) -> JobQuerySet:
        group = self.form.cleaned_data.get("state")  # a bad one is left out
        if group and not {*STATES[group][1]} & {*STORING}:
            return jobs.none()  # without looking at each of them
        return jobs.filter(Exists(Output.objects.filter(job=OuterRef("pk"), review=review)))

    def from_day(self, jobs: JobQuerySet, _name: str, day: date) -> JobQuerySet:
        return jobs.filter(created_at__gte=_midnight(day))

    def to_day(self, jobs: JobQuerySet, _name: str, day: date) -> JobQuerySet:
        return jobs.filter(created_at__lt=_midnight(day + timedelta(days=1)))

    def in_order(self, jobs: JobQuerySet, _name: str, sort: str) -> JobQuerySet:
        return jobs.reverse() if sort == "oldest" else jobs


class NamedFilter(JobFilter):
    """For programs, which know people by their usernames; the numbers of the portal's form are good here too."""

    person: User | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        nobody = _("There is nobody of that name, or you may not see their jobs.")
        self.filters["owner"].extra["error_messages"] = {"invalid_choice": nobody}

    def others(self) -> list[tuple[str, str]]:
        """Only whoever is asked for: a program chooses from no list."""
        asked, user = self.data.get("owner", ""), self.request.user
        if asked in ("", ME) or "\0" in asked:
            return []
        known = User.objects.all() if Job.objects.shows_all_to(user) else User.objects.filter(pk=user.pk)
        number = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
        # Somebody may be named 7: a program that writes 7 means that name.
        self.person = known.filter(username=asked).first() or known.filter(pk=number).first()
        return [(asked, asked)] if self.person else []

    def of_owner(self, jobs: JobQuerySet, _name: str, owner: str) -> JobQuerySet:
        return jobs.filter(owner=self.person or self.request.user)


def name_of(user: User) -> str:
    return user.get_full_name() or user.username


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
