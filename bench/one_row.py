"""The yardstick of bench.creating: Django as a new project begins, with a view that inserts one row into the same
database."""

import uuid

import django
from django.conf import settings

settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 (Django must be set up first)
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import re_path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from jobs.models import Count  # noqa: E402


@csrf_exempt
def insert(request: HttpRequest) -> JsonResponse:
    row = Count.objects.create(key=f"bench:{uuid.uuid4()}", value=1)
    return JsonResponse({"key": row.key}, status=201)


urlpatterns = [re_path("", insert)]
application = WSGIHandler()
