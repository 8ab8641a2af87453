"""The standard actions of each version and who may send them, known without reading a schema."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

__all__ = ["ACTION_NAMES", "OTHER_ROLE", "SENDERS", "Role", "Sender", "may_send"]

Role: TypeAlias = Literal["station", "csms"]
"""One end of a connection: the station, or the central system (CSMS)."""

Sender: TypeAlias = Literal["station", "csms", "either"]
"""Who may send the CALL or SEND of an action: the station, the central system (CSMS), or either of them."""

_EITHER: Final = "DataTransfer"

# OCPP 1.6 edition 2 §4 and §5, and the security whitepaper edition 3.
_V16_STATION: Final = """
    Authorize BootNotification DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat
    LogStatusNotification MeterValues SecurityEventNotification SignCertificate SignedFirmwareStatusNotification
    StartTransaction StatusNotification StopTransaction
"""
_V16_CSMS: Final = """
    CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache ClearChargingProfile
    DeleteCertificate ExtendedTriggerMessage GetCompositeSchedule GetConfiguration GetDiagnostics
    GetInstalledCertificateIds GetLocalListVersion GetLog InstallCertificate RemoteStartTransaction
    RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile SignedUpdateFirmware TriggerMessage
    UnlockConnector UpdateFirmware
"""
# OCPP 2.0.1 edition 3 Part 2 §1 (messages).
_V201_STATION: Final = """
    Authorize BootNotification ClearedChargingLimit FirmwareStatusNotification Get15118EVCertificate
    GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
    NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport
    NotifyReport PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate
    SecurityEventNotification SignCertificate StatusNotification TransactionEvent
"""
_V201_CSMS: Final = """
    CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile ClearDisplayMessage
    ClearVariableMonitoring CostUpdated CustomerInformation DeleteCertificate GetBaseReport GetChargingProfiles
    GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion GetLog
    GetMonitoringReport GetReport GetTransactionStatus GetVariables InstallCertificate PublishFirmware
    RequestStartTransaction RequestStopTransaction ReserveNow Reset SendLocalList SetChargingProfile
    SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables
    TriggerMessage UnlockConnector UnpublishFirmware UpdateFirmware
"""
# Actions that OCPP 2.1 Part 2 adds to those of 2.0.1; it removes none.
_ADDED_IN_V21_STATION: Final = """
    BatterySwap ClosePeriodicEventStream GetCertificateChainStatus NotifyDERAlarm NotifyDERStartStop
    NotifyPeriodicEventStream NotifyPriorityCharging NotifySettlement OpenPeriodicEventStream
    PullDynamicScheduleUpdate ReportDERControl VatNumberValidation
"""
_ADDED_IN_V21_CSMS: Final = """
    AFRRSignal AdjustPeriodicEventStream ChangeTransactionTariff ClearDERControl ClearTariffs GetDERControl
    GetPeriodicEventStream GetTariffs NotifyAllowedEnergyTransfer NotifyWebPaymentStarted RequestBatterySwap
    SetDERControl SetDefaultTariff UpdateDynamicSchedule UsePriorityCharging
"""


def _senders(station: str, csms: str) -> Mapping[str, Sender]:
    """Return the sender of each action, in the order of the names."""
    senders: dict[str, Sender] = {_EITHER: "either"}
    senders |= dict.fromkeys(station.split(), "station")
    senders |= dict.fromkeys(csms.split(), "csms")
    return MappingProxyType(dict(sorted(senders.items())))


SENDERS: Final[Mapping[str, Mapping[str, Sender]]] = MappingProxyType(
    {
        "ocpp1.6": _senders(_V16_STATION, _V16_CSMS),
        "ocpp2.0.1": _senders(_V201_STATION, _V201_CSMS),
        "ocpp2.1": _senders(_V201_STATION + _ADDED_IN_V21_STATION, _V201_CSMS + _ADDED_IN_V21_CSMS),
    }
)
"""Subprotocol -> action -> who may send its CALL or SEND."""

ACTION_NAMES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {protocol: frozenset(senders) for protocol, senders in SENDERS.items()}
)
"""Subprotocol -> every action that its CALLs and SENDs may have; the schema bundles have the same names."""

OTHER_ROLE: Final[Mapping[Role, Role]] = MappingProxyType({"station": "csms", "csms": "station"})
"""The role of the peer of each role."""

# Public implementations of 2.1 disagree on the direction of these. To refuse a correct program is worse than to accept
# a mistaken one, so either side may send them here. SENDERS states our reading of the specification.
_DISPUTED: Final = frozenset({"ClosePeriodicEventStream", "OpenPeriodicEventStream", "VatNumberValidation"})


def may_send(role: Role, action: str, protocols: Collection[str]) -> bool:
    """Return True unless only the other role sends this action in these subprotocols.

    Of the subprotocols only those count that have the action; if none has it, every standard version counts. An unknown
    action, and any action of a subprotocol that is not a standard version, may go both ways.
    """
    if action in _DISPUTED or not SENDERS.keys() >= set(protocols):
        return True
    senders = {SENDERS[name][action] for name in protocols if action in SENDERS[name]}
    senders = senders or {each[action] for each in SENDERS.values() if action in each}
    return senders != {OTHER_ROLE[role]}
