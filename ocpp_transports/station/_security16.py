"""The security extension of OCPP 1.6, as far as a station without cryptography can serve it."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Final, TypeAlias

from ._certificates import CertificateError, CertificateStore
from ._commands import Command, Commands, Parts
from ._dialect import Payload
from ._time import read_time
from ._transfers import Firmware

__all__ = ["Security16"]

Trigger: TypeAlias = Callable[[str, int | None], str]

_IS_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"


class Security16(Commands):
    """GetLog, signed updates, root certificates, further triggers.

    The station cannot make keys, so it never asks for a certificate and takes none of its own; and it cannot check
    signatures, so it believes those that come with something that looks like a certificate.
    """

    def __init__(self, parts: Parts, trigger: Trigger) -> None:
        super().__init__(parts)
        self._trigger = trigger
        self._certificates = CertificateStore()

    @cached_property
    def table(self) -> Mapping[str, Command]:
        """The actions that are understood, and what is done."""
        return {
            "CertificateSigned": lambda _: {"status": "Rejected"},
            "DeleteCertificate": self._delete_certificate,
            "ExtendedTriggerMessage": self._extended_trigger_message,
            "GetInstalledCertificateIds": self._get_installed_certificate_ids,
            "GetLog": self._get_log,
            "InstallCertificate": self._install_certificate,
            "SignedUpdateFirmware": self._signed_update_firmware,
        }

    def _extended_trigger_message(self, params: Payload) -> Payload:
        message, transfers = params["requestedMessage"], self._parts.transfers
        if message == "SignChargePointCertificate":
            return {"status": "NotImplemented"}
        if message == "LogStatusNotification":
            tell = partial(transfers.tell_log, transfers.diagnostics_status, transfers.upload, is_diagnostics=False)
            self._later(message, tell)
            return {"status": "Accepted"}
        return {"status": self._trigger(message, params.get("connectorId"))}

    def _get_log(self, params: Payload) -> Payload:
        transfers = self._parts.transfers
        replaced = transfers.upload_log(params["log"]["remoteLocation"], params["requestId"])
        return {"status": "AcceptedCanceled" if replaced else "Accepted", "filename": transfers.file_name()}

    def _signed_update_firmware(self, params: Payload) -> Payload:
        message = params["firmware"]
        if _IS_CERTIFICATE not in message["signingCertificate"]:
            equipment = self._equipment
            event = equipment.dialect.security_event("InvalidFirmwareSigningCertificate", equipment.pace.now())
            self._later("SecurityEventNotification", lambda: equipment.tell(event))
            return {"status": "InvalidCertificate"}
        firmware = Firmware(
            location=message["location"],
            retrieve=read_time(message["retrieveDateTime"]),
            install=read_time(message["installDateTime"]) if "installDateTime" in message else None,
            request=params["requestId"],
            is_signed=True,
            retries=max(0, params.get("retries", 0)),
            retry_interval=params.get("retryInterval", 60),
        )
        return {"status": "AcceptedCanceled" if self._parts.transfers.update(firmware) else "Accepted"}

    def _install_certificate(self, params: Payload) -> Payload:
        try:
            is_new = self._certificates.install(params["certificateType"], params["certificate"])
        except CertificateError:
            return {"status": "Rejected"}
        return {"status": "Accepted" if is_new else "Failed"}

    def _get_installed_certificate_ids(self, params: Payload) -> Payload:
        found = self._certificates.of_kind(params["certificateType"])
        return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}

    def _delete_certificate(self, params: Payload) -> Payload:
        is_deleted = self._certificates.delete(params["certificateHashData"])
        return {"status": "Accepted" if is_deleted else "NotFound"}
