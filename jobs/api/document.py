"""What the OpenAPI document says of each operation beyond what the views show by themselves."""

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers

from jobs import filters, seedream
from jobs.models import Output
from jobs.serializers import (
    EXPANDED,
    DecisionSerializer,
    EventSerializer,
    JobSerializer,
    OutputSerializer,
    PictureSerializer,
    RejectionReasonSerializer,
)

from . import bodies
from .bodies import answered, sent


class BearerScheme(KnoxTokenScheme):
    target_class = "jobs.tokens.BearerAuthentication"
    name = "token"


class OneErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField(help_text="For people, in English.")
    attr = serializers.CharField(allow_null=True, help_text="The field that is wrong, if one is.")


class ErrorSerializer(serializers.Serializer):
    type = serializers.ChoiceField(["validation_error", "client_error", "server_error"])
    errors = OneErrorSerializer(many=True)  # type: ignore[assignment]


class ClashSerializer(ErrorSerializer):
    clashes = OutputSerializer(many=True, help_text="The outputs as they stand now.")


class OutcomeSerializer(serializers.Serializer):
    act = serializers.UUIDField(allow_null=True, help_text="What to undo; null when nothing was left to decide.")
    decided = DecisionSerializer(many=True)
    clashes = OutputSerializer(many=True, help_text="About which others decided meanwhile: as they stand now.")


class ReasonsSerializer(serializers.Serializer):
    results = RejectionReasonSerializer(many=True)


class PicturesSerializer(serializers.Serializer):
    pictures = PictureSerializer(many=True)


class ModelSerializer(serializers.Serializer):
    id = serializers.CharField()
    price_usd = serializers.CharField(allow_null=True, help_text="For one image; null while RunComfy does not tell.")


class WholeModelSerializer(ModelSerializer):
    input_schema = serializers.DictField()
    output_schema = serializers.DictField()


class ModelsSerializer(serializers.Serializer):
    results = ModelSerializer(many=True)


class FiguresSerializer(serializers.Serializer):
    jobs = serializers.IntegerField()
    failed_jobs = serializers.IntegerField()
    images = serializers.IntegerField()
    estimated_usd = serializers.CharField(allow_null=True)
    jobs_without_estimate = serializers.IntegerField()
    charged_usd = serializers.CharField(allow_null=True)
    jobs_without_known_charge = serializers.IntegerField()


class DaySerializer(FiguresSerializer):
    day = serializers.DateField()
    person = serializers.CharField()
    username = serializers.CharField()


class UsageSerializer(serializers.Serializer):
    month = serializers.CharField()
    total = FiguresSerializer()
    days = DaySerializer(many=True)


class TokenSerializer(serializers.Serializer):
    name = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class MeSerializer(serializers.Serializer):
    username = serializers.CharField()
    name = serializers.CharField()
    is_staff = serializers.BooleanField()
    is_reviewer = serializers.BooleanField()
    token = TokenSerializer(allow_null=True)


def _choice(name: str, words: str, choices: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=words, enum=list(choices))


KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 200, "pattern": "^[ -~]*$"},
    OpenApiParameter.HEADER,
    description="The same key and body give the same job, however often they are sent; another body is 409, a job that "
    "was deleted 410. It lasts as long as the job, and seven days at least.",
)
EXPAND = OpenApiParameter(
    "expand",
    {"type": "array", "items": {"type": "string", "enum": list(EXPANDED)}},
    style="form",
    explode=False,
    description="What to add, with commas between. One job comes with inputs and outputs when this is not given.",
)
FILTERS = [
    _choice("state", "Running is everything that goes on.", filters.STATES),
    OpenApiParameter("owner", str, description="A username, or `me`; the portal's number of a person is good, too."),
    _choice("quality", "As `optimize_prompt_options`.", dict(filters.QUALITIES)),
    _choice("review", "Jobs that have an output of this review.", Output.Review.values),
    OpenApiParameter("since", OpenApiTypes.DATE, description="The first day."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="The last day."),
    OpenApiParameter("q", str, description="Words of the prompt, the beginnings of which are enough; or an id."),
    _choice("sort", "Newest first by default.", dict(filters.SORTS)),
]
CONDITION = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the last answer: 304 if nothing has changed.",
)
GO_ON = "How many seconds to wait before asking again is in `Retry-After`, until the job has ended."
CONFLICT = OpenApiResponse(ErrorSerializer, "It is too late for that, or another state is needed; `detail` says which.")
TAKEN = OpenApiResponse(ErrorSerializer, "The Idempotency-Key was used for another request.")
DELETED = OpenApiResponse(ErrorSerializer, "The job that was made under the Idempotency-Key was deleted.")
GONE = OpenApiResponse(
    ErrorSerializer, "The original was archived or deleted by a retention rule; `detail` says which."
)
FILE = OpenApiResponse(OpenApiTypes.BINARY, "The file")
IN_S3 = OpenApiResponse(
    description="Where the files are in S3: `Location` is a signed address of the file, for a while."
)
PARTS = {
    (200, "image/*"): OpenApiTypes.BINARY,
    (206, "image/*"): OpenApiTypes.BINARY,
    302: IN_S3,
    304: None,
    410: GONE,
    416: None,
}

JOBS = extend_schema_view(
    list=extend_schema(
        summary="List jobs",
        description="Those that you may see, found as in the portal.",
        parameters=[EXPAND, *FILTERS],
    ),
    retrieve=extend_schema(
        summary="Get a job",
        description=GO_ON,
        parameters=[EXPAND, CONDITION],
        responses={200: JobSerializer, 304: OpenApiResponse(description="Nothing has changed.")},
        examples=[answered("A completed job", bodies.JOB)],
    ),
    create=extend_schema(
        summary="Start an edit",
        description="Under the model's own names and defaults. It costs money at RunComfy: send an Idempotency-Key.",
        parameters=[KEY, EXPAND],
        request=bodies.NEW_JOB,
        responses={201: JobSerializer, 400: ErrorSerializer, 409: TAKEN, 410: DELETED},
        examples=[
            sent(
                "Two links",
                {"images": ["https://example.com/roof.jpg", "https://example.com/sky.png"], "text": bodies.TEXT},
            ),
            answered("A completed job", bodies.JOB, "201"),
            answered("A wrong field", bodies.WRONG, "400"),
        ],
    ),
    rerun=extend_schema(
        summary="Run a job again, with changes",
        description="What is not given is taken over from the job, its pictures too; null is the default.",
        parameters=[KEY, EXPAND],
        request=bodies.RERUN,
        responses={201: JobSerializer, 409: TAKEN, 410: DELETED},
        examples=[sent("Another seed", {"seed": 42}), answered("A completed job", bodies.JOB, "201")],
    ),
    destroy=extend_schema(
        summary="Delete a job",
        description="For good, with its files. Only what has ended, and only by its owner or staff.",
        responses={204: None, 409: CONFLICT},
    ),
    cancel=extend_schema(
        summary="Cancel a job",
        description="What was not sent is cancelled (200); RunComfy is asked for the rest (202).",
        parameters=[EXPAND],
        request=None,
        responses={200: JobSerializer, 202: JobSerializer, 409: CONFLICT},
        examples=[answered("Too late", bodies.LATE, "409")],
    ),
    settle=extend_schema(
        summary="Decide on an unconfirmed job",
        description="`adopt` the request that RunComfy has, `send_anew`, which may be charged twice, or `write_off`.",
        parameters=[EXPAND],
        request={"application/json": bodies.SETTLEMENT},
        responses={200: JobSerializer, 409: CONFLICT},
        examples=[sent("Take the request that RunComfy has", {"choice": "adopt", "request_id": "5d0f9a3c-8a11"})],
    ),
    fetch_again=extend_schema(
        summary="Fetch lost outputs again",
        description="For a job that failed with the reason `lost_output`.",
        parameters=[EXPAND],
        request=None,
        responses={200: JobSerializer, 409: CONFLICT},
    ),
    hold=extend_schema(
        summary="Have a job's files kept",
        description="Whatever the retention rules say, its pictures included. For its owner and reviewers.",
        parameters=[EXPAND],
        request=None,
        responses={200: JobSerializer},
    ),
    release=extend_schema(
        summary="Have them kept no longer",
        description="For who had them kept, and reviewers.",
        parameters=[EXPAND],
        request=None,
        responses={200: JobSerializer},
    ),
    events=extend_schema(summary="List what happened to a job", responses=EventSerializer(many=True)),
)
ARCHIVE = extend_schema(
    summary="Get all outputs of a job as a zip",
    description="With a manifest of how they were made.",
    responses={(200, "application/zip"): OpenApiTypes.BINARY, 503: ErrorSerializer},
)
PICTURE_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="As told when it was uploaded.")
PICTURES = extend_schema_view(
    create=extend_schema(
        summary="Upload pictures",
        description="To use them in any number of jobs. An id is good for you alone.",
        request=bodies.UPLOAD,
        responses={201: PicturesSerializer},
        examples=[
            sent("A link", {"images": ["https://example.com/roof.jpg"]}),
            answered("One picture", {"pictures": [bodies.PICTURE]}, "201"),
        ],
    ),
    retrieve=extend_schema(summary="Get a picture", examples=[answered("A picture", bodies.PICTURE)]),
    file=extend_schema(summary="Get a picture's file", responses=PARTS),
)
OUTPUTS = extend_schema_view(
    list=extend_schema(
        summary="List outputs",
        description="The newest first.",
        parameters=[
            OpenApiParameter("job", OpenApiTypes.UUID),
            _choice("review", "What reviewers said.", Output.Review.values),
        ],
    ),
    retrieve=extend_schema(summary="Get an output", examples=[answered("An output", bodies.OUTPUT)]),
    file=extend_schema(
        summary="Get an output's file",
        responses={**PARTS, 403: OpenApiResponse(ErrorSerializer, "It waits for its approval, or was rejected.")},
    ),
)
_SEEN = OpenApiResponse(ClashSerializer, "It was decided about meanwhile: `clashes` shows what stands now.")
_NOT_YOURS = OpenApiResponse(
    ErrorSerializer, "Only reviewers decide, and nobody about their own, unless the team wants so."
)
DECIDE = extend_schema_view(
    create=extend_schema(
        tags=["reviews"],
        operation_id="outputs_decide",
        summary="Decide about an output",
        description="Approve it, or reject it with a reason. The same decision sent twice is one.",
        request={"application/json": bodies.WISH},
        responses={200: OutputSerializer, 403: _NOT_YOURS, 409: _SEEN},
        examples=[
            sent(
                "Reject it", {"verdict": "rejected", "reason": "crop", "note": "Too tight on the left.", "seen": None}
            ),
            answered("Rejected", bodies.REJECTED),
            answered("Somebody else was first", bodies.CLASH, "409"),
        ],
    ),
)
REVIEWS = extend_schema_view(
    waiting=extend_schema(
        operation_id="reviews_waiting_list",
        summary="List what waits for you",
        description="The outputs that you could decide about now, those of the oldest job first.",
        parameters=[
            OpenApiParameter("job", OpenApiTypes.UUID),
            *(parameter for parameter in FILTERS if parameter.name in ("owner", "quality", "since", "until")),
            OpenApiParameter("q", str, description="Words of the prompt, the beginnings of which are enough."),
        ],
        responses={200: OutputSerializer(many=True), 403: _NOT_YOURS},
    ),
    decide=extend_schema(
        operation_id="reviews_decide",
        summary="Decide about several outputs",
        description="In one act. If one of them is not yours to decide about, nothing is decided. Those about which "
        "others decide at the same moment are left as they are and told as `clashes`; 409 when that is all of them.",
        request={"application/json": bodies.WISHES},
        responses={200: OutcomeSerializer, 403: _NOT_YOURS, 409: _SEEN},
        examples=[
            sent("The rest of a set", {"job": bodies.ROOF, "verdict": "approved"}),
            sent(
                "Some outputs",
                {"outputs": [bodies.OUTPUT["id"]], "verdict": "rejected", "reason": "crop", "note": "Too tight."},
            ),
            answered("Decided", bodies.OUTCOME),
            answered("Others were first", bodies.CLASH, "409"),
        ],
    ),
    undo=extend_schema(
        operation_id="reviews_undo",
        summary="Take back what was decided in one act",
        description="What stood before stands again. Yours; anybody's for staff. What was decided anew since is left.",
        request=None,
        responses={200: OutcomeSerializer, 403: _NOT_YOURS, 409: _SEEN},
        examples=[answered("Taken back", bodies.UNDONE)],
    ),
    reasons=extend_schema(
        operation_id="reviews_reasons_list",
        summary="List the reasons for a rejection",
        description="Those that may be given now, in the team's words and order.",
        responses={200: ReasonsSerializer, 400: ErrorSerializer},
    ),
)
DECISIONS = extend_schema_view(
    list=extend_schema(
        tags=["jobs"],
        operation_id="jobs_decisions_list",
        summary="List what was decided about a job's outputs",
        description="All on record, the newest first: those that were replaced or taken back, too.",
    ),
)
MODELS = extend_schema(
    summary="List models", responses={200: ModelsSerializer, 400: ErrorSerializer}, operation_id="models_list"
)
MODEL = extend_schema(
    summary="Get a model with its schemas and price",
    parameters=[OpenApiParameter("model_id", {"type": "string", "enum": [seedream.MODEL_ID]}, OpenApiParameter.PATH)],
    responses=WholeModelSerializer,
)
USAGE = extend_schema(
    summary="Get what a month came to",
    description="For each day and person; null is what nobody knows.",
    parameters=[OpenApiParameter("month", {"type": "string", "pattern": r"^20\d\d-(0[1-9]|1[0-2])$"})],
    responses=UsageSerializer,
)
ME = extend_schema(summary="Get who you are", responses=MeSerializer)
