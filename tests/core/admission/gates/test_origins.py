"""The gate for web pages: a browser sends their origin (RFC 6454 §7), a station sends none."""

import pytest

from ocpp_core.admission.gates.origins import OriginGate
from tests.core.admission.station import arrive, judge

LISTED = ("https://app.example", "https://*.fleet.example", "http://*.lab.example:8080", "http://[2001:db8::7]", "null")


class TestTheGate:
    @pytest.mark.parametrize(
        ("origin", "is_admitted"),
        [
            (None, True),
            ("https://app.example", True),
            ("HTTPS://APP.example", True),
            ("http://app.example", False),
            ("https://app.example:8443", False),
            ("https://evil.example/https://app.example", False),
            ("https://a.fleet.example", True),
            ("https://a.b.fleet.example", True),
            ("https://fleet.example", False),
            ("https://.fleet.example", False),
            ("https://evilfleet.example", False),
            ("https://evil.example/.fleet.example", False),
            ("https://evil.example:80.fleet.example", False),
            ("https://evil@a.fleet.example", False),
            ("http://a.lab.example:8080", True),
            ("http://a.lab.example", False),
            ("http://[2001:db8::7]", True),
            ("null", True),
            ("", False),
            ("https://app.example, https://app.example", False),
        ],
    )
    def test_admits_listed_origins_and_requests_without_one(self, origin, is_admitted):
        candidate = arrive(headers=() if origin is None else [("origin", origin)])
        refusal = judge(candidate, gates=(OriginGate.of(LISTED),))
        assert (refusal is None) is is_admitted
        if refusal is not None:
            assert (refusal.status, candidate.cause.kind) == (403, "denied_origin")

    @pytest.mark.parametrize(
        ("listed", "origin"),
        [
            ("https://app.example:443", "https://app.example"),
            ("http://app.example:80", "http://app.example"),
            ("https://*.fleet.example:443", "https://a.fleet.example"),
        ],
    )
    def test_ignores_a_default_port_in_the_list_as_browsers_leave_it_out(self, listed, origin):
        assert judge(arrive(headers=[("origin", origin)]), gates=(OriginGate.of([listed]),)) is None

    def test_admits_no_page_if_none_is_listed(self):
        assert judge(arrive(headers=[("origin", "null")]), gates=(OriginGate.of(()),)).status == 403
        assert judge(arrive(), gates=(OriginGate.of(()),)) is None

    def test_quotes_the_origin_bounded_for_the_operator(self):
        candidate = arrive(headers=[("origin", "x" * 8000)])
        assert judge(candidate, gates=(OriginGate.of(LISTED),)).body == "Forbidden"
        assert len(candidate.cause.detail) < 300

    def test_quotes_no_credentials(self):
        candidate = arrive(headers=[("origin", "https://user:secret@evil.example")])
        assert judge(candidate, gates=(OriginGate.of(LISTED),)).status == 403
        assert candidate.cause.detail == "origin 'evil.example'"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("https://app.example", TypeError),
        ([5], TypeError),
        (["app.example"], ValueError),
        (["https://app.example/"], ValueError),
        (["https://*"], ValueError),
        (["https://a.*.example"], ValueError),
        (["*"], ValueError),
        (["https://user@app.example"], ValueError),
    ],
)
def test_refuses_what_is_not_an_origin(given, error):
    with pytest.raises(error, match="expected allowed_origins"):
        OriginGate.of(given)
