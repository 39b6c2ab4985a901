"""The portal's addresses."""

from django.urls import path

from .views import archive, compare, health, history, job, media, new, picture, review, tokens, usage, webhooks

app_name = "jobs"
urlpatterns = [
    path("", history.history, name="history"),
    path("new/", new.new, name="new"),
    path("new/recent/", new.recent, name="recent"),
    path("jobs/<uuid:pk>/", job.detail, name="detail"),
    path("jobs/<uuid:pk>/live/", job.live, name="live"),
    path("jobs/<uuid:pk>/cancel/", job.cancel, name="cancel"),
    path("jobs/<uuid:pk>/hold/", job.hold, name="hold"),
    path("jobs/<uuid:pk>/release/", job.release, name="release"),
    path("jobs/<uuid:pk>/fetch-again/", job.fetch_again, name="fetch_again"),
    path("jobs/<uuid:pk>/settle/", job.settle, name="settle"),
    path("jobs/<uuid:pk>/inputs/<int:position>/", media.input_file, name="input_file"),
    path("jobs/<uuid:pk>/inputs/<int:position>/<int:width>.webp", media.input_size, name="input_size"),
    path("pictures/<uuid:pk>/", picture.picture, name="picture"),
    path("usage/", usage.month, name="usage"),
    path("usage.csv", usage.as_csv, name="usage_csv"),
    path("usage/review.csv", usage.review_as_csv, name="usage_review_csv"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<str:pk>/revoke/", tokens.revoke, name="revoke_token"),
    path("webhooks/", webhooks.webhooks, name="webhooks"),
    path("webhooks/<uuid:pk>/", webhooks.webhook, name="webhook"),
    path("webhooks/<uuid:pk>/delete/", webhooks.delete, name="delete_webhook"),
    path("webhooks/<uuid:pk>/<uuid:delivery>/", webhooks.send_again, name="send_webhook_again"),
    path("compare/", compare.compare, name="compare"),
    path("review/", review.start, name="review"),
    path("review/<uuid:pk>/", review.output, name="review_output"),
    path("review/<uuid:pk>/others/", review.others, name="review_others"),
    path("review/undo/<uuid:act>/", review.undo, name="undo_review"),
    path("outputs/<uuid:pk>/", media.output_file, name="output_file"),
    path("outputs/<uuid:pk>/<int:width>.webp", media.output_size, name="output_size"),
    path("worker-note/", health.worker_note, name="worker_note"),
    path("archive.zip", archive.archive, name="archive"),
    path("kept/<str:reference>/", media.kept, name="kept"),
    path("inputs/<str:token>/<str:name>", media.input_for_provider, name="input"),
]
