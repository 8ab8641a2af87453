"""Security events as records of a logger of their own: what they hold, and that a flood of them stays small."""

import logging
import re
from pathlib import Path
from typing import get_args

import pytest

from ocpp_transports import OCPPServer
from ocpp_transports._logging._log import Log, child_logger, logger_of
from ocpp_transports._logging._repeats import WINDOW, WRITTEN
from ocpp_transports._server._security._records import _USUAL, SecurityRecords
from ocpp_transports.events import SecurityEvent, SecurityEventKind
from tests.kinds import mistyped

EVENT = SecurityEvent("bad_credentials", "CP1", "192.0.2.7", "wrong password", 401, "Unauthorized")


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record):
        self.records.append(record)


class Written:
    """The records that an object writes, on a clock that the test moves."""

    def __init__(self):
        self.logger = logging.Logger("test.security")  # noqa: LOG001 - outside the tree
        self.logger.addHandler(kept := Kept())
        self.records = kept.records
        self.now = 100.0
        self.target = SecurityRecords(self.logger, Log(self.logger, "server", now=lambda: self.now))

    def write(self, *events):
        for event in events:
            self.target.write(event)
        return self

    @property
    def texts(self):
        return [record.getMessage() for record in self.records]


@pytest.fixture
def written():
    return Written()


def event(kind, address="192.0.2.7", identity=None):
    return SecurityEvent(kind, identity, address, "")


class TestARecord:
    def test_tells_who_what_and_why_and_has_fields(self, written):
        written.write(EVENT)
        assert written.texts == [
            "server: bad_credentials: 'CP1' from 192.0.2.7: 401 Unauthorized: wrong password",
        ]
        (record,) = written.records
        assert record.levelname == "WARNING"
        names = ("kind", "identity", "remote_address", "status", "action", "latency")
        assert [getattr(record, name) for name in names] == [*get_fields(EVENT), None, None]

    @pytest.mark.parametrize("kind", ["replaced", "bad_subprotocol", "refused_by_application"])
    def test_of_what_happens_without_an_attack_is_no_warning(self, written, kind):
        assert written.write(event(kind)).records[0].levelname == "INFO"

    def test_forges_no_line_and_is_bounded(self, written):
        written.write(SecurityEvent("denied_origin", "a\nb" * 5000, "junk\r\n", "x" * 9000))
        (record,) = written.records
        for text in (record.getMessage(), record.identity, record.remote_address):
            assert "\n" not in text
            assert len(text) < 1500

    def test_names_address_and_response_however_long_the_identity_is(self, written):
        written.write(SecurityEvent("bad_identity", "A" * 8000, "192.0.2.7", "", 400, "Invalid identity"))
        assert written.texts[0].endswith("' from 192.0.2.7: 400 Invalid identity")


class TestAFlood:
    def test_of_one_address_is_counted_and_hides_no_other_address_or_kind(self, written):
        written.write(*[EVENT] * 1000)
        written.write(event("bad_credentials", "192.0.2.8"), event("denied_origin"))
        assert len(written.records) == WRITTEN + 2
        written.now += WINDOW
        written.write(EVENT)
        assert written.texts[-1].endswith("(and 995 more before)")

    def test_of_many_addresses_hides_no_other_kind_and_stays_small(self, written):
        for number in range(5000):
            written.write(event("handshake_rate", f"10.0.{number // 256}.{number % 256}"))
        written.write(event("certificate_mismatch"))
        assert written.texts[-1].startswith("server: certificate_mismatch")
        assert len(written.records) < 100
        written.target.flush()
        assert written.texts[-1] == "server: handshake_rate: from other addresses: … and 4,945 more"

    def test_that_is_over_hides_no_later_incident_of_any_address(self, written):
        for number in range(200):
            written.write(*[event("bad_credentials", f"10.0.0.{number}")] * (WRITTEN + 1))
        written.now += WINDOW
        before = len(written.records)
        written.write(*[event("bad_credentials", f"192.0.2.{number}") for number in range(20)])
        assert [record.remote_address for record in written.records[before:]] == [f"192.0.2.{n}" for n in range(20)]
        written.target.flush()
        omitted = 200 * (WRITTEN + 1) - before
        assert written.texts[-1] == f"server: bad_credentials: from other addresses: … and {omitted:,} more"

    def test_of_many_addresses_of_one_network_of_ipv6_is_of_one(self, written):
        written.write(*[event("handshake_rate", f"2001:db8::{number:x}") for number in range(100)])
        assert len(written.records) == WRITTEN


class TestTheLogger:
    def test_is_below_that_of_the_server_unless_it_is_replaced(self):
        own = logging.getLogger("test.own")
        loggers = [
            OCPPServer(**options)._options.security_logger
            for options in ({}, {"logging": own}, {"logging": False}, {"security_logging": own})
        ]
        assert [each.name for each in loggers] == [
            "ocpp_ws_io.security", "test.own.security", "ocpp_ws_io.off", "test.own",
        ]  # fmt: skip
        assert OCPPServer(security_logging=False)._options.security_logger is logger_of(False)
        for outside in (logger_of(False), logging.Logger("outside")):  # noqa: LOG001 - outside the tree
            assert child_logger(outside, "security") is outside

    def test_must_be_one(self):
        with pytest.raises(TypeError, match=r"expected security_logging as bool or logging\.Logger, got str"):
            OCPPServer(security_logging=mistyped("security"))

    def test_may_be_replaced_later(self):
        server, own = OCPPServer(), logging.Logger("own")  # noqa: LOG001 - outside the tree
        own.addHandler(kept := Kept())
        server.reconfigure(security_logging=own)
        server._alarmed(EVENT)
        assert len(kept.records) == 1


def get_fields(of):
    return [of.kind, of.identity, of.remote_address, of.status]


def test_the_guide_lists_every_kind_with_its_level():
    text = (Path(__file__).parents[4] / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?) \| .+ \| (WARNING|INFO) \|$", text, re.MULTILINE)
    listed = {kind: level for kinds, level in rows for kind in re.findall(r"`(\w+)`", kinds)}
    assert listed == {kind: "INFO" if kind in _USUAL else "WARNING" for kind in get_args(SecurityEventKind)}
