"""What no log and no representation may show, and what it must not cost: security whitepaper A01.FR.09 and .12."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from ocpp_core.actions import Direction, HttpRequest, UpgradeRequested
from ocpp_core.admission.request import read_target
from ocpp_core.config import UpgradeTarget, Violation
from ocpp_core.handshake import resolve_endpoint
from ocpp_core.inputs import UpgradeReceived
from ocpp_core.versions import ErrorCode
from ocpp_transports import events
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._logging._redaction import redact
from ocpp_transports._logging._redaction_text import may_hold_secret
from ocpp_transports._options._client import ClientOptions
from ocpp_transports.channel import UpgradeOffer
from ocpp_transports.handshake import Handshake

SECRET = "s3cr3t"


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("ftp://user:s3cr3t@host/logs", "ftp://***@host/logs"),
            ("FTP://user:a/b#?@s3cr3t@host/x", "FTP://***@host/x"),
            ("sftp://user/s3cr3t@host/x", "sftp://***@host/x"),
            ("user:s3cr3t@host/x", "***@host/x"),
            ("ftp://user:a s3cr3t@host/x", "ftp://***@host/x"),
            ("user:s3cr3t://@host/x", "***@host/x"),
            ("http://user:12;s3cr3t@host/x", "http://***@host/x"),
            ("https://proxy/a;ftp://user:s3cr3t@host/x", "https://proxy/a;ftp://***@host/x"),
            ("https://proxy/?u=ftp://user:s3cr3t@host/x", "https://proxy/?u=ftp://***@host/x"),
            ("https://host/x?to%6Ben=s3cr3t", "https://host/x?to%6Ben=***"),
            ("wpa_psk=s3cr3t", "wpa_psk=***"),
            ("PinCode: s3cr3t", "PinCode:***"),
            ("ftpPass=s3cr3t", "ftpPass=***"),
            ('cannot set {"key": "AuthorizationKey", "value": "s3cr3t"}', "cannot set ***"),
            ('[{"value": "s3cr3t", "variable": {"name": "BasicAuthPassword"', "[***"),
            ('"key": "VpnPassword", "value": "s3cr3t', "***"),
            ("logs to https://a:s3cr3t@host/x since", "logs to https://***@host/x since"),
            ("wss://host:443/ocpp?access_token=s3cr3t&v=2", "wss://host:443/ocpp?access_token=***&v=2"),
            ("https://blob/x?sv=1&sig=s3cr3t", "https://blob/x?sv=1&sig=***"),
            ("https://s3/x?X-Amz-Signature=s3cr3t&X-Amz-Date=1", "https://s3/x?X-Amz-Signature=***&X-Amz-Date=1"),
            ("https://host/get?from=ftp%3A%2F%2Fu%3As3cr3t%40h&n=1", "https://host/get?from=***&n=1"),
            ("user=me&password=s3cr3t", "user=me&password=***"),
            ("<pass_word>s3cr3t</pass_word>", "<pass_word>***"),
            ("the password: s3cr3t, with more", "the password:***"),
            ("-----BEGIN RSA PRIVATE KEY-----\ns3cr3t", "***"),
            ('{"Password": "s3cr3t", "n": [1]}', '{"Password": "***", "n": [1]}'),
            ('{"a": {"password": "s3cr3t"}, "a": 1}', '{"a": 1}'),
            ('"{\\"password\\": \\"s3cr3t\\"}"', '"{\\"password\\": \\"***\\"}"'),
            ('{"password": "s3cr3t", ', '{"password":***'),
            ('{\\"password\\": \\"s3cr3t\\"', '{\\"password\\":***'),
        ],
    )
    def test_lose_their_secrets(self, text, expected):
        assert redact({"data": text}) == {"data": expected}
        assert SECRET not in expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "2026-11-30T08:16:05.123Z",
            "https://host/x?email=a@b.example",
            "ws://[::1]:9000/ocpp",
            "mail to me@host",
            "[warning] no password",
            "Invalid: the token expired",
            "a: b = c",
            "https://proxy/https://host/x?email=a@b.example",
            'cannot set {"key": "HeartbeatInterval", "value": "5"} of a password',
            "ping: 3, bypass: 4, compass=5",
        ],
    )
    def test_without_secrets_stay_as_they_are(self, text):
        assert redact([text]) == [text]


VARIABLE = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


class TestFields:
    @pytest.mark.parametrize(
        ("payload", "expected"),
        [
            ({"getVariableResult": [{**VARIABLE, "attributeValue": SECRET}]}, "attributeValue"),
            ({"eventData": [{**VARIABLE, "actualValue": SECRET}]}, "actualValue"),
            ({"reportData": [{**VARIABLE, "variableAttribute": [{"value": SECRET}]}]}, "value"),
            ({"reportData": [{**VARIABLE, "variableAttribute": SECRET}]}, "variableAttribute"),
            ({"Key": "AUTHORIZATIONKEY", "Value": SECRET}, "Value"),
            ({"key": "WifiKey", "value": SECRET}, "value"),
            ({"name": "wifi password", "value": {"text": [SECRET]}}, "text"),
            ({"api-key": SECRET}, "api-key"),
            ({"accessToken": {"value": SECRET, "type": SECRET}}, "value"),
            ({"certificate": {"pem": SECRET}}, "pem"),
            ({"location": "ftp://u:" + SECRET + "@h"}, "location"),
            ({"ftp://u:" + SECRET + "@h": 1}, "ftp"),
        ],
    )
    def test_that_are_secret_are_hidden_whatever_they_hold(self, payload, expected):
        shown = json.dumps(redact(payload))
        assert SECRET not in shown
        assert expected in shown

    def test_of_a_secret_variable_show_the_rest(self):
        report = {**VARIABLE, "variableAttribute": [{"type": "Actual", "value": SECRET, "mutability": "WriteOnly"}]}
        attributes = [{"type": "Actual", "value": "***", "mutability": "WriteOnly"}]
        assert redact(report) == {**VARIABLE, "variableAttribute": attributes}

    @pytest.mark.parametrize(
        "payload",
        [
            {"idTokenInfo": {"status": "Accepted", "cacheExpiryDateTime": "2026"}},
            {"key": "MeterPublicKey", "value": "AB"},
            {"variable": {"name": "Enabled"}, "component": {"name": "TokenReader"}, "attributeValue": "true"},
            {"passwordRequired": True, "password": None},
            {"issuerKeyHash": "AB", "hashAlgorithm": "SHA256"},
        ],
    )
    def test_that_only_sound_secret_are_shown(self, payload):
        assert redact(payload) == payload


class TestHostilePayloads:
    def test_of_any_depth_end_somewhere(self):
        deep: object = SECRET
        for _ in range(100_000):
            deep = {"a": [deep]}
        assert SECRET not in json.dumps(redact(deep))

    def test_without_an_end_end_all_the_same(self):
        endless: dict[str, Any] = {"password": SECRET}
        endless["list"] = [endless, endless]
        endless["secret"] = {"a": endless, "b": endless}
        assert SECRET not in json.dumps(redact(endless))

    def test_with_too_many_values_are_hidden_as_a_whole(self):
        """To search each of them would keep the event loop busy for seconds."""
        crowd = {str(number): number for number in range(50_000)}
        assert redact({"few": [1], "crowd": crowd, "list": list(crowd)}) == {"few": [1], "crowd": "***", "list": "***"}

    def test_of_deep_text_end_too(self):
        assert SECRET not in redact("[" * 100_000 + '"password":"' + SECRET)
        text = json.dumps({"password": SECRET})
        for _ in range(12):
            text = json.dumps([text])
        assert SECRET not in redact(text)

    def test_of_odd_types_are_copied(self):
        odd = object()
        assert redact({1: odd, None: (b"x",), "m": MappingProxyType({"pin": 1})}) == {
            1: odd,
            None: [b"x"],
            "m": {"pin": "***"},
        }


class TestRepresentations:
    @pytest.mark.parametrize(
        "shown",
        [
            events.ConnectingEvent("wss://host/CP1?token=s3cr3t"),
            events.MessageEvent(Direction.IN, [2, "1", "Authorize", {"idTag": SECRET}], "Authorize", None),
            events.BadMessageEvent('[2,"1","Authorize",{"idTag":"s3cr3t"}', ValueError()),
            events.BadMessageEvent(b'[2,"1","X",{"password":"s3cr3t"}]', ValueError()),
            events.ViolationEvent(
                "CP1",
                Direction.IN,
                "call",
                "ChangeConfiguration",
                "1",
                Violation(ErrorCode.FORMAT_VIOLATION, "why"),
                ValueError(),
                True,
                {"key": "AuthorizationKey", "value": SECRET},
            ),
            CallContext[Any](client=None, action="X", params={"password": SECRET}),
            ClientOptions(
                identity="CP1", endpoint="ws://host?token=s3cr3t", query={"key": SECRET}, headers={"x": SECRET}
            ),
            resolve_endpoint("ws://host?token=s3cr3t", "CP1"),
            read_target("/CP1?token=s3cr3t"),
            Handshake("CP1", ("ocpp1.6",), "/CP1", b"s3cr3t", {"authorization": SECRET}, {"token": SECRET}),
            UpgradeOffer("/CP1?token=s3cr3t", [("authorization", SECRET)]),
            UpgradeTarget("host", "/CP1?token=s3cr3t", (("Authorization", SECRET),)),
            UpgradeRequested("/CP1?token=s3cr3t", {"authorization": SECRET}, ()),
            UpgradeReceived(1, "/CP1?token=s3cr3t", [("authorization", SECRET)], ()),
            HttpRequest("GET", "/?token=s3cr3t", {"authorization": SECRET}),
        ],
        ids=lambda shown: type(shown).__name__,
    )
    def test_show_no_secret(self, shown):
        assert SECRET not in repr(shown)
        assert type(shown).__name__ in repr(shown)


class TestMessagesThatNeedNoSearch:
    @pytest.mark.parametrize(
        "payload",
        [
            {"idTag": SECRET},
            {"ID Tag": {"x": f"id tag: {SECRET}"}},
            {"certificateChain": SECRET},
            {"csr": SECRET},
            {"exiRequest": SECRET},
            {"key": "VpnKey", "value": SECRET},
            {"location": f"ftp://user:{SECRET}@host/x"},
            {"text": f"p\u0061\u017fsword: {SECRET}"},
            {"text": f'{{"p\\u0061ssword": "{SECRET}"}}'},
            {"Pin": SECRET},
        ],
    )
    def test_are_none_of_those_with_secrets(self, payload: Any) -> None:
        for text in (json.dumps(payload), json.dumps(payload, ensure_ascii=False)):
            assert may_hold_secret(text)

    def test_are_most_messages(self) -> None:
        sampled = [{"value": "230.1", "measurand": "Voltage"}, {"value": "1", "unit": "Wh"}]
        payload = {"connectorId": 1, "meterValue": [{"sampledValue": sampled}]}
        assert not may_hold_secret(json.dumps(payload))
        assert redact(payload) == payload
