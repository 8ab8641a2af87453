"""Which newcomers must leave the connection of their identity alone; `tests/stack/test_replacement.py` shows why."""

from math import inf
from typing import Any

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.pins import fingerprint_of
from ocpp_core.admission.replacement import CheckReplacement, Replace, certificates_prove, retry_after_probe
from ocpp_core.handshake import SecurityProfile
from tests.core.admission.station import BASIC, NONE, TLS_BASIC, TLS_CERT, arrive, basic, judge
from tests.tables import each

PIN = fingerprint_of(b"one")
CERTIFICATE = {"subject": ((("commonName", "CP1"),),)}
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def refusal_of(
    replace: Replace = "never_live",
    *,
    holder: str | None = HOME,
    origin: str = ELSEWHERE,
    certificate: Any = None,
    offered: tuple[str, ...] = ("ocpp1.6",),
    held_with: SecurityProfile = NONE,
    **rules: Any,
) -> Any:
    """Return the refusal of a newcomer while `holder` is where the live connection comes from, and its candidate."""
    check = CheckReplacement(
        replace,
        certificates_prove(rules.get("identify", "exact"), rules.get("certificate_pins")),
        connection_of=lambda handshake: holder or "closing",
        live_origin_of=lambda _: holder,
        profile_of=lambda _: held_with,
        origin_of=str,
        retry_after=36,
    )
    facts = ConnectionFacts(origin, certificate, tls=True, certificate_fingerprint=certificate and PIN)
    candidate = arrive(headers=basic(), facts=facts, offered=offered)
    return judge(candidate, after=(check,), **rules), candidate


class TestANewcomer:
    @each(
        "profile, rules, is_refused",
        [
            (NONE, {}, True),
            (BASIC, {"credentials": {"CP1": "secret"}}, False),
            (TLS_BASIC, {"credentials": {"CP1": "secret"}}, False),
            (TLS_CERT, {"certificate": CERTIFICATE}, False),
            (TLS_CERT, {"certificate": CERTIFICATE, "identify": {"CP1": "CP1"}}, False),
            (TLS_CERT, {"certificate": CERTIFICATE, "identify": "any"}, True),
            (TLS_CERT, {"certificate": CERTIFICATE, "identify": "any", "certificate_pins": {"CP1": PIN}}, False),
            (TLS_CERT, {"tls_terminated": True}, True),  # the proxy does not forward the certificate
        ],
    )
    def test_is_refused_only_if_nothing_proves_its_identity(self, profile: Any, rules: Any, is_refused: bool) -> None:
        refusal, candidate = refusal_of(security_profile=profile, **rules)
        causes = [candidate.cause.kind] if candidate.cause else []
        assert (refusal is not None, causes) == (is_refused, ["replacement_refused"] * is_refused)

    @each("held_with, is_refused", [(NONE, False), (BASIC, True), (TLS_CERT, True)])
    def test_of_the_same_address_does_not_replace_a_connection_of_a_stronger_profile(
        self, held_with: SecurityProfile, is_refused: bool
    ) -> None:
        refusal, _ = refusal_of("same_address", origin=HOME, held_with=held_with)
        assert (refusal is not None) is is_refused

    def test_learns_when_to_try_again_and_nothing_of_the_other(self) -> None:
        refusal, _ = refusal_of()
        assert (refusal.status, refusal.headers) == (503, (("retry-after", "36"),))
        assert HOME not in refusal.body

    def test_replaces_a_connection_that_is_closing(self) -> None:
        assert refusal_of(holder=None)[0] is None

    def test_without_a_common_subprotocol_is_not_told_that_the_station_is_connected(self) -> None:
        refusal, candidate = refusal_of(offered=("ocpp0.1",), unmatched_protocol="upgrade-then-close")
        assert (refusal, candidate.cause) == (None, None)


class TestRetryAfter:
    @each("pong_timeout, seconds", [(35, 36), (0.1, 2), (10.5, 12), (inf, 36)])
    def test_is_when_the_ping_was_in_vain(self, pong_timeout: float, seconds: int) -> None:
        assert retry_after_probe(pong_timeout) == seconds
