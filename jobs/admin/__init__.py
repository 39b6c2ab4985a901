"""The Django admin: the history, to be searched and read; changed only through the functions that the portal uses."""

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from . import decisions, events, jobs, outputs, pictures, programs

__all__ = ["decisions", "events", "jobs", "outputs", "pictures", "programs"]

# A schedule runs any function by name: whoever can write one runs code here.
for model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):  # OrmQ is not, when the queue is in Redis
        admin.site.unregister(model)
