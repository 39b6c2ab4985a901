"""What every operation may answer, added to the OpenAPI document when it is made."""

from typing import Any

ERRORS = {
    "400": "Something is wrong with what was sent; `attr` names the field.",
    "401": "There is no token, or it is not good any more.",
    "403": "Only the owner and staff may do that.",
    "404": "There is no such thing, or you may not see it.",
    "413": "The body is too large.",
    "415": "Bodies are JSON or multipart.",
    "429": "Too many calls; `Retry-After` says when to come back.",
}
HEADERS = {
    "RateLimit-Limit": "How many calls of this kind a minute has.",
    "RateLimit-Remaining": "How many are left.",
    "RateLimit-Reset": "In how many seconds the count begins anew.",
    "Retry-After": "In how many seconds it is worth asking again; absent when the job has ended.",
}
RATES = [name for name in HEADERS if name.startswith("RateLimit")]


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add what operations have in common: errors of one shape, and the headers that tell of rates and of waiting."""
    numbers = {name: {"description": words, "schema": {"type": "integer"}} for name, words in HEADERS.items()}
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    result["components"] |= {
        "headers": numbers,
        "responses": {f"Error{code}": {"description": words, "content": schema} for code, words in ERRORS.items()},
    }
    for component in result["components"]["schemas"].values():
        for field in component.get("properties", {}).values():
            _forget_bounds(field)
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            found = {code: _with_headers(response) for code, response in operation["responses"].items()}
            errors = {code: {"$ref": f"#/components/responses/Error{code}"} for code in _codes(path, method, operation)}
            operation["responses"] = dict(sorted((errors | found).items()))
    return result


def _forget_bounds(field: dict[str, Any]) -> None:
    """How large a number a column holds is the database's matter, and each kind of database has its own."""
    if "integer" in field.get("type", ""):
        for word in ("minimum", "maximum", "format"):
            field.pop(word, None)


def _with_headers(response: dict[str, Any]) -> dict[str, Any]:
    is_job = "schemas/Job'" in str(response.get("content"))
    names = [*RATES, *(["Retry-After"] if is_job else [])]
    return response | {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names}}


def _codes(path: str, method: str, operation: dict[str, Any]) -> set[str]:
    parameters = str(operation.get("parameters"))
    codes = {"401", "429"}
    codes |= {"404"} if "'path'" in parameters else set()
    codes |= {"400"} if "'query'" in parameters or "requestBody" in operation else set()
    codes |= {"413", "415"} if "requestBody" in operation else set()
    return codes | ({"403"} if method != "get" else set())
