"""Texts for quantities, states and failures; independent of the document."""

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
    "": ("waiting for a response", "Registering", "busy"),
    "Accepted": ("Accepted", "Connected", "good"),
    "Pending": ("Pending", "Pending", "warn"),
    "Rejected": ("Rejected", "Rejected", "bad"),
}


def registration(status: str) -> tuple[str, str, str]:
    """Return the text, short form and tone for a BootNotification status, which is "" before the response.

    An open connection is not enough: only a station whose BootNotification was answered with Accepted may send other
    messages (OCPP 1.6 §4.2, OCPP 2.0.1 B01 to B03).
    """
    return _REGISTRATIONS[status]


def version(protocol: str | None) -> str:
    """Return the version of a subprotocol, like OCPP 1.6."""
    return "—" if protocol is None else protocol.replace("ocpp", "OCPP ")


def energy(watt_hours: float) -> str:
    """Return an energy in kWh, with three decimals."""
    return f"{watt_hours / 1000:.3f}"


def power(watts: float) -> str:
    """Return a power in W, or in kW from 1 kW on."""
    return f"{watts / 1000:.1f} kW" if watts >= 1000 else f"{watts:.0f} W"


def duration(seconds: float) -> str:
    """Return a duration as minutes and seconds, with hours from one hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def latency(seconds: float | None) -> str:
    """Return a latency in ms, in s from 10 s on, or "" for None."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


_KINDS: Final[Mapping[str, str]] = {
    "drop": "Drop",
    "delay": "Delay by {seconds:g} s",
    "malformed": "Send malformed JSON for",
    "wrong_type": "Send a wrong type in",
}
_STRUCK: Final[Mapping[str, str]] = {
    "drop": "it was dropped",
    "delay": "it was sent {seconds:g} s late",
    "malformed": "malformed JSON was sent instead",
    "wrong_type": "a member got a wrong type",
}
_TARGETS: Final[Mapping[str, str]] = {"any": "call or response", "call": "call", "answer": "response"}


def fault(armed: ArmedFault) -> str:
    """Return what an armed fault will do."""
    kind = _KINDS[armed.kind].format(seconds=armed.seconds)
    what = f"{armed.action} {_TARGETS[armed.target]}" if armed.action else _TARGETS[armed.target]
    return f"{kind} the next {what}" + (f", {armed.times} times" if armed.times > 1 else "")


def struck(met: ArmedFault) -> str:
    """Return what a fault did to a message."""
    return _STRUCK[met.kind].format(seconds=met.seconds)


def address_problem(url: str) -> str | None:
    """Return why a browser cannot connect to this address, or None if it can try."""
    if not url:
        return "Enter the address of the central system, for example ws://localhost:9000/ocpp."
    try:
        parts = urlsplit(url)
        has_host, _ = bool(parts.hostname), parts.port
    except ValueError as error:
        return f"This is not an address: {error}."
    if parts.scheme not in ("ws", "wss"):
        return "The address of a central system begins with ws:// or wss://."
    if not has_host:
        return "The address has no host."
    if parts.fragment:
        return "The address of a WebSocket cannot have a part after “#”."
    if parts.username is not None or parts.password is not None:
        return "Enter identity and password in their own fields, not in the address."
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
    """Return the likely reasons of a failed connection, as far as a browser shows them to a page.

    `silence` is the seconds that the page waited for a server that neither accepted nor rejected.
    """
    if is_barred:
        return (
            f"This page may not connect to {_origin(url)}: its Content-Security-Policy forbids it. "
            "The web server of the page must list that origin in connect-src."
        )
    if is_secure_page and url.startswith("ws:"):
        return "A page on https can only connect to wss:// addresses, and this one is ws://."
    if silence is not None:
        return (
            f"{_origin(url)} did not respond within {silence:g} seconds. If no server listens, a connection is "
            "mostly refused immediately. So the server may hang or use another protocol, or a firewall drops the data."
        )
    causes = [
        "no server listens there, or the address is wrong",
        "the server rejects the password or the identity" if has_password else "the server requires a password",
        f"the server does not support {', '.join(protocol.removeprefix('ocpp') for protocol in protocols)}",
    ]
    return (
        f"No connection to {_origin(url)}. A browser does not show a page the reason. Possibly: {'; or '.join(causes)}."
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
