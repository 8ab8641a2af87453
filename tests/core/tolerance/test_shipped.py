"""The shipped profiles, each on a message as it was reported: refused without the profile, accepted with it."""

import json
from typing import Any

import pytest

from ocpp_core.actions import Dispatch, ReportKind
from ocpp_core.config import Validator
from ocpp_core.errors import OCPPError
from ocpp_core.inputs import StartCall
from ocpp_core.messages import Leniency
from ocpp_core.tolerance.profiles import StationFacts
from ocpp_core.tolerance.sources import shipped_profiles
from ocpp_core.tolerance.station import QuirkBook, StationQuirks
from ocpp_core.validation import load_validator
from ocpp_core.versions import version_of
from tests.core.player import a_session, of, reports, settled
from tests.tables import each

PROFILES = {each.name: each for name in ("known", "common") for each in shipped_profiles(name)}
VALIDATORS: dict[str, Validator] = {}

AT = "2026-03-01T12:00:00Z"


def meter(**sampled: Any) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [sampled]}]}


def start(**members: Any) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": AT, **members}


STOP = {"transactionId": 1, "meterStop": 5, "timestamp": AT}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
EVLINK = {
    "chargePointVendor": "Schneider Electric",
    "chargePointModel": "EVlink Smart Wallbox",
    "chargePointSerialNumber": "3N123456789F2S1B1234567890",
    "chargeBoxSerialNumber": "EVB1A22P2KI3N12345678901234567890",
}
CODES = {**STATUS, "errorCode": "Error"}
SINGLE = {**meter(value="0.00"), "meterValue": meter(value="0.00")["meterValue"][0]}
UNDATED = "2026-03-01T12:00:00"
EASTERN = start(timestamp=f"{UNDATED}+03:00")
HERTZ = {**STOP, "transactionData": meter(value="5", unit="Hertz")["meterValue"]}
MINUTE = {"connectorId": 1, "duration": 60}
NO_KEYS: dict[str, Any] = {"configurationKey": []}
UNLOCKED = {"status": "Unlocked"}
AMPERFIED = {
    "status": "Rejected",
    "connectorId": 0,
    "chargingSchedule": {"duration": 0, "chargingSchedulePeriod": [], "startSchedule": "0", "chargingRateUnit": ""},
    "scheduleStart": "0",
}
LONG = {"status": "Accepted", "exiResponse": "x" * 7500}


def unchanged(payload: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return json.dumps(payload), payload


def named(vendor: str, model: str = "M") -> dict[str, Any]:
    return {"chargePointVendor": vendor, "chargePointModel": model}


def session(protocol: str, boot: dict[str, Any], *names: str) -> Any:
    """Return a strict session with these profiles, whose station has sent this BootNotification."""
    if protocol not in VALIDATORS:
        VALIDATORS[protocol] = load_validator(protocol)
    quirks = StationQuirks(QuirkBook([PROFILES[name] for name in names]), StationFacts(protocol=protocol))
    quirks.learn(boot)
    settings: dict[str, Any] = {"tolerance": quirks, "leniency": quirks.matched.leniency(Leniency())}
    return a_session(version_of(protocol), validator=VALIDATORS[protocol], **settings)


CALLS = [
    (
        "aefa",
        named("AEFA"),
        "MeterValues",
        '{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-08-04T13:35:45.377","sampledValue":[]}]}',
        {"connectorId": 1, "meterValue": [{"timestamp": "2026-08-04T13:35:45.377Z", "sampledValue": []}]},
    ),
    ("alfen", named("Alfen BV"), "MeterValues", *unchanged(meter(value="16.000", context="CurrentMax", unit="A"))),
    ("growatt", named("Growatt"), "StartTransaction", json.dumps(start(timestamp=UNDATED)), start(timestamp=AT)),
    ("huawei", named("", "ACChargePoint"), "MeterValues", json.dumps(SINGLE), meter(value="0.00")),
    ("legrand", named("LEGRAND"), "StatusNotification", json.dumps(CODES), {**STATUS, "errorCode": "OtherError"}),
    ("openevse", named("OpenEVSE"), "MeterValues", json.dumps(meter(value=604.213)), meter(value="604.213")),
    ("schneider-evlink", EVLINK, "BootNotification", *unchanged(EVLINK)),
    ("zj-beny", named("ZJ BENY"), "StatusNotification", "{," + json.dumps(STATUS)[1:], STATUS),
    ("times", {}, "StartTransaction", json.dumps(start(timestamp=UNDATED)), start(timestamp=AT)),
    ("times", {}, "StartTransaction", json.dumps(start(timestamp=f"{UNDATED}+03")), EASTERN),
    ("nulls", {}, "StatusNotification", json.dumps({**STATUS, "info": None}), STATUS),
    ("nulls", {}, "Heartbeat", "null", {}),
    ("empty-members", {}, "StatusNotification", json.dumps({**STATUS, "timestamp": ""}), STATUS),
    ("control-characters", {}, "StatusNotification", json.dumps({**STATUS, "info": "a?b"}).replace("?", "\0"), None),
    ("units", {}, "MeterValues", *unchanged(meter(value="49.99", measurand="Frequency", unit="Hz"))),
    ("units", {}, "StopTransaction", *unchanged(HERTZ)),
    ("numbers", {}, "StopTransaction", json.dumps({**STOP, "transactionId": "1", "meterStop": 5.0}), STOP),
    ("fractional-meters", {}, "StopTransaction", *unchanged({**STOP, "meterStop": 1625.25})),
    ("fractional-meters", {}, "StartTransaction", *unchanged(start(meterStart=0.5))),
    ("unknown-members", {}, "StatusNotification", *unchanged({**STATUS, "floor": 3})),
]  # fmt: skip

RESULTS = [
    ("amperfied", "ocpp1.6", named("Amperfied"), "GetCompositeSchedule", MINUTE, *unchanged(AMPERFIED)),
    ("grizzl-e", "ocpp1.6", named("United Chargers"), "GetConfiguration", {}, '{"configurationKey":[]', NO_KEYS),
    (
        "scame", "ocpp1.6", named("Scame Parre"), "GetConfiguration", {},
        '{"configurationKey":[{"key":"NumberOfConnectors","readonly":true,"value":1}]}',
        {"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "1"}]},
    ),
    ("nulls", "ocpp1.6", {}, "UnlockConnector", {"connectorId": 1}, '{"status":"Unlocked","a":null}', UNLOCKED),
    ("nulls", "ocpp1.6", {}, "GetConfiguration", {}, "null", {}),
    (
        "certificates", "ocpp2.0.1", {}, "Get15118EVCertificate",
        {"iso15118SchemaVersion": "v", "action": "Install", "exiRequest": "x"}, *unchanged(LONG),
    ),
]  # fmt: skip
SETTINGS = {
    "no-subprotocol": ({}, "default_protocol", "ocpp1.6"),
    "en-plus": (named("EN-Plustech"), "ping_interval", 0),
    "ocular": (named("EVSE", "BS-EV22"), "ping_interval", 45),
    "wallbox": (named("Wall Box Chargers"), "call_concurrency", 1),
}


@each(("name", "boot", "action", "payload", "delivered"), CALLS)
def test_a_call_is_refused_without_the_profile_and_delivered_with_it(
    name: str, boot: Any, action: str, payload: str, delivered: Any
) -> None:
    text = f'[2,"a","{action}",{payload}]'
    refused = reports(session("ocpp1.6", boot).hear(text))
    assert refused in ([ReportKind.INVALID_CALL], [ReportKind.BAD_MESSAGE])
    done = session("ocpp1.6", boot, name).hear(text)
    expected = delivered if delivered is not None else json.loads(payload, strict=False)
    assert [each.payload for each in of(Dispatch, done)] == [expected]


@each(("name", "protocol", "boot", "action", "params", "payload", "delivered"), RESULTS)
def test_a_result_fails_its_call_without_the_profile_and_is_its_result_with_it(
    name: str, protocol: str, boot: Any, action: str, params: Any, payload: str, delivered: Any
) -> None:
    outcomes = []
    for names in ((), (name,)):
        asking = session(protocol, boot, *names)
        asking.play(StartCall(1, action, params))
        outcomes.append(settled(asking.hear(f'[3,"id-1",{payload}]'))[1])
    assert isinstance(outcomes[0], OCPPError)
    assert outcomes[1] == delivered


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_that_of_the_station(name: str) -> None:
    boot, setting, value = SETTINGS[name]
    quirks = StationQuirks(QuirkBook([PROFILES[name]]), StationFacts())
    quirks.learn(boot)
    matched = quirks.matched
    assert {**matched.options, "default_protocol": matched.default_protocol}[setting] == value


def test_every_profile_has_a_reference_a_sentence_and_a_test() -> None:
    tried = {row[0] for row in CALLS} | {row[0] for row in RESULTS} | set(SETTINGS)
    assert tried == set(PROFILES)
    assert all(profile.references and profile.about for profile in PROFILES.values())


def test_no_profile_of_a_model_is_for_every_station() -> None:
    nobody = StationFacts(protocol="ocpp1.6", identity="CP1", path="/CP1", vendor="Vendor", model="Model", firmware="1")
    assert QuirkBook(shipped_profiles("known")).matching(nobody).profiles == ()
