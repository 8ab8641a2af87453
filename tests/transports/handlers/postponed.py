"""Handlers whose annotations are text, some of which only a type checker can resolve."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from ocpp_core import v16
from ocpp_transports import HandlerContext

if TYPE_CHECKING:
    import elsewhere  # type: ignore[import-not-found]  # exists for type checkers alone
    from elsewhere import Unknown


def of_params(params: v16.AuthorizeRequest) -> Unknown:
    return {"got": params["idTag"]}


def of_both(params: v16.models.AuthorizeRequest, ctx: HandlerContext[v16.Authorize]) -> dict[str, Any]:
    return {"got": params.id_tag, "action": ctx.action}


def of_context(ctx: elsewhere.HandlerContext[v16.Authorize]) -> dict[str, Any]:
    return {"got": ctx.params["idTag"]}


class Callable:
    async def __call__(self, params: v16.AuthorizeRequest) -> dict[str, Any]:
        return {"got": params["idTag"]}

    def method(self, ctx: HandlerContext, params: dict[str, Any]) -> dict[str, Any]:
        return {"got": params["idTag"], "action": ctx.action}


@wraps(of_params)
def passing_on(*args: Any, **kwargs: Any) -> Any:
    return of_params(*args, **kwargs)


def _twice(times: int, params: v16.AuthorizeRequest) -> dict[str, Any]:
    return {"got": params["idTag"] * times}


of_partial = partial(_twice, 2)


def of_anything(ctx: Any) -> dict[str, Any]:
    return {"got": ctx.params["idTag"]}


def of_unknown(params: Unknown) -> dict[str, Any]:
    return {"got": params}
