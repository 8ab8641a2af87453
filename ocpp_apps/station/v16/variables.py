"""The configuration keys of OCPP 1.6 (§9)."""

from typing import Final

from ocpp_apps.station.model.authorization import LONGEST_LIST
from ocpp_apps.station.model.charging_profiles import HIGHEST_LEVEL, LONGEST_SCHEDULE, MOST_PROFILES
from ocpp_apps.station.model.configuration import Key, Option, Variable
from ocpp_apps.station.model.dialect import MEASURANDS, Facts
from ocpp_apps.station.model.settings import StationSettings

__all__ = ["variables"]

_PROFILES: Final = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
_MOST_KEYS: Final = 100


def variables(facts: Facts, settings: StationSettings) -> list[Variable]:
    """Return the configuration keys of a station."""
    return [*_switches(), *_seconds(settings), *_lists(), *_fixed(facts)]


def _switches() -> list[Variable]:
    return [
        _switch("AllowOfflineTxForUnknownId", Option.UNKNOWN_OFFLINE, on=True),
        _switch("AuthorizationCacheEnabled", Option.CACHE_ENABLED, on=True),
        _switch("AuthorizeRemoteTxRequests", Option.AUTHORIZE_REMOTE, on=False),
        _switch("LocalAuthListEnabled", Option.LIST_ENABLED, on=True),
        _switch("LocalAuthorizeOffline", Option.LOCAL_OFFLINE, on=True),
        _switch("LocalPreAuthorize", Option.PRE_AUTHORIZE, on=False),
        _switch("StopTransactionOnEVSideDisconnect", Option.STOP_ON_UNPLUG, on=True),
        _switch("StopTransactionOnInvalidId", Option.STOP_ON_INVALID, on=True),
    ]


def _switch(name: str, option: Option, *, on: bool) -> Variable:
    return Variable(Key(name), "true" if on else "false", "boolean", writable=True, option=option)


def _seconds(settings: StationSettings) -> list[Variable]:
    heartbeat = round(settings.heartbeat_interval)
    return [
        _number("ClockAlignedDataInterval", 0, Option.ALIGNED_INTERVAL, most=86_400),
        _number("ConnectionTimeOut", 60, Option.CONNECTION_TIMEOUT, least=1),
        _number("HeartbeatInterval", heartbeat, Option.HEARTBEAT_INTERVAL, least=1),
        _number("MeterValueSampleInterval", settings.meter_interval, Option.SAMPLE_INTERVAL, most=86_400),
        _number("TransactionMessageAttempts", 3, Option.MESSAGE_ATTEMPTS, least=1, unit=""),
        _number("TransactionMessageRetryInterval", 10, Option.MESSAGE_INTERVAL),
    ]


def _number(
    name: str, value: int, option: Option, *, least: int = 0, most: int = 10_000_000, unit: str = "s"
) -> Variable:
    return Variable(
        Key(name), str(value), "integer", writable=True, unit=unit, minimum=least, maximum=most, option=option
    )


def _lists() -> list[Variable]:
    values = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage"
    return [
        _list("MeterValuesAlignedData", "Energy.Active.Import.Register", Option.ALIGNED_DATA),
        _list("MeterValuesSampledData", values, Option.SAMPLED_DATA),
        _list("StopTxnSampledData", "", Option.ENDED_DATA),
    ]


def _list(name: str, value: str, option: Option) -> Variable:
    return Variable(Key(name), value, "MemberList", writable=True, values=tuple(MEASURANDS), option=option)


def _fixed(facts: Facts) -> list[Variable]:
    values: dict[str, object] = {
        "ChargeProfileMaxStackLevel": HIGHEST_LEVEL,
        "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
        "ChargingScheduleMaxPeriods": LONGEST_SCHEDULE,
        "ConnectorPhaseRotation": "0.RST",
        "GetConfigurationMaxKeys": _MOST_KEYS,
        "LocalAuthListMaxLength": LONGEST_LIST,
        "MaxChargingProfilesInstalled": MOST_PROFILES,
        "NumberOfConnectors": len(facts.connectors),
        "ReserveConnectorZeroSupported": "false",
        "ResetRetries": 0,
        "SendLocalListMaxLength": LONGEST_LIST,
        "StopTxnAlignedData": "",
        "SupportedFeatureProfiles": _PROFILES,
        "SupportedFileTransferProtocols": "FTP,FTPS,HTTP,HTTPS,SFTP",
        "UnlockConnectorOnEVSideDisconnect": "true",
    }
    return [Variable(Key(name), str(value)) for name, value in values.items()]
