"""How the page words things: quantities, states and failures. It knows no document."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from ocpp_apps.station import ArmedFault

__all__ = [
    "address_problem",
    "connect_failure",
    "duration",
    "energy",
    "fault",
    "latency",
    "power",
    "registration",
    "struck",
    "tone_of",
    "version",
]

_TONES: Final[Mapping[str, str]] = {
    "Available": "good",
    "Charging": "busy",
    "Finishing": "warn",
    "Occupied": "busy",
    "Preparing": "warn",
    "Reserved": "warn",
    "SuspendedEV": "warn",
    "SuspendedEVSE": "warn",
    "Faulted": "bad",
    "Unavailable": "idle",
}


def tone_of(status: str) -> str:
    """Return the tone in which a connector's status is shown: good, busy, warn, bad or idle."""
    return _TONES.get(status, "idle")


_REGISTRATIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "": ("waiting for an answer", "Registering", "busy"),
    "Accepted": ("Accepted", "Connected", "good"),
    "Pending": ("Pending", "Pending", "warn"),
    "Rejected": ("Rejected", "Rejected", "bad"),
}


def registration(status: str) -> tuple[str, str, str]:
    """Return words, a short form and the tone for a connected station's answer to BootNotification; empty before it.

    A connection alone is no success: only a station whose BootNotification was answered with Accepted may send other
    messages (OCPP 1.6 §4.2, OCPP 2.0.1 B01 to B03).
    """
    return _REGISTRATIONS[status]


def version(protocol: str | None) -> str:
    """Name the version of a subprotocol as people do."""
    return "—" if protocol is None else protocol.replace("ocpp", "OCPP ")


def energy(watt_hours: float) -> str:
    """Write an energy in kWh, to the watt hour."""
    return f"{watt_hours / 1000:.3f}"


def power(watts: float) -> str:
    """Write a power, in kW from 1 kW on."""
    return f"{watts / 1000:.1f} kW" if watts >= 1000 else f"{watts:.0f} W"


def duration(seconds: float) -> str:
    """Write a duration as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def latency(seconds: float | None) -> str:
    """Write a latency in milliseconds, in seconds from ten on; nothing where it is unknown."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


_KINDS: Final[Mapping[str, str]] = {
    "drop": "Drop",
    "delay": "Delay by {seconds:g} s",
    "malformed": "Send broken JSON for",
    "wrong_type": "Give a wrong type to",
}
_STRUCK: Final[Mapping[str, str]] = {
    "drop": "it was dropped",
    "delay": "it was sent {seconds:g} s late",
    "malformed": "broken JSON was sent in its place",
    "wrong_type": "a member was given a wrong type",
}
_TARGETS: Final[Mapping[str, str]] = {"any": "call or answer", "call": "call", "answer": "answer"}


def fault(armed: ArmedFault) -> str:
    """Say what a fault that is armed will do."""
    kind = _KINDS[armed.kind].format(seconds=armed.seconds)
    what = f"{armed.action} {_TARGETS[armed.target]}" if armed.action else _TARGETS[armed.target]
    return f"{kind} the next {what}" + (f", {armed.times} times" if armed.times > 1 else "")


def struck(met: ArmedFault) -> str:
    """Say what a fault did to a message."""
    return _STRUCK[met.kind].format(seconds=met.seconds)


def address_problem(url: str) -> str | None:
    """Say why a browser could not even begin to connect to this address; None if it could."""
    if not url:
        return "Give the address of the central system, for example ws://localhost:9000/ocpp."
    try:
        parts = urlsplit(url)
        has_host, _ = bool(parts.hostname), parts.port
    except ValueError as error:
        return f"This is no address: {error}."
    if parts.scheme not in ("ws", "wss"):
        return "The address of a central system begins with ws:// or wss://."
    if not has_host:
        return "The address names no host."
    if parts.fragment:
        return "The address of a WebSocket has no part after “#”."
    if parts.username is not None or parts.password is not None:
        return "Give identity and password in their own fields, not in the address."
    return None


def connect_failure(
    url: str,
    protocols: Sequence[str],
    *,
    has_password: bool,
    is_secure_page: bool,
    is_barred: bool,
    silence: float | None = None,
) -> str:
    """Explain that no connection came about, as far as a browser lets a page know.

    `silence` is the number of seconds after which the page gave up on a server that neither accepted nor refused.
    """
    if is_barred:
        return (
            f"This page may not connect to {_origin(url)}: its Content-Security-Policy forbids it. "
            "Whoever serves the page has to name that origin in connect-src."
        )
    if is_secure_page and url.startswith("ws:"):
        return "A page on https may only connect to wss:// addresses; this one is ws://."
    if silence is not None:
        return (
            f"{_origin(url)} did not answer within {silence:g} seconds. Where no server listens, a connection is "
            "mostly refused at once; so this server may hang or speak another protocol, or a firewall drops the data."
        )
    causes = [
        "nothing listens there, or the address is wrong",
        "the password or the identity is not accepted" if has_password else "a password is wanted",
        f"the server speaks none of {', '.join(protocol.removeprefix('ocpp') for protocol in protocols)}",
    ]
    return (
        f"No connection to {_origin(url)}. A browser does not tell a page why; it may be that {'; or '.join(causes)}."
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
