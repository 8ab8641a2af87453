"""The variables of the device model of OCPP 2.0.1 and 2.1 (Part 2, appendix 3)."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from ocpp_apps.station.model.authorization import LONGEST_LIST
from ocpp_apps.station.model.charging_profiles import HIGHEST_LEVEL, LONGEST_SCHEDULE
from ocpp_apps.station.model.configuration import Key, Option, Variable
from ocpp_apps.station.model.connector import Connector
from ocpp_apps.station.model.dialect import MEASURANDS, Facts
from ocpp_apps.station.model.settings import StationSettings
from ocpp_core.times import write_time

__all__ = ["ITEMS_PER_MESSAGE", "variables"]

ITEMS_PER_MESSAGE: Final = 100
"""Most variables that one message may read or change."""


def variables(facts: Facts, settings: StationSettings) -> list[Variable]:
    """Return the variables of a station."""
    made = [*_switches(), *_numbers(settings), *_lists(), *_fixed(settings), *_device(facts, settings)]
    for connector in facts.connectors:
        made += _evse(connector, settings)
    return made


def _switches() -> list[Variable]:
    return [
        _switch("AuthorizeRemoteStart", "AuthCtrlr", Option.AUTHORIZE_REMOTE, on=False),
        _switch("LocalAuthorizeOffline", "AuthCtrlr", Option.LOCAL_OFFLINE, on=True),
        _switch("LocalPreAuthorize", "AuthCtrlr", Option.PRE_AUTHORIZE, on=False),
        _switch("OfflineTxForUnknownIdEnabled", "AuthCtrlr", Option.UNKNOWN_OFFLINE, on=True),
        _switch("Enabled", "AuthCacheCtrlr", Option.CACHE_ENABLED, on=True),
        _switch("Enabled", "LocalAuthListCtrlr", Option.LIST_ENABLED, on=True),
        _switch("StopTxOnEVSideDisconnect", "TxCtrlr", Option.STOP_ON_UNPLUG, on=True),
        _switch("StopTxOnInvalidId", "TxCtrlr", Option.STOP_ON_INVALID, on=True),
    ]


def _switch(name: str, component: str, option: Option, *, on: bool) -> Variable:
    return Variable(Key(name, component), "true" if on else "false", "boolean", writable=True, option=option)


def _numbers(settings: StationSettings) -> list[Variable]:
    heartbeat, meter = round(settings.heartbeat_interval), settings.meter_interval
    event = "TransactionEvent"
    return [
        _number(Key("HeartbeatInterval", "OCPPCommCtrlr"), heartbeat, Option.HEARTBEAT_INTERVAL, least=1),
        _number(Key("OfflineThreshold", "OCPPCommCtrlr"), 60, Option.OFFLINE_THRESHOLD),
        _number(Key("MessageAttempts", "OCPPCommCtrlr", instance=event), 3, Option.MESSAGE_ATTEMPTS, least=1, unit=""),
        _number(Key("MessageAttemptInterval", "OCPPCommCtrlr", instance=event), 10, Option.MESSAGE_INTERVAL),
        _number(Key("EVConnectionTimeOut", "TxCtrlr"), 60, Option.CONNECTION_TIMEOUT, least=1),
        _number(Key("TxUpdatedInterval", "SampledDataCtrlr"), meter, Option.SAMPLE_INTERVAL, most=86_400),
        _number(Key("Interval", "AlignedDataCtrlr"), 0, Option.ALIGNED_INTERVAL, most=86_400),
    ]


def _number(
    key: Key, value: int, option: Option, *, least: int = 0, most: int = 10_000_000, unit: str = "s"
) -> Variable:
    return Variable(key, str(value), "integer", writable=True, unit=unit, minimum=least, maximum=most, option=option)


def _lists() -> list[Variable]:
    register = "Energy.Active.Import.Register"
    updated = f"{register},Power.Active.Import,Current.Import,Voltage"
    return [
        _list("Measurands", "AlignedDataCtrlr", register, Option.ALIGNED_DATA),
        _list("TxEndedMeasurands", "SampledDataCtrlr", register, Option.ENDED_DATA),
        _list("TxStartedMeasurands", "SampledDataCtrlr", register, Option.STARTED_DATA),
        _list("TxUpdatedMeasurands", "SampledDataCtrlr", updated, Option.SAMPLED_DATA),
    ]


def _list(name: str, component: str, value: str, option: Option) -> Variable:
    return Variable(Key(name, component), value, "MemberList", writable=True, values=tuple(MEASURANDS), option=option)


_INTEGERS: Final = {
    Key("ActiveNetworkProfile", "OCPPCommCtrlr"): 0,
    Key("MessageTimeout", "OCPPCommCtrlr", instance="Default"): 30,
    Key("NetworkProfileConnectionAttempts", "OCPPCommCtrlr"): 3,
    Key("ResetRetries", "OCPPCommCtrlr"): 0,
    Key("ItemsPerMessage", "DeviceDataCtrlr", instance="GetReport"): ITEMS_PER_MESSAGE,
    Key("ItemsPerMessage", "DeviceDataCtrlr", instance="GetVariables"): ITEMS_PER_MESSAGE,
    Key("ItemsPerMessage", "DeviceDataCtrlr", instance="SetVariables"): ITEMS_PER_MESSAGE,
    Key("BytesPerMessage", "DeviceDataCtrlr", instance="GetReport"): 65_536,
    Key("BytesPerMessage", "DeviceDataCtrlr", instance="GetVariables"): 65_536,
    Key("BytesPerMessage", "DeviceDataCtrlr", instance="SetVariables"): 65_536,
    Key("ItemsPerMessage", "LocalAuthListCtrlr"): LONGEST_LIST,
    Key("BytesPerMessage", "LocalAuthListCtrlr"): 1_048_576,
    Key("TxEndedInterval", "SampledDataCtrlr"): 0,
    Key("TxEndedInterval", "AlignedDataCtrlr"): 0,
    Key("ProfileStackLevel", "SmartChargingCtrlr"): HIGHEST_LEVEL,
    Key("PeriodsPerSchedule", "SmartChargingCtrlr"): LONGEST_SCHEDULE,
    Key("CertificateEntries", "SecurityCtrlr"): 0,
}
_SWITCHES: Final = {
    Key("Enabled", "AuthCtrlr"): True,
    Key("Enabled", "ReservationCtrlr"): True,
    Key("NonEvseSpecific", "ReservationCtrlr"): False,
    Key("Available", "ReservationCtrlr"): True,
    Key("Enabled", "SmartChargingCtrlr"): True,
    Key("UnlockOnEVSideDisconnect", "OCPPCommCtrlr"): True,
}
_LISTS: Final = {
    Key("FileTransferProtocols", "OCPPCommCtrlr"): "FTP,FTPS,HTTP,HTTPS,SFTP",
    Key("NetworkConfigurationPriority", "OCPPCommCtrlr"): "0",
    Key("RateUnit", "SmartChargingCtrlr"): "A,W",
    Key("TxEndedMeasurands", "AlignedDataCtrlr"): "",
    Key("TxStartPoint", "TxCtrlr"): "PowerPathClosed",
    Key("TxStopPoint", "TxCtrlr"): "Authorized,EVConnected",
    Key("TimeSource", "ClockCtrlr"): "Heartbeat",
}


def _fixed(settings: StationSettings) -> list[Variable]:
    return [
        *(Variable(key, str(value), "integer") for key, value in _INTEGERS.items()),
        Variable(Key("SupplyPhases", "ChargingStation"), str(settings.phases), "integer"),
        *(Variable(key, str(value).lower(), "boolean") for key, value in _SWITCHES.items()),
        *(Variable(key, value, "MemberList") for key, value in _LISTS.items()),
    ]


def _device(facts: Facts, settings: StationSettings) -> Iterator[Variable]:
    yield Variable(Key("Model", "ChargingStation"), settings.model)
    yield Variable(Key("VendorName", "ChargingStation"), settings.vendor)
    yield Variable(Key("SerialNumber", "ChargingStation"), settings.serial)
    yield Variable(Key("FirmwareVersion", "Controller"), facts.firmware_version)
    yield Variable(Key("Available", "ChargingStation"), "true", "boolean")
    yield Variable(Key("Problem", "ChargingStation"), "false", "boolean")
    yield Variable(Key("AvailabilityState", "ChargingStation"), partial(_state, facts), "OptionList")
    yield Variable(Key("OrganizationName", "SecurityCtrlr"), "Example", writable=True)
    yield Variable(Key("SecurityProfile", "SecurityCtrlr"), "0", "integer")
    yield Variable(Key("DateTime", "ClockCtrlr"), lambda: write_time(facts.now()), "dateTime")
    yield Variable(Key("Entries", "LocalAuthListCtrlr"), lambda: str(facts.list_length()), "integer")
    profiles = Key("Entries", "SmartChargingCtrlr", instance="ChargingProfiles")
    yield Variable(profiles, lambda: str(facts.profiles()), "integer")


def _state(facts: Facts) -> str:
    return "Available" if facts.availability() == "Operative" else "Unavailable"


def _evse(connector: Connector, settings: StationSettings) -> Iterator[Variable]:
    at = connector.id
    yield Variable(Key("Power", "EVSE", at), lambda: f"{connector.meter.power_w:.0f}", "decimal", unit="W")
    yield Variable(Key("SupplyPhases", "EVSE", at), str(settings.phases), "integer")
    for component, number in (("EVSE", None), ("Connector", 1)):
        yield Variable(Key("Available", component, at, "", number), "true", "boolean")
        problem = partial(_has_problem, connector)
        yield Variable(Key("Problem", component, at, "", number), problem, "boolean")
        state = Key("AvailabilityState", component, at, "", number)
        yield Variable(state, partial(_status_of, connector), "OptionList")
    yield Variable(Key("ConnectorType", "Connector", at, "", 1), "cType2")
    yield Variable(Key("SupplyPhases", "Connector", at, "", 1), str(settings.phases), "integer")


def _has_problem(connector: Connector) -> str:
    return "false" if connector.fault is None else "true"


def _status_of(connector: Connector) -> str:
    return connector.status
