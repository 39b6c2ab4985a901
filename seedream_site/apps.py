"""Which static files are collected."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class CollectedFiles(StaticFilesConfig):
    # htmx's extensions are not used, and a comment in one looks like an import of a file that is not there; the API has
    # no pages of its framework, and no Redoc.
    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "hx-*.js", "*.py", "*.mjs", "redoc", "rest_framework"]
