"""The names of all standard actions, to detect misspellings without reading a schema."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["ACTION_NAMES"]

# OCPP 1.6 edition 2 §5 and §6, and the security whitepaper edition 3.
_V16: Final = """
    Authorize BootNotification CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache
    ClearChargingProfile DataTransfer DeleteCertificate DiagnosticsStatusNotification ExtendedTriggerMessage
    FirmwareStatusNotification GetCompositeSchedule GetConfiguration GetDiagnostics GetInstalledCertificateIds
    GetLocalListVersion GetLog Heartbeat InstallCertificate LogStatusNotification MeterValues RemoteStartTransaction
    RemoteStopTransaction ReserveNow Reset SecurityEventNotification SendLocalList SetChargingProfile SignCertificate
    SignedFirmwareStatusNotification SignedUpdateFirmware StartTransaction StatusNotification StopTransaction
    TriggerMessage UnlockConnector UpdateFirmware
"""
# OCPP 2.0.1 edition 3 Part 2 §1 (messages).
_V201: Final = """
    Authorize BootNotification CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile
    ClearDisplayMessage ClearVariableMonitoring ClearedChargingLimit CostUpdated CustomerInformation DataTransfer
    DeleteCertificate FirmwareStatusNotification Get15118EVCertificate GetBaseReport GetCertificateStatus
    GetChargingProfiles GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion GetLog
    GetMonitoringReport GetReport GetTransactionStatus GetVariables Heartbeat InstallCertificate LogStatusNotification
    MeterValues NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages NotifyEVChargingNeeds
    NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport PublishFirmware
    PublishFirmwareStatusNotification ReportChargingProfiles RequestStartTransaction RequestStopTransaction
    ReservationStatusUpdate ReserveNow Reset SecurityEventNotification SendLocalList SetChargingProfile
    SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables
    SignCertificate StatusNotification TransactionEvent TriggerMessage UnlockConnector UnpublishFirmware
    UpdateFirmware
"""
# Actions that OCPP 2.1 Part 2 adds to those of 2.0.1; it removes none.
_ADDED_IN_V21: Final = """
    AFRRSignal AdjustPeriodicEventStream BatterySwap ChangeTransactionTariff ClearDERControl ClearTariffs
    ClosePeriodicEventStream GetCertificateChainStatus GetDERControl GetPeriodicEventStream GetTariffs
    NotifyAllowedEnergyTransfer NotifyDERAlarm NotifyDERStartStop NotifyPeriodicEventStream NotifyPriorityCharging
    NotifySettlement NotifyWebPaymentStarted OpenPeriodicEventStream PullDynamicScheduleUpdate ReportDERControl
    RequestBatterySwap SetDERControl SetDefaultTariff UpdateDynamicSchedule UsePriorityCharging VatNumberValidation
"""

ACTION_NAMES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "ocpp1.6": frozenset(_V16.split()),
        "ocpp2.0.1": frozenset(_V201.split()),
        "ocpp2.1": frozenset((_V201 + _ADDED_IN_V21).split()),
    }
)
"""Subprotocol -> every action that its CALLs and SENDs may have; the schema bundles have the same names."""
