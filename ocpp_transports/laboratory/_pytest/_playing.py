"""Runs the coroutines of a test, and its async fixtures, on the loop of the test's world."""

from collections.abc import Callable, Iterator
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, ismethod
from typing import Any

import pytest

from ocpp_transports.laboratory._world._world import World

__all__ = [
    "LAB",
    "coroutine_function_of",
    "expect_asyncio",
    "expect_fixtures",
    "expect_scope",
    "is_async",
    "playing_fixture",
]

LAB = "ocpp_lab"
"""The fixture of a test's world."""


def coroutine_function_of(item: pytest.Function) -> Callable[..., Any] | None:
    """Return the test as a coroutine function, None if it is a plain one.

    pytest-asyncio has wrapped the coroutine functions of its items. A decorator of the application stays.
    """
    function = item.obj
    if type(item).__module__.startswith("pytest_asyncio"):
        function = getattr(function, "__wrapped__", function)
    return function if iscoroutinefunction(function) else None


def is_async(function: object) -> bool:
    """Return True for the function of an async fixture."""
    return iscoroutinefunction(function) or isasyncgenfunction(function)


def expect_fixtures(item: pytest.Function) -> None:
    """Fail a test whose async fixtures live longer than its world, on another event loop."""
    for name in item.fixturenames:
        definitions = item._fixtureinfo.name2fixturedefs.get(name)
        if definitions and is_async(definitions[-1].func):
            expect_scope(name, definitions[-1].scope)


def expect_scope(name: str, scope: str) -> None:
    """Fail unless an async fixture lives as long as one test."""
    if scope != "function":
        pytest.fail(
            f"cannot use the async fixture {name!r} of scope {scope!r} with {LAB}: it lives on another event loop "
            'than the world of this test; give it the scope "function"',
            pytrace=False,
        )


def expect_asyncio(item: pytest.Function) -> None:
    """Skip a test for which the plugin of anyio has another backend than asyncio's own loop."""
    backend = item.funcargs.get("anyio_backend", "asyncio")
    name, options = backend if isinstance(backend, tuple) else (backend, {})
    if name != "asyncio" or options.get("use_uvloop"):
        pytest.skip(f"{LAB} runs on an asyncio loop of its own, not on this backend of anyio")


def playing_fixture(function: Callable[..., Any], world: World, instance: object) -> Callable[..., Any]:
    """Return an async fixture as a plain one, which runs on the loop of a world."""
    if ismethod(function) and isinstance(instance, type(function.__self__)):
        function = function.__func__.__get__(instance)
    if isasyncgenfunction(function):
        return partial(_generate, function, world)
    return lambda **arguments: world.play(function(**arguments))


def _generate(function: Callable[..., Any], world: World, **arguments: Any) -> Iterator[Any]:
    generator = function(**arguments)
    yield world.play(anext(generator))
    world.play(_finish(generator))


async def _finish(generator: Any) -> None:
    async for _ in generator:
        raise RuntimeError("expected one yield in an async fixture, got two")
