"""The REST API under /api/v1/."""

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.urls import path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView, SpectacularYAMLAPIView
from rest_framework.routers import SimpleRouter

from .account import Me, Model, Models, Usage
from .base import Nothing
from .jobs import JobViewSet
from .outputs import OutputViewSet
from .pictures import PictureViewSet
from .review import JobDecisions, OutputDecision, ReviewViewSet

router = SimpleRouter(use_regex_path=False)
router.register("jobs", JobViewSet, basename="job")
router.register("pictures", PictureViewSet, basename="picture")
router.register("outputs", OutputViewSet, basename="output")
router.register("reviews", ReviewViewSet, basename="review")
app_name = "api"
# Swagger UI's stylesheet draws its icons from data: URIs.
with_its_icons = csp_update({"img-src": ["data:"]})
page = SpectacularSwaggerSplitView.as_view(url_name="api:document", template_name="jobs/api.html")
urlpatterns = [
    *router.urls,
    path("jobs/<uuid:pk>/archive.zip", JobViewSet.as_view({"get": "archive"}), name="job-archive"),
    path("jobs/<uuid:pk>/decisions/", JobDecisions.as_view({"get": "list"}), name="job-decisions"),
    path("outputs/<uuid:pk>/decide/", OutputDecision.as_view({"post": "create"}), name="output-decide"),
    path("models/", Models.as_view(), name="models"),
    path("models/<path:model_id>/", Model.as_view(), name="model"),
    path("usage/", Usage.as_view(), name="usage"),
    path("me/", Me.as_view(), name="me"),
    path("openapi.yaml", SpectacularYAMLAPIView.as_view(), name="document"),
    path("docs/", login_required(with_its_icons(page)), name="docs"),
    re_path("", Nothing.as_view(), name="nothing"),
]
