"""The settings of one OCPP-J session."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import field, replace
from math import inf
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from ocpp_core._dataclasses import dataclass
from ocpp_core.limits import Rate, expect_rates
from ocpp_core.messages import Leniency
from ocpp_core.metering.meter import SessionMeter

from ._declared import expect_declared, number
from ._tolerance import Tolerance
from ._validation import CheckPayload, Flow, ValidationMode, ValidationRule, check_of, expect_rules, mode_of, rules_in
from ._validator import Kind, Validator

__all__ = ["IdFactory", "InboundLimit", "SessionConfig"]

IdFactory: TypeAlias = Callable[[], str]
"""Function that returns message IDs: at most 36 characters, unique over all connections and restarts of a sender."""
InboundLimit: TypeAlias = Literal["delay", "reject", "disconnect"]
"""What happens to a CALL or SEND beyond a rate, see `SessionConfig.inbound_limit`."""

_FLOWS: Final[Mapping[str, Flow]] = {"received": "in", "sent": "out"}


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class SessionConfig:
    """The settings of one OCPP-J session.

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool and a `mend_text` that is not a
    function.
    """

    call_timeout: float = number(30.0, above=0)
    """Seconds to wait for a response after the write (OCPP-J §4.1.1); then the call settles with TimeoutError. `inf`:
    no limit."""
    call_ttl: float = number(inf, above=0)
    """Seconds from the command to the write; then the call settles with TimeoutError and is never sent."""
    call_concurrency: int = number(1, least=1, unit="CALLs")
    """Outstanding CALLs at a time; OCPP-J §4.1.1 requires 1. Further CALLs are queued."""
    max_queued: int = number(1000, least=0, unit="calls")
    """Calls in the queue; beyond, a new call settles with CallDroppedError."""
    max_queued_bytes: float = number(8 << 20, least=0, unit="bytes")
    """Bytes of the payloads of queued calls, and of those in a client's offline queue; beyond, a call settles with
    CallDroppedError. The default is enough for 1,000 calls of 8 KiB, or for a SendLocalList in eight messages of a MiB,
    to one slow peer. SENDs and raw texts may take as many bytes again while the output does not drain; beyond, a SEND
    settles with CallDroppedError and a raw text is reported as not sent."""
    max_outgoing_size: float = number(1 << 20, least=16384, unit="bytes")
    """Bytes of one sent message, before compression. The default is what this library accepts, and more than most
    stations do. Beyond, the command of a CALL, SEND or raw text raises ValueError, and a response becomes an
    InternalError. Responses to a peer that does not read take at most this times `max_inbound`: until the output
    drains, no more is read."""
    max_elements: float = number(1 << 17, least=1, unit="elements")
    """Members, items and empty brackets of one received message, in all its objects and arrays together; beyond, it is
    a bad message and not parsed, because each may take 70 bytes and a quarter of a microsecond. The largest legitimate
    messages have one in nine bytes or more: a SendLocalList that deletes `{"idTag":"04A1B2C3"}`, a MeterValues of
    `{"value":"1234.5"}`. Raise it along with `LinkConfig.max_message_size`."""
    max_inbound: int = number(132, least=1, unit="requests")
    """Inbound requests in progress, not counting declined ones. Further requests are held."""
    max_inbound_bytes: float = number(1 << 21, least=1, unit="bytes")
    """Bytes of the texts of requests in progress; from there on, further requests are held. A character counts as one
    byte, as most texts take in memory. One request may always be in progress."""
    max_held: float = number(1000, least=1, unit="requests")
    """Held requests; then reading stops until half of them are dispatched. `inf`: no limit."""
    max_held_bytes: float = number(131072, least=1, unit="bytes")
    """Bytes of the texts of held requests; then reading stops until half are dispatched. One text may exceed it."""
    inbound_rate: float = number(inf, least=0.001, unit="CALLs a second")
    """CALLs and SENDs of a peer a second, on average, that reach the application; `inbound_limit` decides about more.
    Responses do not count. Further copies of a CALL count, but get their response at once."""
    inbound_burst: int = number(20, least=1, unit="CALLs")
    """CALLs and SENDs that may arrive together after a pause, regardless of `inbound_rate`."""
    action_rates: Mapping[str, Rate] = field(default_factory=lambda: MappingProxyType({}))
    """The same limit for single actions, besides that for all: the rate by action, or the rate and the burst. A rate
    alone has the burst `inbound_burst`."""
    inbound_limit: InboundLimit = "delay"
    """What happens to a CALL or SEND beyond a rate: `delay` holds it until the rate allows it, and reading continues;
    `reject` refuses a CALL with GenericError and drops a SEND; `disconnect` closes the connection with 1008. A
    bucket that connections share never ends one of them: `disconnect` then rejects."""
    max_delayed: int = number(8, least=0, unit="CALLs")
    """CALLs and SENDs of a connection that `delay` holds at a time, within `max_held_bytes`; further ones are treated
    as with `reject`. A conforming peer has one CALL outstanding (OCPP-J §4.1.1)."""
    refuse_when_busy: bool = False
    """True to refuse a CALL beyond `max_inbound` with GenericError instead of holding it. A SEND is held regardless."""
    answer_window: float = number(120.0, least=0)
    """Seconds for which a CALLRESULT is stored, to answer further copies of its CALL; 0: not stored.

    It applies if the engine has an `AnswerMemory`, from the beginning of a connection on. The default is four times
    `call_timeout`: a sender without a response has reconnected and retried by then.
    """
    late_answers: bool = False
    """True if the host answers a request even after `Abandon`, once its handler is done or will not be started.

    Copies of its CALL on a later connection then wait for that response, for `answer_window` seconds at most.
    """
    max_declined: int = number(100, least=0, unit="requests")
    """Declined (NOREPLY) requests without a response; beyond, the oldest one is abandoned (`Abandon`)."""
    max_bad_messages: float = number(1000, least=1, unit="messages")
    """Bad messages of a connection within `bad_message_period`; at this number it is closed with 1002, and a client
    reconnects as after a loss. Stations in the field break rules for years, and must not go offline for it: 1,000 an
    hour are more than the meter values of two connectors, sent every ten seconds and always malformed."""
    bad_message_period: float = number(3600.0, above=0)
    """Seconds from a first bad message during which bad messages are counted; the next one after them begins a new
    period. `inf`: they count as long as the connection lasts."""
    drain_timeout: float = number(30.0, above=0)
    """Seconds a draining close waits for responses of both sides; then outstanding calls settle with ClosedError."""
    close_timeout: float = number(5.0, above=0)
    """Seconds the close handshake may take; then the transport is dropped."""
    leniency: Leniency = field(default_factory=Leniency)
    """Tolerances in reading messages, all off by default."""
    mend_text: Callable[[str], str] | None = None
    """Function that receives every text and returns the one to parse instead: for faults of peers that no tolerance
    covers. If it raises or does not return a text, the failure is reported and the text is parsed as received."""
    answer_bad_results: bool = True
    """True to report an unusable CALLRESULT to the peer with a CALLRESULTERROR, if the version has it (2.1)."""
    require_registration: bool = False
    """True to serve a station only once its BootNotification is accepted; for central systems.

    Before that, every other CALL of the station is refused with SecurityError (OCPP-J 1.6 errata 3.8; OCPP 2.x Part 2,
    B02.FR.09 and B03.FR.07), and a SEND is dropped. Calls of this side wait; see `inbound.registration` for those that
    are allowed. It applies to new connections.
    """
    refuse_before_registration: bool = False
    """True to settle a call that `require_registration` does not allow yet with RegistrationRequiredError, instead of
    queueing it."""
    tolerance: Tolerance | None = None
    """The quirks of the peer, for received messages that are malformed or that the validator refuses; each connection
    has its own object. None tolerates nothing beyond `leniency`."""
    validator: Validator | None = None
    """Strict mode: the validator of payloads in both directions; None checks nothing."""
    validation_rules: Sequence[ValidationRule] = ()
    """What the validator checks, and whether a violation refuses a payload: the first rule that matches decides, and
    without one a violation refuses it."""
    trace: bool = False
    """True to emit a `Trace` for every message."""
    meter: SessionMeter | None = None
    """Counts CALLs and the time until their responses, without a `Trace` for each; None counts nothing."""
    is_watched: bool = field(default=False, init=False)
    """True if responses are traced or counted; the session reads this one flag for each of them."""
    has_protocol_rules: bool = field(default=False, init=False, repr=False)
    """True if a validation rule is for some subprotocols only; a session reads this flag once."""
    check_received_call: CheckPayload | None = field(default=None, init=False, repr=False, compare=False)
    """Checks the payload of a received CALL; None checks nothing."""
    check_received_result: CheckPayload | None = field(default=None, init=False, repr=False, compare=False)
    """Checks the payload of a received CALLRESULT; None checks nothing."""
    check_received_send: CheckPayload | None = field(default=None, init=False, repr=False, compare=False)
    """Checks the payload of a received SEND; None checks nothing."""
    check_sent_call: CheckPayload | None = field(default=None, init=False, repr=False, compare=False)
    """Checks the payload of a sent CALL; None checks nothing."""
    check_sent_result: CheckPayload | None = field(default=None, init=False, repr=False, compare=False)
    """Checks the payload of a sent CALLRESULT; None checks nothing."""
    check_sent_send: CheckPayload | None = field(default=None, init=False, repr=False, compare=False)
    """Checks the payload of a sent SEND; None checks nothing."""

    def __post_init__(self) -> None:
        expect_declared(self)
        object.__setattr__(self, "is_watched", self.trace or self.meter is not None)
        if self.mend_text is not None and not callable(self.mend_text):
            raise TypeError(f"expected mend_text as a function, got {type(self.mend_text).__name__}")
        if self.inbound_limit not in get_args(InboundLimit):
            raise ValueError(f"expected inbound_limit as delay, reject or disconnect, got {self.inbound_limit!r}")
        expect_rates(self.action_rates)
        object.__setattr__(self, "validation_rules", expect_rules(self.validation_rules, "validation_rules"))
        limited = any(rule.protocols is not None for rule in self.validation_rules)
        object.__setattr__(self, "has_protocol_rules", limited)
        for flow, direction in _FLOWS.items():
            for kind in get_args(Kind):
                check = check_of(self.validator, self.validation_rules, direction, kind)
                object.__setattr__(self, f"check_{flow}_{kind}", check)

    def tolerating(self, tolerance: Tolerance, leniency: Leniency) -> "SessionConfig":
        """Return a copy for a connection whose peer has these quirks; nothing is checked again.

        Args:
            tolerance: The quirks, in an object of this connection alone.
            leniency: The tolerances in reading messages.
        """
        config = copy(self)
        object.__setattr__(config, "tolerance", tolerance)
        object.__setattr__(config, "leniency", leniency)
        return config

    def in_protocol(self, protocol: str) -> "SessionConfig":
        """Return the config with the validation rules of this subprotocol: this object if it has no others."""
        if not self.has_protocol_rules:
            return self
        return replace(self, validation_rules=rules_in(protocol, self.validation_rules))

    def validation_mode(self, direction: Flow, kind: Kind, action: str) -> ValidationMode:
        """Return what a violation does.

        Args:
            direction: Whether the payload is received or sent.
            kind: The type of the message.
            action: The action of the message.
        """
        return mode_of(self.validation_rules, direction, kind, action) if self.validator is not None else "off"
