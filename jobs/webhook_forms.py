"""The portal's form for a webhook, checked where the API checks it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from . import seedream, webhooks
from .models import Event, WebhookEndpoint


class WebhookForm(forms.Form):
    """Makes an endpoint, or changes the one that it is given."""

    name = forms.CharField(required=False, label=_("Name"))
    url = forms.CharField(required=False, label=_("Address"))
    events = forms.MultipleChoiceField(choices=Event.choices, required=False, label=_("Events"))
    is_team = forms.BooleanField(required=False, label=_("For the whole team: events of all jobs"))

    def __init__(self, data: Any = None, *, user: Any, endpoint: WebhookEndpoint | None = None):
        super().__init__(data, initial=_initial(endpoint))
        self.user, self.endpoint = user, endpoint

    def save(self) -> WebhookEndpoint | None:
        """The endpoint; None when the form says what is wrong."""
        if not self.is_valid():
            return None
        name, url, events = (self.cleaned_data[field] for field in ("name", "url", "events"))
        try:
            if self.endpoint is None:
                return webhooks.create(self.user, name, url, events, is_team=self.cleaned_data["is_team"])
            webhooks.change(self.endpoint, name, url, events)
        except seedream.InvalidInput as problem:
            for field, messages in problem.errors.items():
                self.add_error(None if field == "non_field_errors" else field, messages)
            return None
        return self.endpoint


def _initial(endpoint: WebhookEndpoint | None) -> dict[str, Any]:
    if endpoint is None:
        return {"events": [Event.COMPLETED, Event.FAILED, Event.UNCONFIRMED]}
    return {"name": endpoint.name, "url": endpoint.url, "events": endpoint.events}
