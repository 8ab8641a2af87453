"""The options of every connection on any carrier: defaults, meanings, checks, and the engine config made of them.

An option is declared in one of these dataclasses and nowhere else: `_keywords`, for type checkers, and the reference
are generated from them. An option that is a setting of the engine has the name of that setting, takes its default from
there, and is passed on under that name. This module loads neither ssl nor fastjsonschema.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import field, fields, replace
from functools import cached_property
from logging import Logger
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast
from weakref import WeakValueDictionary

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import (
    IdFactory,
    InboundLimit,
    SessionConfig,
    StrictMode,
    ValidationMode,
    ValidationRule,
    expect_declared,
    expect_rules,
    is_checking,
    number,
    rules_in,
)
from ocpp_core.limits import Rate, expect_rates
from ocpp_core.messages import Leniency
from ocpp_core.websocket.headers import expect_subprotocols
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._driver._limits import SEND_TIMEOUT
from ocpp_transports._handlers._dispatcher import HANDLER_TIMEOUT
from ocpp_transports._handlers._held import GRACE
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._logging._log import Log, Logging, logger_of

from ._message_ids import new_message_id, with_default
from ._names import Names, expect_spelled
from ._shared._configs import shared

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from ocpp_core.tolerance.profiles import QuirkProfile
    from ocpp_core.tolerance.sources import Quirks
    from ocpp_core.tolerance.station import MatchedQuirks, QuirkBook
    from ocpp_core.validation import SchemaValidator
    from ocpp_transports._metrics._metrics import Metrics

__all__ = ["BUNDLED_PROTOCOLS", "PeerOptions", "counting", "off_at_zero", "seconds_or_off"]

BUNDLED_PROTOCOLS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
"""The standard subprotocols, newest first."""

_SESSION: Final = SessionConfig()
"""The source of defaults for options that are settings of the engine; it documents their ranges and meanings."""
_Seconds = TypeVar("_Seconds", bound=float | None)


def seconds_or_off(default: _Seconds) -> _Seconds:
    """Declare an option in seconds for which 0 or `inf` mean no limit."""
    return number(default, least=0, unit="seconds (0 or inf: off)")


def off_at_zero(value: float) -> float:
    """Return a time as the engine expects it, with `inf` instead of 0 for "never"."""
    return value or inf


def _read_protocols(protocols: object) -> tuple[str, ...]:
    if isinstance(protocols, str) or not isinstance(protocols, Collection):
        raise TypeError(f"expected protocols as a list of subprotocol names, got {protocols!r}")
    names = tuple(protocols)
    expect_subprotocols(names)
    expect_spelled(names)
    return names


def _expect_mending(mend: Callable[[str], str]) -> None:
    expect_arguments(mend, "mend_text", "text")
    if is_coroutine_function(mend):
        raise TypeError("expected mend_text as a plain function, got a coroutine function")


def _read_metrics(metrics: "bool | Metrics") -> "bool | Metrics":
    """Return the object that counts, a new one for True; False for none. Raises TypeError for anything else."""
    if metrics is False:
        return False
    from ocpp_transports._metrics._metrics import Metrics  # loaded only when used

    if metrics is True:
        return Metrics()
    if not isinstance(metrics, Metrics):
        raise TypeError(f"expected metrics as bool or Metrics, got {metrics!r}")
    return metrics


def counting(options: "PeerOptions") -> "Metrics":
    """Return what counts for these options. Raises RuntimeError if nothing does."""
    if options.meter is None:
        raise RuntimeError("cannot read metrics: the option metrics is off; pass metrics=True to the constructor")
    return options.meter


def _key_of(changes: Mapping[str, Any]) -> Hashable | None:
    """Return a key that equals that of the same changes only, also where True equals 1; None if one has no hash."""
    key = tuple((name, type(given), tuple(given) if type(given) is list else given) for name, given in changes.items())
    try:
        hash(key)
    except TypeError:
        return None
    return key


@dataclass(frozen=True, kw_only=True)
class PeerOptions:
    """The options that all connections have in common.

    An option without a docstring is the setting of the engine that its default names, and is documented there.
    """

    protocols: tuple[str, ...] = BUNDLED_PROTOCOLS
    """Subprotocols, in order of preference."""
    call_timeout: float = _SESSION.call_timeout
    call_ttl: float = _SESSION.call_ttl
    call_concurrency: int = _SESSION.call_concurrency
    max_queued: int = _SESSION.max_queued
    max_queued_bytes: float = _SESSION.max_queued_bytes
    max_outgoing_size: float = _SESSION.max_outgoing_size
    """Bytes of one sent message. If exceeded, `call` and `notify` raise ValueError, and a response becomes an
    InternalError."""
    max_elements: float = _SESSION.max_elements
    refuse_when_busy: bool = _SESSION.refuse_when_busy
    """Refuse a CALL with GenericError while 132 requests are unanswered, instead of holding it. SENDs are held."""
    max_held: float = _SESSION.max_held
    """Requests of a connection held while 132 are unanswered. If exceeded, reading stops until half are at work."""
    max_held_bytes: float = _SESSION.max_held_bytes
    inbound_rate: float = _SESSION.inbound_rate
    inbound_burst: int = _SESSION.inbound_burst
    action_rates: Mapping[str, Rate] = field(default_factory=dict)
    """The same limit for single actions, besides that for all: the rate by action, or the rate and the burst. A rate
    alone has the burst `inbound_burst`. An action that no version has raises ValueError."""
    inbound_limit: InboundLimit = _SESSION.inbound_limit
    max_delayed: int = _SESSION.max_delayed
    answer_window: float = _SESSION.answer_window
    """Seconds to remember a CALLRESULT, to answer further copies of its CALL; 0: not at all."""
    close_timeout: float = _SESSION.close_timeout
    drain_timeout: float = _SESSION.drain_timeout
    """Seconds that `close` waits for the responses to outstanding CALLs and for handlers at work; then these calls
    settle with ClosedError, and these requests get no response."""
    strict_mode: StrictMode = False
    """Check payloads against their schemas in both directions: True refuses a payload that breaks its schema, "report"
    emits `violation` and lets it pass."""
    strict_mode_rules: Sequence[ValidationRule] = ()
    """Exceptions to `strict_mode`, by action, subprotocol, direction and message type: the first rule that matches
    decides. An action or a subprotocol that neither a version nor a validator has raises ValueError."""
    strict_mode_validators: "Collection[SchemaValidator]" = ()
    """Validators for custom subprotocols, or to replace the bundled ones."""
    max_bad_messages: float = _SESSION.max_bad_messages
    bad_message_period: float = _SESSION.bad_message_period
    respond_with_detailed_errors: bool = False
    """Send the peer the name and text of an exception that a handler raised."""
    handler_grace: float = seconds_or_off(GRACE)
    """Seconds after the open that a CALL without a handler waits for one; then it gets NotImplemented."""
    handler_timeout: float = seconds_or_off(HANDLER_TIMEOUT)
    """Seconds a coroutine handler may run; then it is cancelled, the peer gets InternalError, and `handler_error` is
    emitted."""
    send_timeout: float = seconds_or_off(SEND_TIMEOUT)
    """Seconds that congested output may go without progress; then the connection is dropped."""
    in_order: bool = False
    """Serve CALLs one after another instead of concurrently."""
    leniency: Leniency = field(default_factory=Leniency)
    mend_text: Callable[[str], str] | None = _SESSION.mend_text
    quirks: "Quirks" = ()
    """What is tolerated from peers that break the rules: `known` for models of station, `common` for frequent mistakes,
    the path of a file in TOML, a `QuirkProfile`, or a list of them, the most important first. Files are read at
    once."""
    logging: Logging = True
    """True for the logger `ocpp_ws_io`, False for none, or a logger."""
    metrics: "bool | Metrics" = False
    """Count calls, connections, mistakes and bytes; read them from the `metrics` of the client or server. An object
    `observability.Metrics` counts several clients or servers together. `reconfigure` cannot change it."""
    id_factory: IdFactory = field(default=new_message_id, repr=False)
    """A function that returns message ids: at most 36 characters, unique over connections and restarts.

    If it raises or returns anything else, the failure is logged and a default id is used.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocols", _read_protocols(self.protocols))
        expect_declared(self)
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
        object.__setattr__(self, "metrics", _read_metrics(self.metrics))
        _ = self.logger, self.names
        self._expect_rules()
        expect_rates(self.action_rates)
        object.__setattr__(self, "action_rates", MappingProxyType(dict(self.action_rates)))
        for action in self.action_rates:
            self.names.expect(None, action)
        _ = self.validators, self.session
        self._read_quirks()

    @cached_property
    def ids(self) -> IdFactory:
        """The source of message ids for the engines; it never raises."""
        return with_default(self.id_factory, Log(self.logger, "options", is_station=False).failed)

    @cached_property
    def meter(self) -> "Metrics | None":
        """What counts, or None."""
        return self.metrics if not isinstance(self.metrics, bool) else None

    @cached_property
    def logger(self) -> Logger:
        """The logger that `logging` selects. Raises TypeError for a value that selects none."""
        return logger_of(self.logging)

    @classmethod
    def check_names(cls, options: Iterable[str]) -> None:
        """Raise TypeError for an unknown option, with the list of known ones."""
        names = sorted(each.name for each in fields(cls))
        for name in options:
            if name not in names:
                raise TypeError(f"unknown option {name!r}, expected one of: {', '.join(names)}")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Return the options made of keyword arguments.

        Raises TypeError for an unknown option, and the errors of the constructor.
        """
        cls.check_names(options)
        return cls(**options)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with changes: the same one for the same changes, as long as a connection uses it.

        Most stations that need other options than their server need the same ones, and checking all options takes
        milliseconds. Raises TypeError for an unknown option, and the errors of the constructor.
        """
        key = None if "quirks" in changes else _key_of(changes)  # a file of profiles may have changed
        made = None if key is None else self._copies.get(key)
        if made is None:
            made = self._changed(changes)
            if key is not None:
                self._copies[key] = made
        return made

    @cached_property
    def _copies(self) -> WeakValueDictionary[Hashable, Self]:
        return WeakValueDictionary()

    def _changed(self, changes: Mapping[str, Any]) -> Self:
        self.check_names(changes)
        given = changes.get("metrics", self.metrics)
        if given is not self.metrics and not (given is True and self.meter is not None):
            raise ValueError("cannot change metrics: it is fixed; pass it to the constructor")
        return replace(self, **{**changes, "metrics": self.metrics})

    @cached_property
    def validators(self) -> "Mapping[str, SchemaValidator]":
        """The validators of strict mode by subprotocol. Raises ValueError if one is missing."""
        protocols = [protocol for protocol in self.protocols if is_checking(rules_in(protocol, self.validation_rules))]
        if not protocols:
            return {}
        from ._validators import shared_validator  # loads fastjsonschema, which only strict mode needs

        own = {validator.protocol: validator for validator in self.strict_mode_validators}
        return {protocol: own.get(protocol) or shared_validator(protocol) for protocol in protocols}

    @cached_property
    def validation_rules(self) -> tuple[ValidationRule, ...]:
        """The rules of strict mode, of which one matches every payload."""
        mode: ValidationMode = "report" if self.strict_mode == "report" else "strict" if self.strict_mode else "off"
        return *self.strict_mode_rules, ValidationRule(mode)

    @cached_property
    def names(self) -> Names:
        """The versions and actions that handlers and `strict_mode_rules` may name."""
        for validator in self.strict_mode_validators:
            if not hasattr(validator, "protocol") or not hasattr(validator, "actions"):
                kind = type(validator).__name__
                raise TypeError(f"expected strict_mode_validators made by create_validator, got {kind}")
        expect_spelled(validator.protocol for validator in self.strict_mode_validators)
        return Names(self.protocols, self.strict_mode_validators)

    def _read_quirks(self) -> None:
        """Replace the sources of profiles with the profiles. Raises for a setting that is not a possible option."""
        if self.quirks == ():
            return
        from ocpp_core.tolerance.sources import read_quirks  # loaded only when used

        profiles = read_quirks(self.quirks)
        object.__setattr__(self, "quirks", profiles)
        for profile in profiles:
            self.names.expect_profile(profile)
            changes = self.quirk_settings(profile)
            if changes:
                replace(self, quirks=(), **changes)  # raises here for a wrong setting, not at a connection

    @cached_property
    def quirk_book(self) -> "QuirkBook | None":
        """The profiles of `quirks`, or None without any."""
        if self.quirks == ():
            return None
        from ocpp_core.tolerance.station import QuirkBook  # loaded only when used

        return QuirkBook(cast("tuple[QuirkProfile, ...]", self.quirks))

    def quirk_settings(self, profile: "QuirkProfile | MatchedQuirks") -> dict[str, Any]:
        """Return the settings of profiles that are options of this kind of client or server."""
        own = {each.name for each in fields(self)}
        changes = {name: value for name, value in profile.options.items() if name in own}
        if profile.validation:
            changes["strict_mode_rules"] = tuple(dict.fromkeys((*profile.validation, *self.strict_mode_rules)))
        return changes

    def _expect_rules(self) -> None:
        """Raise for a mode or rule that is none, and for names without a schema: a misspelled one matches nothing."""
        if not isinstance(self.strict_mode, bool) and self.strict_mode != "report":
            raise TypeError(f'expected strict_mode as bool or "report", got {self.strict_mode!r}')
        object.__setattr__(self, "strict_mode_rules", expect_rules(self.strict_mode_rules, "strict_mode_rules"))
        for rule in self.strict_mode_rules:
            for protocol in rule.protocols or ():
                self.names.expect(protocol, None)
            for action in rule.actions or ():
                self.names.expect_checkable(action)

    @cached_property
    def session(self) -> SessionConfig:
        """The engine's config of a session, without validator and trace: one object for all with equal settings."""
        converted = {"late_answers": True, "meter": self.meter, "validation_rules": self.validation_rules}
        return shared(SessionConfig, self.settings(SessionConfig) | converted)

    def settings(self, config: "type[DataclassInstance]") -> dict[str, Any]:
        """Return the options that are settings of one of the engine's configs, matched by name."""
        own = {each.name for each in fields(self)}
        return {each.name: getattr(self, each.name) for each in fields(config) if each.name in own}

    def session_in(self, protocol: str, *, trace: bool) -> SessionConfig:
        """Return the engine's config of a session in this subprotocol: one shared object for all sessions."""
        wanted = protocol, trace
        if wanted not in self._sessions:
            changes = {"validator": self.validators.get(protocol), "trace": trace, **self._gate_in(protocol)}
            self._sessions[wanted] = replace(self.session.in_protocol(protocol), **changes)
        return self._sessions[wanted]

    def _gate_in(self, _protocol: str) -> Mapping[str, Any]:
        """Return the settings of a session that depend on the registration of the station."""
        return {}

    @cached_property
    def _sessions(self) -> dict[tuple[str, bool], SessionConfig]:
        return {}

    @property
    def handshake_limit(self) -> float:
        """Seconds a handshake may take, `inf` without a limit."""
        raise NotImplementedError
