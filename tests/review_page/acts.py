"""What a reviewer does on the page, and what is read of its answers."""

import re

from django.urls import reverse

START = reverse("jobs:review")


def outputs(job):
    return list(job.outputs.select_related("decision__reason", "job__owner"))


def at(output, query=""):
    return reverse("jobs:review_output", args=[output.pk]) + query


def send(client, output, query="", **fields):
    """What the form of that page sends."""
    seen = output.decision_id or ""
    waiting = [str(one.pk) for one in outputs(output.job) if one.review == "unreviewed"]
    return client.post(at(output, query), {"seen": seen, "waiting": waiting, **fields})


def approve(client, output, query=""):
    return send(client, output, query, verdict="approved")


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def path(response):
    return response["Location"].partition("?")[0]
