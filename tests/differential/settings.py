"""The settings of an engine, drawn from those that change what it does."""

from collections.abc import Callable
from functools import cache, partial
from math import inf, nan
from typing import Any, Final, get_args

from ocpp_core.backoff import ExponentialBackoff, OCPPBackoff
from ocpp_core.config import ClientConfig, Compression, LinkConfig, SessionConfig, ValidationMode, ValidationRule
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.inbound.queued import queued
from ocpp_core.limits import Bucket, SharedBuckets
from ocpp_core.messages import Leniency
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.validation import load_validator
from tests.fuzz.payloads import PROTOCOLS
from tests.fuzz.targets.tolerating import tolerant

from .drawing import Draws
from .transcript import Transcript

__all__ = [
    "bucket",
    "client_config",
    "directions",
    "link_config",
    "memory",
    "outbox_config",
    "protocol",
    "session_config",
    "validator",
]

_LENIENT: Final = Leniency(
    null_payload=True,
    numeric_ids=True,
    long_ids=True,
    trailing_elements=True,
    binary_messages=True,
    control_characters=True,
)


def _mend(text: str) -> str:
    return text.replace("'", '"')


def _mend_badly(text: str) -> Any:
    return None if "Heartbeat" in text else text + 1  # type: ignore[operator]  # it raises


_SESSION: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("leniency", (_LENIENT, Leniency(numeric_ids=True), Leniency(null_payload=True, trailing_elements=True))),
    ("max_bad_messages", (inf, 1, 3)),
    ("bad_message_period", (10.0, inf)),
    ("call_concurrency", (2, 3, 10)),
    ("call_timeout", (5, 30.0, inf)),
    ("call_ttl", (3, 20.0)),
    ("max_queued", (0, 1, 3)),
    ("max_queued_bytes", (0, 60, 2000)),
    ("max_outgoing_size", (16384,)),
    ("max_elements", (1, 4, 20)),
    ("max_inbound", (1, 2)),
    ("max_inbound_bytes", (1, 100)),
    ("max_held", (1, 3)),
    ("max_held_bytes", (60, 500)),
    ("refuse_when_busy", (True,)),
    ("inbound_rate", (0.5, 2, 0.05)),
    ("inbound_burst", (1, 3)),
    ("action_rates", ({"Heartbeat": 0.5}, {"Heartbeat": (1, 2), "MeterValues": 0.1})),
    ("inbound_limit", ("delay", "reject", "disconnect")),
    ("max_delayed", (0, 2)),
    ("answer_window", (0, 10.0)),
    *(("late_answers", (True,)),) * 4,
    ("max_declined", (0, 1)),
    ("drain_timeout", (2, 5.0)),
    ("close_timeout", (1, 2.5)),
    ("mend_text", (_mend, _mend_badly)),
    ("answer_bad_results", (False,)),
    ("trace", (True,)),
)
_OF_SERVERS: Final = (("require_registration", (True,)), ("refuse_before_registration", (True,)))
_LINK: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("max_message_size", (100, 3000.0)),
    ("max_fragments", (1, 5)),
    ("message_timeout", (1, 20.0)),
    ("min_message_rate", (1, 1e6)),
    ("max_unfinished_size", (1,)),
    ("max_header_size", (256, 1000)),
    ("max_early_data", (0, 50)),
    ("handshake_timeout", (1, 5.0, inf)),
    ("close_timeout", (1, 2.5)),
    ("ping_interval", (5, 20.0, inf)),
    ("pong_timeout", (2, 10.0, inf)),
    ("defer_pings_on_activity", (True,)),
    ("require_connection_header", (False,)),
)
_CLIENT: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("reconnect", (False,)),
    ("max_reconnects", (0, 1, 3)),
    ("backoff", (OCPPBackoff(wait_minimum=2, random_range=1), ExponentialBackoff(minimum=0.5, maximum=4))),
    ("max_retry_after", (0, 5.0)),
    ("connect_timeout", (5, 10.0, inf)),
    ("retry_initial_connect", (True,)),
    ("offline_queue", (True, True, True)),
    ("offline_queue_size", (1, 3)),
)
_OUTBOX: Final[tuple[tuple[str, tuple[Any, ...]], ...]] = (
    ("max_bytes", (60, 300)),
    ("attempts", (0, 1)),
    ("interval", (0, 5.0)),
    ("ttl", (5, 40.0)),
    ("resend", (False,)),
    ("retry_id", ("new", "same")),
    ("free_cuts", (0, 1)),
    ("ordered", (frozenset({"DataTransfer"}),)),
    ("overtake", (1, 2)),
    ("resume_after", (1, 3.0)),
    ("outcomes_kept", (1, 2)),
    ("outcome_bytes", (1, 40)),
    ("gate", ("open", "open", "manual")),
)
_WRONG: Final[tuple[Any, ...]] = (None, True, "5", -1, 0, nan, 1.5, [], {}, b"x")
_COMPRESSIONS: Final = (
    Compression(threshold=20),
    Compression(threshold=0, context_takeover=True),
    Compression(level=1, window_bits=9, threshold=100),
)


def _some(draws: Draws, options: tuple[tuple[str, tuple[Any, ...]], ...], most: int) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for _ in range(draws.number(most)):
        name, values = draws.pick(options)
        chosen[name] = draws.pick(values)
    return chosen


def _try_wrong(draws: Draws, transcript: Transcript, kind: Any, options: Any) -> None:
    """Make a config with a wrong value, sometimes; engines never see it."""
    if draws.one_in(12):
        name, wrong = draws.pick(options)[0], draws.pick(_WRONG)
        more = {"protocols": ("ocpp1.6",)} if kind is ClientConfig else {}
        try:
            transcript.did(f"{kind.__name__}.{name}", getattr(kind(**more, **{name: wrong}), name))
        except (TypeError, ValueError, AttributeError) as error:
            transcript.failed(f"{kind.__name__}({name}={wrong!r})", error)


@cache
def validator(name: str) -> Any:
    """Return the validator of a subprotocol."""
    return load_validator(name)


class _Meter:
    """Counts CALLs in the transcript."""

    def __init__(self, transcript: Transcript, direction: str) -> None:
        self._note = transcript.note
        self._direction = direction

    def result(self, action: str, seconds: float) -> None:
        self._note(f"  meter {self._direction} result {action!r} {seconds!r}")

    def error(self, action: str, seconds: float) -> None:
        self._note(f"  meter {self._direction} error {action!r} {seconds!r}")

    def send(self, action: str) -> None:
        self._note(f"  meter {self._direction} send {action!r}")

    def unanswered(self, action: str, error: Exception) -> None:
        self._note(f"  meter {self._direction} unanswered {action!r} {type(error).__name__}")


class _Meters:
    def __init__(self, transcript: Transcript) -> None:
        self.inbound = _Meter(transcript, "in")
        self.outbound = _Meter(transcript, "out")


def protocol(draws: Draws) -> str:
    """Return one of the three subprotocols."""
    return draws.pick(PROTOCOLS)


def _rules(draws: Draws) -> tuple[ValidationRule, ...]:
    if draws.one_in(2):
        return ()
    mode: ValidationMode = draws.pick(get_args(ValidationMode))
    if draws.flag():
        return (ValidationRule(mode),)
    rule = ValidationRule(
        mode,
        actions=draws.pick((None, ["Heartbeat", "BootNotification"])),
        protocols=draws.pick((None, ["ocpp1.6", "ocpp2.1"])),
        direction=draws.pick((None, "in", "out")),
        kind=draws.pick((None, "call", "result")),
    )
    return (rule, ValidationRule(draws.pick(get_args(ValidationMode))))


def session_config(draws: Draws, transcript: Transcript, name: str | None, *, of_server: bool) -> SessionConfig:
    """Return the config of a session.

    Args:
        draws: The seed of the history.
        transcript: Where meters count, and refused settings are written.
        name: The subprotocol of its validator; None without one.
        of_server: True for settings that only a server may have, too.
    """
    _try_wrong(draws, transcript, SessionConfig, _SESSION)
    options = _some(draws, _SESSION, 5)
    if of_server and draws.one_in(4):
        options |= _some(draws, _OF_SERVERS, 3)
    if draws.one_in(5):
        options["meter"] = _Meters(transcript)
    if name is not None and draws.number(2):
        options |= {"validator": validator(name), "validation_rules": _rules(draws)}
    config = SessionConfig(**options)
    return tolerant(draws).configured(config) if draws.one_in(6) else config


def link_config(draws: Draws, transcript: Transcript) -> LinkConfig:
    """Return the config of a WebSocket."""
    _try_wrong(draws, transcript, LinkConfig, _LINK)
    options = _some(draws, _LINK, 3)
    if draws.one_in(4):
        options["compression"] = draws.pick(_COMPRESSIONS)
    return LinkConfig(**options)


def client_config(draws: Draws, transcript: Transcript) -> ClientConfig:
    """Return the config of a client."""
    _try_wrong(draws, transcript, ClientConfig, _CLIENT)
    names = draws.pick((("ocpp1.6",), ("ocpp2.0.1",), ("ocpp2.1",), ("ocpp2.1", "ocpp1.6"), ("ocpp2.0.1", "ocpp1.6")))
    validators = {name: validator(name) for name in names} if draws.one_in(3) else {}
    session = session_config(draws, transcript, names[0], of_server=False)
    return ClientConfig(protocols=names, session=session, validators=validators, **_some(draws, _CLIENT, 4))


def outbox_config(draws: Draws, transcript: Transcript) -> OutboxConfig:
    """Return the config of an outbox."""
    _try_wrong(draws, transcript, OutboxConfig, _OUTBOX)
    return OutboxConfig(**_some(draws, _OUTBOX, 4))


def memory(draws: Draws) -> AnswerMemory | None:
    """Return what stores answers."""
    way = draws.number(3)
    return None if way == 0 else AnswerMemory(max_size=4096, max_each=2048) if way == 1 else AnswerMemory()


def bucket(draws: Draws) -> Bucket | None:
    """Return the token bucket of an address."""
    return SharedBuckets(draws.pick((0.5, 2)), draws.pick((1, 3))).of("192.0.2.7") if draws.one_in(5) else None


def directions(draws: Draws, ids: Callable[[], str]) -> MakeDirections | None:
    """Return what makes the directions of a server whose stations have outboxes, here without messages."""
    if draws.number(4):
        return None
    outbox = Outbox(OutboxConfig(gate="manual"), 1, ids=ids, emit=lambda _: None, changed=lambda: None)
    return partial(queued, outbox=outbox)
