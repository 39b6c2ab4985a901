"""The portal's form for a new edit: the model's own parameters, checked where the API checks them."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from . import intake, lifecycle, seedream
from .models import Job


class EditForm(forms.Form):
    """Bound, it keeps the pictures that are good (`kept`) even when something else is refused."""

    images = forms.Field(required=False)
    text = forms.CharField(required=False, strip=False, widget=forms.Textarea, label=_("Prompt"))
    image_size = forms.ChoiceField(
        choices=[(size, seedream.ratio(size)) for size in seedream.IMAGE_SIZES], required=False, label=_("Aspect ratio")
    )
    sequential_image_generation_options = forms.IntegerField(required=False, label=_("Images to make"))
    seed = forms.CharField(required=False, label=_("Seed"))
    optimize_prompt_options = forms.ChoiceField(
        choices=[(word, word) for word in seedream.PROPERTIES["optimize_prompt_options"]["enum"]],
        required=False,
        label=_("Quality"),
    )
    sequential_image_generation = forms.CharField(required=False, widget=forms.HiddenInput)
    idempotency_key = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: Any, pictures: Sequence[Any] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.user, self.pictures = user, pictures
        self.kept: list[intake.Kept] = []
        self.parameters: dict[str, Any] = {}
        for name in seedream.PARAMETERS:
            self.fields[name].initial = seedream.default(name)

    def clean(self) -> dict[str, Any]:
        typed = {name: self.data.get(name, "") for name in seedream.PARAMETERS}
        try:
            self.parameters = seedream.clean_parameters(typed)
        except seedream.InvalidInput as problem:
            self._replace_errors(problem.errors)
        self.kept, problems = intake.take_what_is_good(self.pictures, self.user)
        if problems:
            self.add_error("images", problems)
        return self.cleaned_data

    def _replace_errors(self, errors: dict[str, list[str]]) -> None:
        # One sentence for each field, and the same one as in the API.
        for name, messages in errors.items():
            self.errors.pop(name, None)
            self.cleaned_data.pop(name, None)
            self.add_error(name, messages)

    def advice(self, images: int) -> dict[str, str]:
        """By field, for so many pictures."""
        count = str(self["sequential_image_generation_options"].value())
        return seedream.advice(
            self["text"].value() or "", int(count) if count.isdecimal() and len(count) < 4 else 0, images
        )

    @property
    def images_errors(self) -> list[str]:
        return [str(text) for text in self.errors.get("images", [])] if self.is_bound else []


class SettleForm(forms.Form):
    """What to do about an unconfirmed job; `settle` carries it out. For the portal and the admin."""

    choice = forms.ChoiceField(choices=[(word, word) for word in lifecycle.CHOICES])
    request_id = forms.CharField(required=False)
    confirm = forms.BooleanField(required=False)

    def settle(self, job: Job, by: Any) -> bool | None:
        """Whether the job was settled; None when the form says what is missing."""
        if not self.is_valid():
            return None
        given = self.cleaned_data
        try:
            return lifecycle.settle(job, by, given["choice"], given["request_id"], given["confirm"])
        except seedream.InvalidInput as problem:
            for name, messages in problem.errors.items():
                self.add_error(name, messages)
            return None
