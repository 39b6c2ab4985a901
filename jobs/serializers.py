"""What the API takes and gives; the parameters under the model's own names."""

import copy
from collections.abc import Mapping, Set
from functools import cache
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.reverse import reverse

from . import intake, lifecycle, references, seedream
from .models import Job, JobEvent, JobInput, Output, RejectionReason, ReviewDecision
from .models.files import Original

# What `?expand=` adds to a job, and what is read from the database for it
EXPANDED = {
    "inputs": ("inputs__picture", "inputs__output__job"),
    "outputs": ("outputs__decision__reviewer", "outputs__decision__reason"),
    "events": ("events__actor",),
    "result": (),
}

LISTS = ("images", "outputs")  # which a form gives once for each entry


def images_of(request: Any) -> list[Any]:
    """The pictures of a request in their order, as intake takes them."""
    if isinstance(request.data, QueryDict):
        images = intake.in_order(request.POST, request.FILES)
    elif not isinstance(images := request.data.get("images", []), list):
        raise serializers.ValidationError({"images": [_("Must be a list of pictures.")]})
    return intake.with_outputs(images, request.get_host())


def misnamed(data: Any, known: list[str]) -> dict[str, list[str]]:
    """A message for each field that there is not, or that a form gives twice: the edit would be paid for with the
    default of a misspelt one, and with one of the two."""
    form = data if isinstance(data, QueryDict) else QueryDict()
    numbered = {name for name in form if intake.NUMBERED.fullmatch(name)} if "images" in known else set()
    unknown = [name for name in data if name not in known and name not in numbered]
    repeated = [name for name in known if name not in LISTS and len(form.getlist(name)) > 1]
    return {
        **{_told(name): [_("There is no such field.")] for name in unknown},
        **{name: [_("This field is given more than once.")] for name in repeated},
    }


def _told(name: str) -> str:
    """Half of a character cannot be sent back."""
    return name.encode("utf-8", "replace").decode()[:100]


class NewJobSerializer(serializers.Serializer):
    """`images` and the model's parameters; gives parameters and pictures. What a re-run does not name is taken from
    its `source`.

    All fields are checked before anything is said, so that one answer names every mistake.
    """

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": [_("The body must be a JSON object.")]})
        errors = misnamed(data, [*seedream.PARAMETERS, "images"])
        parameters: dict[str, Any] = {}
        try:
            parameters = seedream.clean_parameters(self._given(data))
        except seedream.InvalidInput as problem:
            errors |= problem.errors
        kept, problems = self._kept()
        if problems:
            errors["images"] = problems
        if errors:
            raise serializers.ValidationError(errors)
        return {"parameters": parameters, "kept": kept}

    def _given(self, data: Any) -> dict[str, Any]:
        source = self.context.get("source")
        return {**(source.parameters if source else {}), **{name: data[name] for name in data}}

    def _kept(self) -> tuple[list[intake.Kept], list[str]]:
        request, source = self.context["request"], self.context.get("source")
        images = images_of(request)
        if source and not images and "images" not in request.data:
            return intake.again(source.inputs.select_related("picture", "output__job"), request.user)
        return intake.take_what_is_good(images, request.user)

    def create(self, validated_data: dict[str, Any]) -> Job:
        try:
            return lifecycle.create(self.context["request"].user, **validated_data)
        except seedream.InvalidInput as problem:
            raise serializers.ValidationError(problem.errors) from None


class SettleSerializer(serializers.Serializer):
    choice = serializers.ChoiceField(
        choices=lifecycle.CHOICES,
        error_messages={"invalid_choice": f"Must be one of: {', '.join(lifecycle.CHOICES)}."},
    )
    request_id = serializers.CharField(required=False, allow_blank=True, max_length=200)
    confirm = serializers.BooleanField(required=False, source="is_confirmed")

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (problems := misnamed(data, [*self.fields])):
            raise serializers.ValidationError(problems)
        return super().to_internal_value(data)


class PictureSerializer(serializers.Serializer):
    """A kept picture, or one of a job: `id` is a word that is good for this user alone, and holds its name. A picture
    that is withheld from them, or whose original is gone, has neither that nor addresses."""

    id = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    file_url = serializers.SerializerMethodField()

    sha256 = serializers.CharField(source="picture.sha256")
    content_type = serializers.CharField(source="picture.content_type")
    width = serializers.IntegerField(source="picture.width")
    height = serializers.IntegerField(source="picture.height")
    size = serializers.IntegerField(source="picture.size")
    original = serializers.ChoiceField(source="picture.original", choices=Original.choices)
    original_at = serializers.DateTimeField(source="picture.original_at", allow_null=True)

    def get_id(self, entry: intake.Kept | JobInput) -> str | None:
        user = self.context["request"].user
        if entry.picture.why_gone or (isinstance(entry, JobInput) and entry.is_withheld_from(user)):
            return None
        return references.reference(entry.picture, user, entry.name, entry.output_id)

    def get_url(self, entry: intake.Kept | JobInput) -> str | None:
        return self._address("api:picture-detail", entry)

    def get_file_url(self, entry: intake.Kept | JobInput) -> str | None:
        return self._address("api:picture-file", entry)

    def _address(self, name: str, entry: intake.Kept | JobInput) -> str | None:
        word = self.get_id(entry)
        return word and reverse(name, args=[word], request=self.context["request"])


class ModelSerializer(serializers.ModelSerializer):
    """Works its fields out of the model once: REST framework does so anew for each answer, and took longer for it than
    for the answer."""

    def get_fields(self) -> dict[str, Any]:
        left_out = self.left_out()
        return {name: copy.deepcopy(field) for name, field in _fields_of(type(self)).items() if name not in left_out}

    def left_out(self) -> Set[str]:
        """Fields that are not told this time."""
        return frozenset()


@cache
def _fields_of(serializer: type[ModelSerializer]) -> dict[str, Any]:
    return super(ModelSerializer, serializer()).get_fields()


class InputSerializer(ModelSerializer):
    picture = PictureSerializer(source="*")
    is_withheld = serializers.SerializerMethodField()

    class Meta:
        model = JobInput
        fields = ("position", "name", "source_url", "output", "is_withheld", "picture")

    def get_is_withheld(self, entry: JobInput) -> bool:
        return entry.is_withheld_from(self.context["request"].user)


class RejectionReasonSerializer(ModelSerializer):
    name = serializers.CharField(source="label")

    class Meta:
        model = RejectionReason
        fields = ("slug", "name")


class StandingSerializer(ModelSerializer):
    """The decision that stands about an output."""

    reviewer = serializers.CharField(source="reviewer.username")
    reason = serializers.CharField(source="reason.slug", default="")
    reason_text = serializers.CharField(source="reason.label", default="")

    class Meta:
        model = ReviewDecision
        fields: tuple[str, ...] = ("id", "act", "verdict", "reviewer", "at", "reason", "reason_text", "note")


class DecisionSerializer(StandingSerializer):
    """One on record: `undone` is the id of the decision that took it back, `undoes` of the one that this takes back."""

    undone = serializers.UUIDField(source="undone.pk", default=None, allow_null=True)

    class Meta(StandingSerializer.Meta):
        fields = ("output", *StandingSerializer.Meta.fields, "replaces", "undoes", "undone")


class OutputSerializer(ModelSerializer):
    """`is_withheld`: it waits for its approval, or was rejected, and this reader may not have its file. One whose
    `original` is not stored any more has no `url` either."""

    url = serializers.SerializerMethodField()
    is_withheld = serializers.SerializerMethodField()
    decision = StandingSerializer(allow_null=True)

    class Meta:
        model = Output
        fields = (
            "id", "job", "position", "kind", "url", "is_withheld", "content_type", "width", "height", "size", "sha256",
            "review", "decision", "stored_at", "original", "original_at",
        )  # fmt: skip

    def get_is_withheld(self, output: Output) -> bool:
        return output.is_withheld_from(self.context["request"].user)

    def get_url(self, output: Output) -> str | None:
        if output.why_not_for(self.context["request"].user):
            return None
        return reverse("api:output-file", args=[output.pk], request=self.context.get("request"))


class EventSerializer(ModelSerializer):
    actor = serializers.CharField(source="actor.username", allow_null=True, default=None)
    text = serializers.CharField()
    data = serializers.JSONField()  # type: ignore[assignment]

    class Meta:
        model = JobEvent
        fields = ("id", "at", "verb", "text", "from_state", "to_state", "actor", "data")


class JobSerializer(ModelSerializer):
    """With what the view `expand`s; the documentation shows all of it."""

    url = serializers.HyperlinkedIdentityField(view_name="api:job-detail")
    owner = serializers.CharField(source="owner.username")
    held_by = serializers.CharField(source="held_by.username", allow_null=True, default=None)
    reason_text = serializers.CharField(source="get_reason_display")
    trouble_text = serializers.CharField(source="get_trouble_display")
    provider_words = serializers.SerializerMethodField()
    inputs = InputSerializer(many=True, required=False)
    outputs = OutputSerializer(many=True, required=False)
    events = EventSerializer(many=True, required=False)
    result = serializers.JSONField(required=False)

    class Meta:
        model = Job
        fields = (
            "id", "url", "state", "owner", "parent", *seedream.PARAMETERS, "provider_status", "queue_position",
            "trouble", "trouble_text", "reason", "reason_text", "provider_words", "estimate_usd", "cost_usd",
            "request_id", "created_at", "submitted_at", "accepted_at", "finished_at", "cancel_requested_at",
            "held_at", "held_by", *EXPANDED,
        )  # fmt: skip

    def left_out(self) -> Set[str]:
        return EXPANDED.keys() - self.context.get("expand", EXPANDED)

    def to_representation(self, job: Job) -> Any:
        told = super().to_representation(job)
        if "result" in told and not job.may_tell_result_to(self.context["request"].user):
            told["result"] = None
        return told

    def get_provider_words(self, job: Job) -> str:
        return lifecycle.provider_words(job)
