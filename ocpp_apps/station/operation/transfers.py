"""Simulated firmware updates and log uploads, which report their states but transfer no data."""

from dataclasses import dataclass
from datetime import datetime
from re import compile as regex
from typing import Final
from urllib.parse import urlsplit

from ocpp_apps.station.clock import Task
from ocpp_core.times import write_time

from .equipment import Equipment, call_off
from .life import Life

__all__ = ["Firmware", "Transfers"]

_SCHEMES: Final = frozenset({"ftp", "ftps", "http", "https", "sftp"})
_VERSION: Final = regex(r"\d+(?:\.\d+)+")
_IDLE_CHECK: Final = 1.0
"""Seconds between two checks whether all transactions have ended."""


@dataclass(frozen=True, kw_only=True)
class Firmware:
    """A firmware update that the CSMS requested. `request` is its request id; None in plain 1.6."""

    location: str
    retrieve: datetime
    install: datetime | None = None
    request: int | None = None
    is_signed: bool = False
    retries: int = 0
    retry_interval: float = 60.0


@dataclass(frozen=True, eq=False)
class _Upload:
    """An upload that the CSMS requested. `request` is its request id; None for diagnostics of 1.6."""

    location: str
    request: int | None

    @property
    def is_of_diagnostics(self) -> bool:
        return self.request is None


class Transfers:
    """Runs at most one update and one upload. The states are those last reported, at first Idle."""

    def __init__(self, equipment: Equipment, life: Life) -> None:
        self._equipment = equipment
        self._life = life
        self.firmware_status: str = "Idle"
        self.diagnostics_status: str = "Idle"
        self._firmware: Firmware | None = None
        """The update in progress."""
        self._last_firmware: Firmware | None = None
        """The update that was last reported."""
        self._upload: _Upload | None = None
        """The upload in progress."""
        self._updating: Task | None = None
        self._uploading: Task | None = None

    # Firmware

    def update(self, firmware: Firmware) -> bool:
        """Start an update. Returns True if it replaces another one."""
        replaced = self._firmware is not None
        call_off(self._updating)
        self._firmware = firmware
        self._updating = self._equipment.spawn("the update of the firmware", self._update, firmware)
        return replaced

    async def report_firmware(self) -> None:
        """Report the state on request of the CSMS. After a successful update it is Idle."""
        firmware = self._last_firmware
        if firmware is None or self.firmware_status == "Installed":
            is_signed = firmware is not None and firmware.is_signed
            await self._equipment.send(self._equipment.dialect.firmware_status("Idle", None, is_signed=is_signed))
        else:
            await self._report_firmware(self.firmware_status, firmware)

    async def _report_firmware(self, status: str, firmware: Firmware) -> None:
        equipment = self._equipment
        self.firmware_status, self._last_firmware = status, firmware
        equipment.changed()
        call = equipment.dialect.firmware_status(status, firmware.request, is_signed=firmware.is_signed)
        await equipment.send(call)

    async def _update(self, firmware: Firmware) -> None:
        try:
            if await self._download(firmware):
                await self._install(firmware)
        finally:
            if self._firmware is firmware:
                self._firmware = None

    async def _download(self, firmware: Firmware) -> bool:
        has_more_states = firmware.request is not None
        if has_more_states and firmware.retrieve > self._equipment.clock.now():
            await self._report_firmware("DownloadScheduled", firmware)
        await self._until(firmware.retrieve)
        for attempt in range(firmware.retries + 1):
            if attempt:
                await self._equipment.clock.sleep(firmware.retry_interval)
            await self._report_firmware("Downloading", firmware)
            await self._equipment.clock.sleep(self._equipment.settings.transfer_seconds)
            if is_reachable(firmware.location):
                await self._report_firmware("Downloaded", firmware)
                return True
        await self._report_firmware("DownloadFailed", firmware)
        return False

    async def _install(self, firmware: Firmware) -> None:
        """Install at the requested time when no transaction runs, restart, and report the result."""
        equipment = self._equipment
        if firmware.is_signed:
            await self._report_firmware("SignatureVerified", firmware)
        if firmware.install is not None and firmware.install > equipment.clock.now():
            await self._report_firmware("InstallScheduled", firmware)
            await self._until(firmware.install)
        while equipment.busy:
            await equipment.clock.sleep(_IDLE_CHECK)
        await self._report_firmware("Installing", firmware)
        await equipment.clock.sleep(equipment.settings.transfer_seconds)
        if firmware.request is not None:
            await self._report_firmware("InstallRebooting", firmware)
        equipment.firmware_version = version_of(firmware.location) or equipment.firmware_version
        await self._life.reboot("FirmwareUpdate", "Reboot")
        await self._report_firmware("Installed", firmware)

    async def _until(self, moment: datetime) -> None:
        await self._equipment.clock.sleep((moment - self._equipment.clock.now()).total_seconds())

    # Logs

    def upload_log(self, location: str, request: int | None) -> bool:
        """Start an upload, of diagnostics without a request id. Returns True if it replaces another one."""
        replaced, self._upload = self._upload, _Upload(location, request)
        call_off(self._uploading)
        self._uploading = self._equipment.spawn("the upload of a log", self._run_upload, self._upload, replaced)
        return replaced is not None

    async def report_log(self, *, is_diagnostics: bool) -> None:
        """Report the state on request of the CSMS. After the end of an upload it is Idle.

        1.6 §4.4; the enumeration UploadLogStatus of 1.6's security extension and of 2.0.1 Part 2.
        """
        upload = self._upload
        if upload is not None and upload.is_of_diagnostics is is_diagnostics:
            await self._report_log("Uploading", upload)
        else:
            call = self._equipment.dialect.log_status("Idle", None, is_diagnostics=is_diagnostics)
            await self._equipment.send(call)

    async def _report_log(self, status: str, upload: _Upload) -> None:
        self.diagnostics_status = status
        self._equipment.changed()
        call = self._equipment.dialect.log_status(status, upload.request, is_diagnostics=upload.is_of_diagnostics)
        await self._equipment.send(call)

    async def _run_upload(self, upload: _Upload, replaced: _Upload | None) -> None:
        equipment = self._equipment
        try:
            if replaced is not None and replaced.request is not None:
                await equipment.send(equipment.dialect.log_canceled(replaced.request))
            await self._report_log("Uploading", upload)
            await equipment.clock.sleep(equipment.settings.transfer_seconds)
        finally:
            if self._upload is upload:
                self._upload = None
        await self._report_log("Uploaded" if is_reachable(upload.location) else "UploadFailure", upload)

    def file_name(self) -> str:
        """Return the name of the uploaded file."""
        stamp = write_time(self._equipment.clock.now()).replace(":", "").partition(".")[0]
        return f"{self._equipment.settings.serial}-{stamp}.log"


def is_reachable(location: str) -> bool:
    """Return True if the URL has a host and a scheme that stations support."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.hostname)


def version_of(location: str) -> str | None:
    """Return the version in the name of a file, or None without one."""
    found = _VERSION.search(location.rpartition("/")[2])
    return found[0][:50] if found else None
