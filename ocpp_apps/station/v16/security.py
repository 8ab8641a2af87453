"""The security extension of OCPP 1.6, without its cryptography."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TypeAlias

from ocpp_apps.station.model.certificates import CertificateError, CertificateStore
from ocpp_apps.station.model.dialect import Payload
from ocpp_apps.station.operation.commands import Command, Commands, Parts

__all__ = ["Security16"]

Trigger: TypeAlias = Callable[[str, int | None], str]


class Security16(Commands):
    """GetLog, signed updates, root certificates, further triggers.

    The station cannot generate keys, so it neither requests a certificate nor accepts one for itself. It cannot verify
    signatures, so it accepts those with anything that looks like a certificate.
    """

    def __init__(self, parts: Parts, trigger: Trigger) -> None:
        super().__init__(parts)
        self._trigger = trigger
        self._certificates = CertificateStore()

    @cached_property
    def table(self) -> Mapping[str, Command]:
        """The supported actions and their handlers."""
        return {
            "CertificateSigned": lambda _: {"status": "Rejected"},
            "DeleteCertificate": self._delete_certificate,
            "ExtendedTriggerMessage": self._extended_trigger_message,
            "GetInstalledCertificateIds": self._get_installed_certificate_ids,
            "GetLog": self._upload_requested_log,
            "InstallCertificate": self._install_certificate,
            "SignedUpdateFirmware": self._update_requested_firmware,
        }

    def _extended_trigger_message(self, params: Payload) -> Payload:
        message, transfers = params["requestedMessage"], self._parts.transfers
        if message == "SignChargePointCertificate":
            return {"status": "NotImplemented"}
        if message == "LogStatusNotification":
            self._later(message, partial(transfers.report_log, is_diagnostics=False))
            return {"status": "Accepted"}
        return {"status": self._trigger(message, params.get("connectorId"))}

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
