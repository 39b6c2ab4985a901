"""Where reviewers call, with what, and what they read of the answers."""

from jobs import review
from jobs.models import Output

ROOT = "/api/v1/"
WAITING, MANY = f"{ROOT}reviews/waiting/", f"{ROOT}reviews/decide/"
APPROVE = {"verdict": "approved"}
REJECT = {"verdict": "rejected", "reason": "crop", "note": "Too tight."}


def one(output):
    return f"{ROOT}outputs/{output.pk}/decide/"


def undo(act):
    return f"{ROOT}reviews/{act}/undo/"


def ids(found):
    return [row["id"] for row in found]


def attrs(response):
    return [error["attr"] for error in response.data["errors"]]


def words(response):
    return response.data["errors"][0]["detail"]


def approved(outputs, by):
    return review.decide(outputs, by, review.wish("approved"))


def now(output):
    return Output.objects.get(pk=output.pk)
