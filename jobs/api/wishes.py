"""What programs send to decide: a verdict with its reason and note, about one output or several."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from jobs import review, seedream
from jobs.serializers import misnamed

OUTPUTS_MAX = 100


class WishSerializer(serializers.Serializer):
    """Gives `wished` beside what subclasses take. All fields are checked before anything is said."""

    verdict = serializers.CharField(required=False)
    reason = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    note = serializers.CharField(required=False, allow_blank=True, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": [_("The body must be a JSON object.")]})
        given, errors = self._taken(data)
        try:
            wished = review.wish(*(given.pop(name, None) or "" for name in ("verdict", "reason", "note")))
        except seedream.InvalidInput as problem:
            errors = problem.errors | errors
        if errors := misnamed(data, [*self.fields]) | errors:
            raise serializers.ValidationError(errors)
        return {**given, "wished": wished}

    def _taken(self, data: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        given, errors = {}, {}
        for name, field in self.fields.items():
            try:
                given[name] = field.run_validation(field.get_value(data))
            except serializers.SkipField:
                continue
            except serializers.ValidationError as problem:
                errors[name] = problem.detail
        return given, errors


class SeenField(serializers.JSONField):
    """By the id of an output, that of the decision that stood. A form holds it as JSON."""

    ids = serializers.DictField(child=serializers.UUIDField(allow_null=True))

    def to_internal_value(self, data: Any) -> Any:
        seen = self.ids.run_validation(super().to_internal_value(data))
        return {serializers.UUIDField().run_validation(output): decision for output, decision in seen.items()}


class OneWishSerializer(WishSerializer):
    seen = serializers.UUIDField(required=False, allow_null=True)


class ManyWishesSerializer(WishSerializer):
    outputs = serializers.ListField(
        child=serializers.UUIDField(), max_length=OUTPUTS_MAX, allow_empty=False, allow_null=True, required=False
    )
    job = serializers.UUIDField(allow_null=True, required=False)
    seen = SeenField(allow_null=True, required=False)

    def _taken(self, data: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        given, errors = super()._taken(data)
        outputs = given.get("outputs") or []
        if bool(outputs) == bool(given.get("job")) and not errors.keys() & {"outputs", "job"}:
            errors["outputs"] = [_("Name the outputs, or the job whose set it is.")]
        elif len(set(outputs)) < len(outputs):
            errors["outputs"] = [_("Name each output once.")]
        if (given.get("seen") or {}).keys() - set(outputs):
            errors["seen"] = [_("Name what you saw of these outputs alone.")]
        return given, errors
