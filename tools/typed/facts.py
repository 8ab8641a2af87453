"""Facts that the schemas do not state: names of 1.6's data types, and units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["NAMES", "SECRETS", "UNITS", "VERSIONS", "VersionFacts", "stated"]


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What distinguishes the packages of the versions."""

    module: str
    """Name of the package in `ocpp_core`."""
    title: str
    """Name of the version in prose."""


VERSIONS: Final[Mapping[str, VersionFacts]] = {
    "ocpp1.6": VersionFacts("v16", "OCPP 1.6"),
    "ocpp2.0.1": VersionFacts("v201", "OCPP 2.0.1"),
    "ocpp2.1": VersionFacts("v21", "OCPP 2.1"),
}
"""Subprotocol -> its package."""

NAMES: Final[Mapping[str, str]] = {
    # OCPP 1.6 edition 2 §7. A property has its type's name wherever it occurs, unless its owner is named too.
    "chargingProfile": "ChargingProfile",
    "chargingProfileKind": "ChargingProfileKindType",
    "chargingProfilePurpose": "ChargingProfilePurposeType",
    "chargingRateUnit": "ChargingRateUnitType",
    "chargingSchedule": "ChargingSchedule",
    "chargingSchedulePeriod": "ChargingSchedulePeriod",
    "configurationKey": "KeyValue",
    "context": "ReadingContext",
    "csChargingProfiles": "ChargingProfile",
    "errorCode": "ChargePointErrorCode",
    "format": "ValueFormat",
    "idTagInfo": "IdTagInfo",
    "localAuthorizationList": "AuthorizationData",
    "location": "Location",
    "measurand": "Measurand",
    "meterValue": "MeterValue",
    "phase": "Phase",
    "reason": "Reason",
    "recurrencyKind": "RecurrencyKindType",
    "requestedMessage": "MessageTrigger",
    "sampledValue": "SampledValue",
    "transactionData": "MeterValue",
    "unit": "UnitOfMeasure",
    "updateType": "UpdateType",
    "BootNotificationResponse.status": "RegistrationStatus",
    "CancelReservationResponse.status": "CancelReservationStatus",
    "ChangeAvailabilityRequest.type": "AvailabilityType",
    "ChangeAvailabilityResponse.status": "AvailabilityStatus",
    "ChangeConfigurationResponse.status": "ConfigurationStatus",
    "ClearCacheResponse.status": "ClearCacheStatus",
    "ClearChargingProfileResponse.status": "ClearChargingProfileStatus",
    "DataTransferResponse.status": "DataTransferStatus",
    "DiagnosticsStatusNotificationRequest.status": "DiagnosticsStatus",
    "FirmwareStatusNotificationRequest.status": "FirmwareStatus",
    "GetCompositeScheduleResponse.status": "GetCompositeScheduleStatus",
    "IdTagInfo.status": "AuthorizationStatus",
    "RemoteStartTransactionResponse.status": "RemoteStartStopStatus",
    "RemoteStopTransactionResponse.status": "RemoteStartStopStatus",
    "ReserveNowResponse.status": "ReservationStatus",
    "ResetRequest.type": "ResetType",
    "ResetResponse.status": "ResetStatus",
    "SendLocalListResponse.status": "UpdateStatus",
    "SetChargingProfileResponse.status": "ChargingProfileStatus",
    "StatusNotificationRequest.status": "ChargePointStatus",
    "TriggerMessageResponse.status": "TriggerMessageStatus",
    "UnlockConnectorResponse.status": "UnlockStatus",
}
"""Property, or owner and property -> name of the type of its inline schema."""

_AS_THE_RATE: Final = "In A or W, as `chargingRateUnit` states."
_OF_TIME: Final = {
    "chargingTime", "delay", "duration", "dynUpdateInterval", "evDurationLevel1DCInjection",
    "evDurationLevel2DCInjection", "evIslandingTripTime", "hv10MinMeanTripDelay", "hysteresisDelay", "idleTime",
    "maxChargingTime", "maxIdleTime", "maxOfflineDuration", "maxTime", "messageTimeout", "minChargingTime",
    "minIdleTime", "minTime", "overstayFeePeriod", "overstayTimeThreshold", "parkingFeePeriod", "randomDelay",
    "randomizedDelay", "reservationTime", "responseTime", "retryInterval", "timeSpentCharging", "timeout",
    "EnterServiceType.rampRate", "OverstayRuleType.startTime", "PeriodicEventStreamParamsType.interval",
}  # fmt: skip
_OF_CURRENT: Final = {
    "cableMaxCurrent", "evMaxCurrent", "evMinCurrent", "maxChargeCurrent", "maxCurrent", "maxDischargeCurrent",
    "minChargeCurrent", "minCurrent", "minDischargeCurrent",
}  # fmt: skip
_OF_VOLTAGE: Final = {
    "evMaxVoltage", "highVoltage", "lowVoltage", "maxNominalVoltage", "maxVoltage", "minNominalVoltage", "minVoltage",
    "nominalVoltage", "nominalVoltageOffset",
}  # fmt: skip
_OF_POWER: Final = {
    "evMaxPower", "evOverExcitedMaxDischargePower", "evUnderExcitedMaxDischargePower", "maxChargePower",
    "maxChargePower_L2", "maxChargePower_L3", "maxDischargePower", "maxDischargePower_L2", "maxDischargePower_L3",
    "maxPower", "minChargePower", "minChargePower_L2", "minChargePower_L3", "minDischargePower",
    "minDischargePower_L2", "minDischargePower_L3", "minPower", "powerRangeStart", "EVPowerScheduleEntryType.power",
}  # fmt: skip
_OF_ENERGY: Final = {
    "energyAmount", "evEnergyCapacity", "evMaxEnergyRequest", "evMaxV2XEnergyRequest", "evMinEnergyRequest",
    "evMinV2XEnergyRequest", "evSessionTotalDischargeEnergyAvailable", "evTargetEnergyRequest", "maxEnergy",
    "meterStart", "meterStop", "minEnergy",
}  # fmt: skip
_IN_PERCENT: Final = {
    "bulkSoC", "fullSoC", "maxSoC", "pctMaxDischargePower", "renewableGenerationPercentage", "soC", "soH", "soc",
    "stateOfCharge", "targetSoC",
}  # fmt: skip
_OF_FREQUENCY: Final = {"frequency", "highFreq", "lowFreq", "overFreq", "underFreq"}
_OF_APPARENT_POWER: Final = {
    "maxApparentPower", "maxChargeApparentPower", "maxChargeApparentPower_L2", "maxChargeApparentPower_L3",
    "maxDischargeApparentPower", "maxDischargeApparentPower_L2", "maxDischargeApparentPower_L3",
}  # fmt: skip
_OF_REACTIVE_POWER: Final = {
    "maxChargeReactivePower", "maxChargeReactivePower_L2", "maxChargeReactivePower_L3", "maxDischargeReactivePower",
    "maxDischargeReactivePower_L2", "maxDischargeReactivePower_L3", "minChargeReactivePower",
    "minChargeReactivePower_L2", "minChargeReactivePower_L3",
}  # fmt: skip
_OF_RATE: Final = {
    "minChargingRate",
    *(
        f"{owner}.{name}{phase}"
        for owner in ("ChargingSchedulePeriodType", "ChargingScheduleUpdateType")
        for name in ("dischargeLimit", "limit", "setpoint")
        for phase in ("", "_L2", "_L3")
    ),
    "ChargingSchedulePeriod.limit",
    "LimitAtSoCType.limit",
}

UNITS: Final[Mapping[str, str]] = {
    "BootNotificationResponse.interval": (
        "In seconds: the heartbeat interval, or until the next attempt if not accepted."
    ),
    "startPeriod": "In seconds since the start of the schedule.",
    "RelativeTimeIntervalType.start": "In seconds since the start of the schedule.",
    "StreamDataElementType.t": "In seconds since `basetime` of the message.",
    "carbonDioxideEmission": "In g/kWh.",
    "priceKwh": "Per kWh.",
    "priceMinute": "Per minute.",
    "evReactiveSusceptance": "In S.",
} | {
    name: sentence
    for names, sentence in (
        (_OF_TIME, "In seconds."),
        (_OF_CURRENT, "In A."),
        (_OF_VOLTAGE, "In V."),
        (_OF_POWER, "In W."),
        (_OF_ENERGY, "In Wh."),
        (_IN_PERCENT, "In percent."),
        (_OF_FREQUENCY, "In Hz."),
        (_OF_APPARENT_POWER, "In VA."),
        (_OF_REACTIVE_POWER, "In var."),
        (_OF_RATE, _AS_THE_RATE),
    )
    for name in names
}
"""Property, or owner and property -> its unit."""

SECRETS: Final = frozenset(
    {
        "additionalIdToken", "apnPassword", "attributeValue", "basicAuthPassword", "certificate", "certificateChain",
        "csr", "customData", "exiRequest", "exiResponse", "idTag", "idToken", "idTokens", "location", "parentIdTag",
        "remoteLocation", "signingCertificate", "simPin", "ChangeConfigurationRequest.value",
        "DataTransferRequest.data", "DataTransferResponse.data", "EventDataType.actualValue", "KeyValue.value",
        "NotifyCustomerInformationRequest.data", "VPNType.key", "VPNType.password", "VariableAttributeType.value",
    }
)  # fmt: skip
"""Property, or owner and property, whose value the `repr` of a model hides.

ID tokens, certificates, proofs of identity, personal data, values of settings and vendor data, which may be passwords,
and locations, whose URLs may have credentials. Objects are shown, as their own properties are hidden.
"""


def stated(owner: str, name: str) -> tuple[str, str]:
    """Return the two keys of a property in a table of facts, the one that wins first."""
    return f"{owner}.{name}", name
