"""Log records, and what must not be in them: security whitepaper A01.FR.09 and .12."""

import logging
import subprocess
import sys

import pytest

from ocpp_core.actions import Direction, InvalidPayload, Report, ReportKind, Trace
from ocpp_core.config import Violation
from ocpp_core.errors import RPCError, RPCGenericError
from ocpp_core.versions import ErrorCode
from ocpp_transports._logging._log import LOGGER, Log, logger_of
from ocpp_transports._logging._redaction import redact
from ocpp_transports._logging._repeats import WINDOW, WRITTEN
from tests.kinds import mistyped
from tests.transports.pairs import pair


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG, "ocpp_ws_io")
    return Log(LOGGER, "CP1")


class TestMessages:
    def test_are_logged_at_debug_with_direction_and_latency(self, log, caplog):
        log.traced(Trace(Direction.IN, [2, "7", "Heartbeat", {}], "Heartbeat"))
        log.traced(Trace(Direction.OUT, [3, "7", {"currentTime": "now"}], "Heartbeat", 0.0125))
        assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
            ("DEBUG", 'CP1 <- [2, "7", "Heartbeat", {}]'),
            ("DEBUG", 'CP1 -> [3, "7", {"currentTime": "now"}] (12.5 ms)'),
        ]

    def test_are_redacted(self, log, caplog):
        log.traced(Trace(Direction.IN, [2, "7", "Authorize", {"idTag": "04A1B2"}], "Authorize"))
        assert "04A1B2" not in caplog.text
        assert '{"idTag": "***"}' in caplog.text

    def test_that_hold_what_is_no_json_do_not_raise(self, log, caplog):
        log.traced(Trace(Direction.OUT, [2, "7", "X", {"when": object()}], "X"))
        assert '"when": "object"' in caplog.text

    def test_that_cannot_be_written_are_named(self, log, caplog):
        log.traced(Trace(Direction.OUT, [2, "7", "X", {(1, 2): 3}], "X"))
        assert caplog.records[0].getMessage() == "CP1 -> a message that cannot be written (TypeError)"

    def test_cannot_break_a_line(self, log, caplog):
        log.traced(Trace(Direction.IN, [2, "7\nforged", "X", {"a": "\r\n\u2028"}], "X"))
        assert len(caplog.records[0].getMessage().splitlines()) == 1

    def test_cost_nothing_unless_debug_is_on(self, caplog):
        caplog.set_level(logging.INFO, "ocpp_ws_io")
        log = Log(LOGGER, "CP1")
        assert not log.wants_messages
        log.traced(Trace(Direction.IN, [2, "7", "Heartbeat", {}]))
        assert not caplog.records


FIELDS = ("identity", "protocol", "action", "message_id", "direction", "latency")


def fields_of(record):
    return tuple(getattr(record, name) for name in FIELDS)


class TestFields:
    def test_of_messages_are_complete(self, log, caplog):
        log.protocol = "ocpp1.6"
        log.traced(Trace(Direction.OUT, [3, "7", {}], "Heartbeat", 0.0125))
        assert fields_of(caplog.records[0]) == ("CP1", "ocpp1.6", "Heartbeat", "7", "out", 0.0125)

    def test_of_other_records_have_what_is_known(self, log, caplog):
        log.reported(Report(ReportKind.INVALID_CALL, "why", message_id="8", action="Reset"))
        log.handler_failed("Reset", LookupError(), "9")
        log.call_failed("Reset", RPCGenericError("no"))
        log.warning("no handler", action="Reset")
        log.info("closed")
        assert list(map(fields_of, caplog.records)) == [
            ("CP1", None, "Reset", "8", None, None),
            ("CP1", None, "Reset", "9", "in", None),
            ("CP1", None, "Reset", None, "out", None),
            ("CP1", None, "Reset", None, None, None),
            ("CP1", None, None, None, None, None),
        ]

    def test_of_a_server_name_the_station_that_a_record_is_about(self, caplog):
        caplog.set_level(logging.INFO, "ocpp_ws_io")
        log = Log(LOGGER, "server", is_station=False)
        log.info("listening")
        log.warning("did not answer", identity="CP9")
        log.incident(logging.WARNING, "replaced", 0, "CP9", {"kind": "replaced"})
        assert [record.identity for record in caplog.records] == [None, "CP9", "CP9"]

    def test_of_a_peer_are_short_and_printable(self, caplog):
        caplog.set_level(logging.DEBUG, "ocpp_ws_io")
        log = Log(LOGGER, "CP\nforged")
        log.traced(Trace(Direction.IN, [2, "m" * 1_000, "a\nb" * 1_000, {}], "a\nb" * 1_000))
        log.traced(Trace(Direction.IN, [2, ["no", "text"]]))
        assert caplog.records[0].identity == "CP\\nforged"
        assert len(caplog.records[0].message_id) == 64
        assert caplog.records[0].action.isprintable()
        assert caplog.records[1].message_id is None

    @pytest.mark.anyio
    async def test_of_real_conversations_have_the_protocol(self, caplog):
        caplog.set_level(logging.DEBUG, "ocpp_ws_io")
        async with pair() as (client, station):
            client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
            await station.call("ClearCache")
            await client.close()
        opened = [record for record in caplog.records if "connected from" in record.getMessage()]
        assert [fields_of(record)[:2] for record in opened] == [("CP1", "ocpp1.6")]
        answers = [record for record in caplog.records if record.latency is not None]
        assert {(record.action, record.direction) for record in answers} == {
            ("ClearCache", "in"),
            ("ClearCache", "out"),
        }


class TestReports:
    @pytest.mark.parametrize(
        ("kind", "level"),
        [
            (ReportKind.BAD_MESSAGE, "WARNING"),
            (ReportKind.LATE_ANSWER, "WARNING"),
            (ReportKind.INVALID_REPLY, "ERROR"),
            (ReportKind.PING, "DEBUG"),
        ],
    )
    def test_have_a_level_by_who_is_to_blame(self, log, caplog, kind, level):
        log.reported(Report(kind, "why", "7\n", "the raw text with a secret"))
        assert caplog.records[0].levelname == level
        assert caplog.records[0].getMessage() == f"CP1: {kind.value} ['7\\n']: why"

    def test_of_tolerated_violations_are_few_an_hour_for_each_action(self, log, caplog):
        clock = [0.0]
        log.now = lambda: clock[0]

        def violate(action):
            violation = Violation(ErrorCode.FORMAT_VIOLATION, "why")
            invalid = InvalidPayload(Direction.IN, "call", action, "1", {}, violation)
            log.reported(invalid.report(ReportKind.TOLERATED, RPCGenericError("")))

        for minute in range(60):
            clock[0] = minute * 60.0
            violate("MeterValues")
            violate("Heartbeat")
        assert len(caplog.records) == 10
        clock[0] = 3600.0
        violate("Heartbeat")
        assert caplog.records[-1].getMessage() == "CP1: violation tolerated ['1']: why (and 55 more before)"
        assert (caplog.records[-1].action, caplog.records[-1].direction) == ("Heartbeat", "in")

    def test_are_redacted(self, log, caplog):
        log.reported(Report(ReportKind.RESULT_REFUSED, "GenericError: no ftp://user:secret@host"))
        assert caplog.records[0].getMessage() == "CP1: CALLRESULTERROR: GenericError: no ftp://***@host"

    def test_are_redacted_where_a_call_failed_for_what_the_peer_says(self, log, caplog):
        log.call_failed("GetLog", RPCGenericError("no ftp://user:secret@host" + "d" * 100_000))
        [record] = caplog.records
        assert record.levelname == "WARNING"
        assert record.getMessage().startswith("CP1: the call of 'GetLog' failed: GenericError: no ftp://***@host")
        assert len(record.getMessage()) < 1200

    def test_are_no_longer_than_a_record_should_be(self, log, caplog):
        log.reported(Report(ReportKind.RESULT_REFUSED, "d" * 100_000, "i" * 100_000))
        assert len(caplog.records[0].getMessage()) < 1200

    def test_cannot_break_a_line(self, log, caplog):
        log.reported(Report(ReportKind.RESULT_REFUSED, "GenericError: no\nforged"))
        assert caplog.records[0].getMessage() == "CP1: CALLRESULTERROR: GenericError: no\\nforged"

    def test_cannot_break_a_line_by_the_name_of_a_station(self, caplog):
        log = Log(LOGGER, "CP\u2028forged\x9b31m")
        log.warning("closed")
        assert caplog.records[0].getMessage() == "CP\\u2028forged\\x9b31m: closed"

    def test_cannot_break_a_line_by_an_error_code_that_came_from_elsewhere(self, log, caplog):
        log.handler_failed("Reset", RPCError("no\nforged"))
        assert caplog.records[0].getMessage() == "CP1: the handler of 'Reset' refused: no\\nforged"


class TestRepeatedReports:
    @pytest.fixture
    def clock(self, log):
        seconds = [100.0]
        log.now = lambda: seconds[0]
        return seconds

    def report(self, log, times, kind=ReportKind.BAD_MESSAGE):
        for _ in range(times):
            log.reported(Report(kind, "why"))

    def test_are_counted_and_told_with_the_next_one_after_a_while(self, log, clock, caplog):
        self.report(log, 9_214 + WRITTEN)
        clock[0] += WINDOW
        self.report(log, 2)
        lines = [record.getMessage() for record in caplog.records]
        assert lines == ["CP1: bad message: why"] * WRITTEN + [
            "CP1: bad message: why (and 9,214 more before)",
            "CP1: bad message: why",
        ]

    def test_are_told_at_the_end_of_a_connection_at_the_latest(self, log, clock, caplog):
        self.report(log, 1_000 + WRITTEN)
        log.flush()
        log.flush()
        assert caplog.records[-1].getMessage() == "CP1: bad message: … and 1,000 more"
        assert [record.levelname for record in caplog.records] == ["WARNING"] * (WRITTEN + 1)

    def test_are_counted_for_each_kind_and_each_connection(self, log, clock, caplog):
        other = Log(LOGGER, "CP2")
        for each in (log, other):
            for kind in (ReportKind.BAD_MESSAGE, ReportKind.LATE_ANSWER):
                self.report(each, WRITTEN, kind)
        assert len(caplog.records) == 4 * WRITTEN
        log.flush()
        assert len(caplog.records) == 4 * WRITTEN

    def test_of_a_connection_that_failed_are_counted_for_each_reason(self, log, clock, caplog):
        for reason in ("nonsense", "nonsense", "unknown ca"):
            for _ in range(WRITTEN):
                log.connection_failed("TLS handshake failed", "192.0.2.1", reason)
        log.flush()
        assert caplog.messages[WRITTEN] == "CP1: TLS handshake failed: from 192.0.2.1: unknown ca"
        assert caplog.messages[2 * WRITTEN :] == ["CP1: TLS handshake failed: nonsense: … and 5 more"]

    def test_that_make_a_handler_raise_are_counted_for_each_exception(self, log, clock, caplog):
        for error in (LookupError("a"), LookupError("b"), ValueError("c")):
            for _ in range(WRITTEN):
                log.handler_failed("Reset", error)
        log.flush()
        raised = [record.exc_info[0] for record in caplog.records[:-1]]
        assert raised == [LookupError] * WRITTEN + [ValueError] * WRITTEN
        assert caplog.messages[-1] == "CP1: the handler of 'Reset' raised: LookupError: … and 5 more"

    def test_that_a_handler_refuses_are_counted_for_each_code(self, log, clock, caplog):
        caplog.set_level(logging.INFO)
        for code in ("A", "A", "B"):
            for _ in range(WRITTEN):
                log.handler_failed("x" * 1_000, RPCError(code))
        assert [message[-1] for message in caplog.messages] == ["A"] * WRITTEN + ["B"] * WRITTEN
        assert max(map(len, caplog.messages)) < 200

    def test_of_a_handler_name_no_more_of_an_action_than_a_record_should_hold(self, log, caplog):
        log.handler_failed("x" * 1_000_000, LookupError())
        assert len(caplog.messages[0]) < 150

    def test_of_any_number_of_kinds_take_no_more_than_so_much(self, log, clock, caplog):
        for number in range(1_000):
            log.connection_failed("failed", None, f"reason {number}")
        assert len(caplog.records) < 100
        log.flush()
        assert caplog.messages[-1] == "CP1: other records: … and 945 more"

    def test_of_a_kind_that_was_long_ago_make_room_for_others(self, log, clock, caplog):
        for number in range(1_000):
            log.connection_failed("failed", None, f"reason {number}")
            clock[0] += WINDOW
        assert len(caplog.records) == 1_000

    def test_are_all_written_where_debug_was_asked_for(self, log, clock, caplog):
        self.report(log, 3 * WRITTEN, ReportKind.PING)
        assert len(caplog.records) == 3 * WRITTEN


class TestTheLoggingOption:
    def test_chooses_the_logger(self):
        own = logging.getLogger("mine")
        assert logger_of(True) is LOGGER
        assert logger_of(own) is own
        assert not logger_of(False).isEnabledFor(logging.CRITICAL)

    def test_writes_nothing_unless_the_application_says_where_to(self):
        script = "from ocpp_transports._logging._log import LOGGER; LOGGER.error('unwanted')"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stderr == ""

    def test_refuses_anything_else(self):
        with pytest.raises(TypeError, match=r"expected logging as bool or logging\.Logger, got str"):
            logger_of(mistyped("INFO"))


class TestRedaction:
    @pytest.mark.parametrize(
        ("payload", "expected"),
        [
            ({"idTag": "A", "connectorId": 1}, {"idTag": "***", "connectorId": 1}),
            (
                {"idToken": {"idToken": "A", "type": "Central", "additionalInfo": [{"additionalIdToken": "B"}]}},
                {"idToken": {"idToken": "***", "type": "Central", "additionalInfo": [{"additionalIdToken": "***"}]}},
            ),
            (
                {"idTagInfo": {"status": "Accepted", "parentIdTag": "P"}},
                {"idTagInfo": {"status": "Accepted", "parentIdTag": "***"}},
            ),
            ({"localAuthorizationList": [{"idTag": "A"}]}, {"localAuthorizationList": [{"idTag": "***"}]}),
            ({"key": "AuthorizationKey", "value": "00FF"}, {"key": "AuthorizationKey", "value": "***"}),
            ({"key": "HeartbeatInterval", "value": "300"}, {"key": "HeartbeatInterval", "value": "300"}),
            ({"key": ["AuthorizationKey"]}, {"key": ["AuthorizationKey"]}),
            (
                {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": "s"}]},
                {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": "***"}]},
            ),
            (
                {
                    "connectionData": {
                        "basicAuthPassword": "s",
                        "vpn": {"server": "v", "user": "u", "password": "p", "key": "k"},
                    }
                },
                {
                    "connectionData": {
                        "basicAuthPassword": "***",
                        "vpn": {"server": "v", "user": "u", "password": "***", "key": "***"},
                    }
                },
            ),
            ({"apn": {"apnPassword": "s", "simPin": 1234}}, {"apn": {"apnPassword": "***", "simPin": "***"}}),
            (
                {"certificate": "-----BEGIN", "certificateType": "V2GRootCertificate"},
                {"certificate": "***", "certificateType": "V2GRootCertificate"},
            ),
            ({"csr": "-----BEGIN", "exiRequest": "aa"}, {"csr": "***", "exiRequest": "***"}),
            ({"IDTAG": "A", "vendorSecret": ["s", None]}, {"IDTAG": "***", "vendorSecret": ["***", None]}),
        ],
    )
    def test_hides_secrets_and_nothing_else(self, payload, expected):
        assert redact(payload) == expected

    def test_leaves_the_payload_itself_alone(self):
        payload = {"idTag": "A", "list": [{"csr": "B"}]}
        redact(payload)
        assert payload == {"idTag": "A", "list": [{"csr": "B"}]}
