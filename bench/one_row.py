"""The yardsticks of bench.creating, on the same database: Django as a new project begins, with a view that inserts one
row, and one of REST framework that inserts the rows of a job."""

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
from django.db import transaction  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path, re_path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from jobs import doorbell, rates, tokens  # noqa: E402
from jobs.models import Count, Job, JobEvent, JobInput, Picture, SearchEntry  # noqa: E402


@csrf_exempt
def insert(request: HttpRequest) -> JsonResponse:
    row = Count.objects.create(key=f"bench:{uuid.uuid4()}", value=1)
    return JsonResponse({"key": row.key}, status=201)


class Rows(APIView):
    """Who calls is asked for, and how often; then the rows of a job are written. Nothing is checked, nothing told."""

    authentication_classes = (tokens.BearerAuthentication,)
    throttle_classes = (rates.PerUser,)
    writes = "writes"

    def post(self, request: Request) -> Response:
        with transaction.atomic():
            given = {"sequential_image_generation_options": 3, "image_size": "", "optimize_prompt_options": "standard"}
            job = Job.objects.create(owner=request.user, text=request.data["text"], **given)
            pictures = enumerate(Picture.objects.all()[:3])
            JobInput.objects.bulk_create(JobInput(job=job, picture=picture, position=at) for at, picture in pictures)
            SearchEntry.objects.create(job=job, words=job.text)
            JobEvent.objects.create(job=job, verb="created", actor=request.user)
            doorbell.ring("drive")
        return Response({"id": job.pk}, status=201)


urlpatterns = [path("rows/", Rows.as_view()), re_path("", insert)]
application = WSGIHandler()
