"""Error answers in RunComfy's shape, and the answers a fault gives instead of handling a call."""

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.faults import Fault

NOT_READY = 400005
UNAUTHORIZED = 401001
UNKNOWN_REQUEST = 404001
INVALID_INPUT = 422001

# HTTP status -> (error_code, error_message)
_HTTP_ERRORS = {
    400: (400001, "The request is malformed."),
    401: (UNAUTHORIZED, "Invalid or missing API token."),
    402: (400002, "Insufficient balance."),
    403: (403001, "You have no access to this request."),
    404: (404000, "Not found."),
    413: (413001, "The request body is too large."),
    422: (INVALID_INPUT, "The input is invalid."),
    429: (429001, "Too many requests."),
    500: (500001, "Internal server error."),
    502: (502001, "Bad gateway."),
    503: (503001, "Service unavailable."),
    504: (504001, "Gateway timeout."),
}
_MAINTENANCE = "<!doctype html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"


def error(status: int, message: str = "", code: int = 0) -> JSONResponse:
    """Answer with this HTTP status, and the usual code and message of that status unless others are given."""
    usual_code, usual_message = _HTTP_ERRORS[status]
    body = {"error_code": code or usual_code, "error_message": message or usual_message}
    return JSONResponse(body, status)


def unknown_request() -> JSONResponse:
    """Answer that no request has this id (any more)."""
    return error(404, "The request does not exist or has expired.", UNKNOWN_REQUEST)


def not_ready(status: str) -> JSONResponse:
    """Answer that there is no result yet."""
    return error(400, f"The request has not ended yet, it is {status}.", NOT_READY)


def html(status: int = 200) -> HTMLResponse:
    """Answer with a page where JSON was expected."""
    return HTMLResponse(_MAINTENANCE, status)


def fits_any_call(fault: Fault) -> bool:
    """Return whether `instead` knows the fault's answer."""
    return fault.kind.startswith("http_") or fault.kind in ("html", "error_in_200")


def instead(fault: Fault) -> Response:
    """Return the answer of a fault that fits any call: `http_NNN`, `html` or `error_in_200`."""
    if fault.kind == "html":
        return html(fault.options["status"])
    if fault.kind == "error_in_200":
        body = {"error_code": fault.options["code"], "error_message": "The request could not be handled."}
        return JSONResponse(body)
    response = error(int(fault.kind.removeprefix("http_")))
    if fault.options.get("retry_after") is not None:
        response.headers["retry-after"] = str(fault.options["retry_after"])
    return response
