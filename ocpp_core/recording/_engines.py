"""The engines that can be recorded: what they were made with, and how to make another one."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import inf
from random import Random
from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.client import ClientEngine
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.inbound.queued import queued
from ocpp_core.link import Unfinished
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.server import New, ServerEngine
from ocpp_core.session import Session
from ocpp_core.stack import ClientStack, ServerStack
from ocpp_core.stack.durable import DurableClientStack

__all__ = ["Supplies", "has_messages", "made_at", "make_engine", "settings_of"]


@dataclass(frozen=True, slots=True)
class Supplies:
    """What an engine draws from."""

    random: Random
    ids: Callable[[], str]
    numbers: Iterator[int]
    answers: AnswerMemory
    unfinished: Unfinished


def made_at(engine: object) -> float:
    """Return the time at which a server's engine was made; 0 for engines that have none."""
    now: float = getattr(engine, "_now", -inf)
    return now if now > -inf else 0.0


def settings_of(engine: object) -> dict[str, Any]:
    """Return what a new engine was made with, by name. Raises TypeError for an engine of another kind."""
    for kind, (read, _) in _KINDS.items():
        if isinstance(engine, kind):
            return {"engine": kind.__name__, **read(engine)}
    names = ", ".join(sorted(kind.__name__ for kind in _KINDS))
    raise TypeError(f"expected one of {names}, got {type(engine).__name__}")


def make_engine(settings: Mapping[str, Any], at: float, supplies: Supplies) -> Any:
    """Return an engine like the one whose settings these are."""
    for kind, (_, make) in _KINDS.items():
        if kind.__name__ == settings["engine"]:
            return make(settings, at, supplies)
    raise ValueError(f"expected the name of an engine, got {settings['engine']!r}")


def _of_client_stack(stack: ClientStack) -> dict[str, Any]:
    return {"client": stack.engine.config, "link": stack._link_config, "target": stack.target}


def _of_durable_stack(stack: DurableClientStack) -> dict[str, Any]:
    return {**_of_client_stack(stack), "outbox": stack._outbox}


def _of_server_stack(stack: ServerStack) -> dict[str, Any]:
    return {"link": stack._link._config, **_of_server(stack)}


def _of_server(engine: ServerStack | ServerEngine) -> dict[str, Any]:
    return {
        "session": engine._config,
        "stores": engine._memory is not None,
        "queued": engine._directions is not None,
    }


def _of_server_engine(engine: ServerEngine) -> dict[str, Any]:
    begun = engine.state
    limit = begun.until - engine._now if isinstance(begun, New) else inf
    return {"limit": limit, **_of_server(engine)}


def _answers(settings: Mapping[str, Any], supplies: Supplies) -> AnswerMemory | None:
    return supplies.answers if settings["stores"] else None


def _directions(settings: Mapping[str, Any], supplies: Supplies) -> MakeDirections | None:
    """Return what makes the directions on a server whose stations have outboxes; none has a message."""
    if not settings["queued"]:
        return None
    outbox = Outbox(OutboxConfig(gate="manual"), 1, ids=supplies.ids, emit=lambda _: None, changed=lambda: None)
    return partial(queued, outbox=outbox)


def has_messages(engine: object) -> bool:
    """Return True once the station has messages in the server's outbox, which are no inputs."""
    session = getattr(engine, "session", None)
    calls = getattr(session, "calls", None)
    return isinstance(calls, StationCalls) and calls._outbox is not calls._without_messages


def _make_client_stack(settings: Mapping[str, Any], _: float, supplies: Supplies) -> ClientStack:
    client, link, target = settings["client"], settings["link"], settings["target"]
    return ClientStack(client, link, target, random=supplies.random, ids=supplies.ids)


def _make_durable_stack(settings: Mapping[str, Any], _: float, supplies: Supplies) -> DurableClientStack:
    client, link, target = settings["client"], settings["link"], settings["target"]
    return DurableClientStack(client, link, target, settings["outbox"], random=supplies.random, ids=supplies.ids)


def _make_server_stack(settings: Mapping[str, Any], at: float, supplies: Supplies) -> ServerStack:
    return ServerStack(
        settings["link"],
        settings["session"],
        random=supplies.random,
        ids=supplies.ids,
        now=at,
        numbers=supplies.numbers,
        unfinished=supplies.unfinished,
        answers=_answers(settings, supplies),
        directions=_directions(settings, supplies),
    )


def _make_server_engine(settings: Mapping[str, Any], at: float, supplies: Supplies) -> ServerEngine:
    return ServerEngine(
        settings["session"],
        handshake_timeout=settings["limit"],
        ids=supplies.ids,
        now=at,
        numbers=supplies.numbers,
        answers=_answers(settings, supplies),
        directions=_directions(settings, supplies),
    )


def _make_client_engine(settings: Mapping[str, Any], _: float, supplies: Supplies) -> ClientEngine:
    return ClientEngine(settings["client"], random=supplies.random, ids=supplies.ids)


def _make_durable_engine(settings: Mapping[str, Any], _: float, supplies: Supplies) -> DurableClientEngine:
    client, outbox = settings["client"], settings["outbox"]
    return DurableClientEngine(client, outbox, random=supplies.random, ids=supplies.ids)


def _make_session(settings: Mapping[str, Any], _: float, supplies: Supplies) -> Session:
    return Session(settings["config"], settings["version"], ids=supplies.ids, numbers=supplies.numbers)


_Read = Callable[[Any], dict[str, Any]]
_Make = Callable[[Mapping[str, Any], float, Supplies], Any]
_KINDS: Final[Mapping[type[Any], tuple[_Read, _Make]]] = {  # a subclass before its base
    DurableClientStack: (_of_durable_stack, _make_durable_stack),
    ClientStack: (_of_client_stack, _make_client_stack),
    ServerStack: (_of_server_stack, _make_server_stack),
    DurableClientEngine: (
        lambda engine: {"client": engine.config, "outbox": engine._outbox_config},
        _make_durable_engine,
    ),
    ClientEngine: (lambda engine: {"client": engine.config}, _make_client_engine),
    ServerEngine: (_of_server_engine, _make_server_engine),
    Session: (lambda session: {"config": session._config, "version": session.version}, _make_session),
}
