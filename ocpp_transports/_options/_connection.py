"""The options of every connection, whatever carries it: defaults, meanings, checks, and the engine config made of them.

`_keywords` repeats the names for type checkers, and a test compares the two. Loads neither ssl nor fastjsonschema.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, Self

from ocpp_core.config import IdFactory, SessionConfig
from ocpp_core.messages import Leniency
from ocpp_core.websocket.headers import expect_subprotocols
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._driver._driver import SEND_TIMEOUT
from ocpp_transports._handlers._dispatcher import GRACE, HANDLER_TIMEOUT
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._logging._log import Log, Logging, logger_of

from ._message_ids import new_message_id, with_default
from ._names import Names, expect_spelled

if TYPE_CHECKING:
    from ocpp_core.validation import SchemaValidator

__all__ = ["BUNDLED_PROTOCOLS", "PeerOptions", "off_at_zero"]

BUNDLED_PROTOCOLS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
"""The standard subprotocols, newest first."""


def off_at_zero(value: float, name: str) -> float:
    """Read a time where 0 means never; the engine says `inf` for that."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"expected {name} >= 0 seconds (0 or inf: off), got {value!r}")
    return value or inf


def _read_protocols(protocols: object) -> tuple[str, ...]:
    if isinstance(protocols, str) or not isinstance(protocols, Collection):
        raise TypeError(f"expected protocols as a list of subprotocol names, got {protocols!r}")
    names = tuple(protocols)
    expect_subprotocols(names)
    expect_spelled(names)
    return names


def _expect_bools(options: "PeerOptions") -> None:
    """Refuse anything but bools where one is meant: `reconnect="no"` must not mean yes."""
    for each in fields(options):
        if each.type in (bool, "bool") and not isinstance(getattr(options, each.name), bool):
            raise TypeError(f"expected {each.name} as bool, got {getattr(options, each.name)!r}")


def _expect_mending(mend: Callable[[str], str]) -> None:
    expect_arguments(mend, "mend_text", "text")
    if is_coroutine_function(mend):
        raise TypeError("expected mend_text as a plain function, got a coroutine function")


@dataclass(frozen=True, kw_only=True)
class PeerOptions:
    """What all connections have in common. Times are seconds, sizes bytes."""

    protocols: tuple[str, ...] = BUNDLED_PROTOCOLS
    """Subprotocols, in order of preference."""
    call_timeout: float = 30.0
    """From the write of a CALL to its answer (OCPP-J §4.1.1)."""
    call_ttl: float = inf
    """From `call` to the write."""
    call_concurrency: int = 1
    """CALLs outstanding at a time; OCPP-J §4.1.1 wants 1."""
    max_queued: int = 1000
    """Calls that wait for the window; beyond, CallDroppedError."""
    max_queued_bytes: float = 8 << 20
    """Of the payloads of those calls, and of those in a client's offline queue; as much again may wait of SENDs
    and raw texts to a peer that does not read. Beyond, CallDroppedError."""
    max_outgoing_size: float = 1 << 20
    """Of one message sent; beyond, `call` and `notify` raise ValueError, and an answer becomes an InternalError."""
    max_elements: float = 1 << 17
    """Members and items of one received message, in all its objects and arrays together; beyond, a bad message."""
    refuse_when_busy: bool = False
    """Refuse a CALL with GenericError while 132 requests have no answer, instead of holding it. SENDs are held."""
    max_held: float = 1000
    """Requests of a connection held while 132 have no answer; beyond, it is not read until half are at work."""
    max_held_bytes: float = 131072
    """The same bound for the texts of the held requests. One message may exceed it."""
    answer_window: float = 120.0
    """For so long an answer is remembered, for further copies of its CALL; 0: not at all. CALLERRORs never are."""
    close_timeout: float = 5.0
    """Of the WebSocket's close handshake; then the connection is dropped."""
    drain_timeout: float = 30.0
    """How long `close` waits for the answers to CALLs in flight."""
    strict_mode: bool | Collection[str] = False
    """Check payloads against their schemas in both directions; or the subprotocols to do it for."""
    strict_mode_methods: Collection[str] | None = None
    """Only these actions are checked; None means all. An action that no version and no validator has is refused."""
    strict_mode_validators: "Collection[SchemaValidator]" = ()
    """Validators for custom subprotocols, or instead of the bundled ones."""
    max_bad_messages: float = 1000
    """At this number within `bad_message_period` a connection is closed with 1002; a client comes back."""
    bad_message_period: float = 3600.0
    """Counted from the first bad message; `inf` counts as long as the connection lasts."""
    respond_with_detailed_errors: bool = False
    """Tell the peer name and text of an exception that a handler raised."""
    handler_grace: float = GRACE
    """For so long after open, a CALL without a handler waits for one; then NotImplemented."""
    handler_timeout: float = HANDLER_TIMEOUT
    """How long a coroutine handler may run; then InternalError, `handler_error`, and it is cancelled. 0: no limit."""
    send_timeout: float = SEND_TIMEOUT
    """How long output that does not drain may make no progress; then the connection is dropped. 0: no limit."""
    in_order: bool = False
    """Serve CALLs one after the other instead of concurrently."""
    leniency: Leniency = field(default_factory=Leniency)
    """Tolerances for peers that break the message format."""
    mend_text: Callable[[str], str] | None = None
    """Given every text received, returns the one to parse in its place: for faults that no tolerance is made for."""
    logging: Logging = True
    """True for the logger `ocpp_ws_io`, False for none, or a logger."""
    id_factory: IdFactory = field(default=new_message_id, repr=False)
    """Makes message ids: at most 36 characters, unique over connections and restarts.

    If it raises or returns anything else, that is logged and a default id is used.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocols", _read_protocols(self.protocols))
        _expect_bools(self)
        if not callable(self.id_factory):
            raise TypeError(f"expected id_factory as a function, got {type(self.id_factory).__name__}")
        expect_arguments(self.id_factory, "id_factory")
        if callable(self.mend_text):
            _expect_mending(self.mend_text)
        validators: object = self.strict_mode_validators
        if isinstance(validators, str) or not isinstance(validators, Collection):
            raise TypeError(f"expected strict_mode_validators as a list, got {type(validators).__name__}")
        if not isinstance(self.leniency, Leniency):
            raise TypeError(f"expected leniency as Leniency, got {type(self.leniency).__name__}")
        off_at_zero(self.handler_grace, "handler_grace")
        off_at_zero(self.handler_timeout, "handler_timeout")
        off_at_zero(self.send_timeout, "send_timeout")
        logger_of(self.logging)
        _ = self.names
        self._expect_methods()
        _ = self.validators, self.session

    @cached_property
    def ids(self) -> IdFactory:
        """The source of message ids for the engines, which never raises."""
        return with_default(self.id_factory, Log(logger_of(self.logging), "options").failed)

    @classmethod
    def check_names(cls, options: Iterable[str]) -> None:
        """Raise TypeError for an unknown option, with the list of those there are."""
        names = sorted(each.name for each in fields(cls))
        for name in options:
            if name not in names:
                raise TypeError(f"unknown option {name!r}, expected one of: {', '.join(names)}")

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Copy with changes. Raises TypeError for an unknown option, and as the options themselves do."""
        self.check_names(changes)
        return replace(self, **changes)

    @cached_property
    def validators(self) -> "Mapping[str, SchemaValidator]":
        """The validators of strict mode by subprotocol. Raises ValueError where one is missing."""
        protocols = self._strict_protocols()
        if not protocols:
            return {}
        from ._validators import shared_validator  # noqa: PLC0415 - loads fastjsonschema, which only strict mode needs

        own = {validator.protocol: validator for validator in self.strict_mode_validators}
        return {protocol: own.get(protocol) or shared_validator(protocol) for protocol in protocols}

    def _strict_protocols(self) -> Collection[str]:
        if isinstance(self.strict_mode, bool):
            return self.protocols if self.strict_mode else ()
        if isinstance(self.strict_mode, str) or not isinstance(self.strict_mode, Collection):
            raise TypeError(f"expected strict_mode as bool or a list of subprotocols, got {self.strict_mode!r}")
        for protocol in self.strict_mode:
            if protocol not in self.protocols:
                raise ValueError(f"expected strict_mode to name some of {self.protocols}, got {protocol!r}")
        return self.strict_mode

    @cached_property
    def names(self) -> Names:
        """The versions and actions that handlers and `strict_mode_methods` may name."""
        for validator in self.strict_mode_validators:
            if not hasattr(validator, "protocol") or not hasattr(validator, "actions"):
                kind = type(validator).__name__
                raise TypeError(f"expected strict_mode_validators made by create_validator, got {kind}")
        expect_spelled(validator.protocol for validator in self.strict_mode_validators)
        return Names(self.protocols, self.strict_mode_validators)

    def _expect_methods(self) -> None:
        """Refuse actions that nothing can check: a misspelled one would turn the check off."""
        methods = self.strict_mode_methods
        is_list = methods is None or (isinstance(methods, Collection) and not isinstance(methods, str))
        if not is_list or not all(isinstance(method, str) for method in methods or ()):
            raise TypeError(f"expected strict_mode_methods as a list of actions, got {methods!r}")
        for method in methods or ():
            self.names.expect_checkable(method)

    @cached_property
    def session(self) -> SessionConfig:
        """The engine's config of a conversation, without validator and trace."""
        methods = self.strict_mode_methods
        return SessionConfig(
            call_timeout=self.call_timeout,
            call_ttl=self.call_ttl,
            call_concurrency=self.call_concurrency,
            max_queued=self.max_queued,
            max_queued_bytes=self.max_queued_bytes,
            max_outgoing_size=self.max_outgoing_size,
            max_elements=self.max_elements,
            refuse_when_busy=self.refuse_when_busy,
            max_held=self.max_held,
            max_held_bytes=self.max_held_bytes,
            answer_window=self.answer_window,
            late_answers=True,
            max_bad_messages=self.max_bad_messages,
            bad_message_period=self.bad_message_period,
            drain_timeout=self.drain_timeout,
            close_timeout=self.close_timeout,
            leniency=self.leniency,
            mend_text=self.mend_text,
            validated_actions=None if methods is None else frozenset(methods),
        )

    def session_in(self, protocol: str, *, trace: bool) -> SessionConfig:
        """Give the engine's config of a conversation in this subprotocol: one object for all that want it."""
        wanted = protocol, trace
        if wanted not in self._sessions:
            self._sessions[wanted] = replace(self.session, validator=self.validators.get(protocol), trace=trace)
        return self._sessions[wanted]

    @cached_property
    def _sessions(self) -> dict[tuple[str, bool], SessionConfig]:
        return {}

    @property
    def handshake_limit(self) -> float:
        """Seconds a handshake may take, `inf` without a limit."""
        raise NotImplementedError
