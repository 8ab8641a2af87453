"""Runs the middleware around a handler or a call, and checks what each one returns."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from inspect import isawaitable
from typing import Any, Final, TypeAlias

from ._contexts import CallContext, HandlerContext
from ._table import Handlers, Middleware

__all__ = ["compose", "layers_of"]

_Context: TypeAlias = HandlerContext[Any, Any] | CallContext[Any]

_NOTHING: Final = object()
"""Instead of the result of `proceed`, before it has returned."""


def layers_of(registries: Sequence[Handlers]) -> list[Middleware]:
    """Return the middleware of registries, outermost first: the server's before the station's own."""
    return [layer for registry in reversed(registries) for layer in registry.middleware]


def compose(
    middleware: Iterable[Middleware], ctx: _Context, inner: Callable[[], Awaitable[Any]]
) -> Callable[[], Awaitable[Any]]:
    """Wrap `inner` in layers: the first middleware is the outermost. Exceptions from inside pass through."""
    for layer in reversed(tuple(middleware)):
        inner = partial(_run, layer, ctx, inner)
    return inner


async def _run(layer: Middleware, ctx: _Context, inner: Callable[[], Awaitable[Any]]) -> Any:
    """Return the result of one layer. Raises TypeError for one that returns no result though there was one."""
    inside: Any = _NOTHING

    async def proceed() -> Any:
        nonlocal inside
        inside = await inner()
        return inside

    pending = layer(ctx, proceed)
    if not isawaitable(pending):
        raise TypeError(f"expected middleware {_name(layer)} to return an awaitable, got {type(pending).__name__}")
    result = await pending
    if ctx.expects_reply and not _is_complete(ctx, result, inside):
        got = type(result).__name__
        raise TypeError(f"expected middleware {_name(layer)} to return the result of proceed() or a dict, got {got}")
    return result


def _is_complete(ctx: _Context, result: Any, inside: Any) -> bool:
    """Return True unless a result is missing; that of a handler may be None, and is checked when it is sent."""
    if isinstance(ctx, CallContext):
        return isinstance(result, Mapping)
    return result is not None or inside is None or ctx.is_over


def _name(layer: Middleware) -> str:
    return getattr(layer, "__qualname__", type(layer).__qualname__)
