"""The TLS of a server's listeners over time: watches files, replaces contexts, warns before certificates expire."""

import time
from collections.abc import Callable, Iterable, Sequence
from math import inf, isfinite
from ssl import SSLContext
from typing import Final

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._options._connection import off_at_zero
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._options._tls import TLSOptions
from ocpp_transports._tls._contexts import verify_mode_of
from ocpp_transports._tls._loaded import LiveTLS, LoadedTLS
from ocpp_transports.certificates import LoadedCertificate
from ocpp_transports.events import CertificateExpiringEvent

__all__ = ["Renewal", "expect_certificates", "expect_files", "load"]

_DAY: Final = 86400.0
_LOOK: Final = 3600.0
"""Seconds between two looks at the times of expiry; each certificate is reported once a day."""


class _Repeating:
    """Calls a function again and again, until it is cancelled."""

    def __init__(self, runtime: Runtime, interval: float, fn: Callable[[], None]) -> None:
        self._runtime = runtime
        self._interval = interval
        self._fn = fn
        self._set()

    def cancel(self) -> None:
        self._timer.cancel()

    def _set(self) -> None:
        self._timer = self._runtime.call_at(self._runtime.now() + self._interval, self._ring)

    def _ring(self) -> None:
        self._set()  # first: a failure must not be the end
        self._fn()


class Renewal:
    """The TLS of a server's listeners after `listen`: `start` begins to watch it, `stop` ends that.

    `live` returns what is in use, `failed` is called for files that cannot be used, `renewed` for files that were
    loaded again, `expiring` for certificates near their end.
    """

    def __init__(
        self,
        live: Callable[[], Sequence[LiveTLS]],
        failed: Callable[[Exception], None],
        renewed: Callable[[], None],
        expiring: Callable[[CertificateExpiringEvent], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._live = live
        self._failed = failed
        self._renewed = renewed
        self._expiring = expiring
        self._clock = clock
        self._options: ServerOptions
        self._interval = inf
        self._timers: list[_Repeating] = []
        self._reported: dict[LoadedCertificate, float] = {}

    @property
    def certificates(self) -> tuple[LoadedCertificate, ...]:
        """The certificates in use, each once."""
        return tuple(dict.fromkeys(each for live in self._live() for each in live.loaded.certificates))

    def start(self, runtime: Runtime, options: ServerOptions) -> None:
        """Watch with these options from now on; without TLS there is nothing to watch."""
        self._options = options
        if self._live() and not (self._timers and self._interval == _interval(options)):
            self.stop()
            self._interval = _interval(options)
            self._timers.append(_Repeating(runtime, _LOOK, self._warn))
            if isfinite(self._interval):
                self._timers.append(_Repeating(runtime, self._interval, self._look))
        self._warn()

    def stop(self) -> None:
        """Stop watching; idempotent."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def replace(self, live: Sequence[LiveTLS], tls: TLSOptions | SSLContext | None, options: ServerOptions) -> None:
        """Replace the TLS of these listeners, or load their own files again if `tls` is None.

        Everything is loaded before anything is replaced. Raises the errors of `load`, and ValueError for a context in
        use.
        """
        for each in live:
            _expect_new(tls, each.loaded.tls)
        shared = {} if tls is None else {each: load(tls, options, each) for each in {each.profiles for each in live}}
        loaded = [shared.get(each.profiles) or load(each.loaded.tls, options, each.profiles) for each in live]
        for each, new in zip(live, loaded, strict=True):
            each.replace(new)
        self._renewed()

    def _look(self) -> None:
        """Follow the files of each listener; listeners of the same files report a failure once."""
        failures: dict[str, Exception] = {}
        changed = [live.follow(lambda error: failures.setdefault(str(error), error)) for live in self._live()]
        for error in failures.values():
            self._failed(error)
        if any(changed):
            self._renewed()
            self._warn()

    def _warn(self) -> None:
        """Report each certificate that is near its end, once a day."""
        now = self._clock()
        left = {each: (each.not_after.timestamp() - now) / _DAY for each in self.certificates}
        near = {each: days for each, days in left.items() if days < self._options.certificate_warning_days}
        self._reported = {each: at for each, at in self._reported.items() if each in near and 0 <= now - at < _DAY}
        for each, days in near.items():
            if each not in self._reported:
                self._reported[each] = now
                self._expiring(CertificateExpiringEvent(each, days))


def load(tls: TLSOptions | SSLContext, options: ServerOptions, profiles: Iterable[SecurityProfile]) -> LoadedTLS:
    """Load the TLS of a listener for stations of these security profiles.

    Raises the errors of `server_context`, and ValueError if files are to be watched and there are none.
    """
    loaded = LoadedTLS.load(tls, *profiles)
    expect_files(loaded, options)
    return loaded


def expect_files(loaded: LoadedTLS, options: ServerOptions) -> None:
    """Raise ValueError if files are to be watched and there are none."""
    if isfinite(_interval(options)) and not loaded.files:
        raise ValueError("expected TLSOptions with paths for certificate_check_interval, got no file to watch")


def expect_certificates(live: LiveTLS, profiles: tuple[SecurityProfile, ...]) -> None:
    """Raise ValueError if a listener at work demands client certificates otherwise than these profiles do."""
    if SecurityProfile.TLS_CERT in profiles and verify_mode_of(*profiles) != verify_mode_of(*live.profiles):
        raise ValueError("expected listeners that demand client certificates: close the server, then listen again")


def _interval(options: ServerOptions) -> float:
    return off_at_zero(options.certificate_check_interval)


def _expect_new(tls: TLSOptions | SSLContext | None, before: TLSOptions | SSLContext) -> None:
    """Raise ValueError for a context that cannot be loaded again, or that is in use already."""
    if isinstance(before, SSLContext) and (tls is None or tls is before):
        raise ValueError("expected TLSOptions, or an SSLContext that is not in use yet")
