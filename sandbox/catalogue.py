"""The calls about models and the account's balance."""

from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import answers, schema
from sandbox.calls import answered, has_token
from sandbox.config import Config
from sandbox.faults import Faults
from sandbox.kinds import MODEL
from sandbox.record import PRICE_USD

BALANCE_USD = 100.0
LARGEST_PAGE = 100
MODEL_CARD: dict[str, Any] = {
    "model_id": schema.MODEL_ID,
    "display_name": "Seedream 4.0 Edit Sequential",
    "category": "image-to-image",
    "kind": "model",
    "base_price_usd": PRICE_USD,
    "price_unit": "image",
    "pricing_note": f"${PRICE_USD:.2f} per generated image.",
}


class CatalogueApi:
    """Handlers for one model, the catalogue, and the balance; faults on "model" are for all three."""

    def __init__(self, config: Config, faults: Faults) -> None:
        self.config = config
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            Route("/v1/models", self.catalogue),
            Route("/v1/models/{model_id:path}", self.model),
            Route("/prod/v2/balance", self.balance),
        ]

    async def model(self, request: Request) -> Response:
        if request.path_params["model_id"] != schema.MODEL_ID:
            return await self._answered(request, answers.error(404, "The model does not exist."))
        return await self._answered(request, JSONResponse(_card(include_schema=True)))

    async def catalogue(self, request: Request) -> Response:
        return await self._answered(request, _page(request))

    async def balance(self, request: Request) -> Response:
        return await self._answered(request, JSONResponse({"balance_usd": BALANCE_USD, "currency": "USD"}))

    async def _answered(self, request: Request, response: Response) -> Response:
        async def handle() -> Response:
            return response

        if not has_token(request, self.config.token):
            return answers.error(401)
        return await answered(request, self.faults, MODEL, None, handle)


def _page(request: Request) -> Response:
    query = request.query_params
    limit, offset = query.get("limit", "20"), query.get("offset", "0")
    for name, value in (("limit", limit), ("offset", offset)):
        if not (value.isdecimal() and len(value) < 10):
            return answers.error(422, f"{name}: must be a whole number")
    models = [_card(query.get("include_schema") == "true")] if _is_found(query) else []
    start, count = int(offset), min(int(limit), LARGEST_PAGE)
    page = models[start : start + count]
    return JSONResponse({"models": page, "total": len(models), "limit": count, "offset": start})


def _is_found(query: QueryParams) -> bool:
    words = f"{MODEL_CARD['model_id']} {MODEL_CARD['display_name']}".lower()
    exact = all(query.get(name, MODEL_CARD[name]) in ("", MODEL_CARD[name]) for name in ("category", "kind"))
    return exact and query.get("search", "").lower() in words


def _card(include_schema: bool) -> dict[str, Any]:
    return MODEL_CARD | ({"input_schema": schema.DOCUMENT["input"]} if include_schema else {})
