"""Firmware and logs (2.0.1 Part 2 L, N01; 1.6 §4.5, §5.9, §5.19; security whitepaper §4, §5)."""

from typing import ClassVar

import pytest

from tests.apps.station.laboratory import SECOND_GENERATION, VERSIONS, Lab

FILE = "https://files.example/wallbox-2.3.1.bin"
NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:10:00Z"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def update(lab, *, location=FILE, retrieve=NOW, **firmware):
    """Have the firmware updated; returns the status of the answer, None in 1.6, which has none."""
    if lab.is_16:
        return lab.ask("UpdateFirmware", {"location": location, "retrieveDate": retrieve}).get("status")
    made = {"location": location, "retrieveDateTime": retrieve, **firmware}
    return lab.status_of("UpdateFirmware", {"requestId": 5, "firmware": made})


def states(lab, action="FirmwareStatusNotification"):
    return [payload["status"] for payload in lab.sent(action)]


class TestAnUpdate:
    def test_1_6_goes_step_by_step_and_boots(self):
        lab = Lab()
        assert lab.ask("UpdateFirmware", {"location": FILE, "retrieveDate": NOW}) == {}
        lab.run_for(30)
        assert states(lab) == ["Downloading", "Downloaded", "Installing", "Installed"]
        assert lab.sent("BootNotification")[0]["firmwareVersion"] == "2.3.1"
        assert lab.station.firmware_status == "Installed"
        assert lab.station.firmware_version == "2.3.1"

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_tells_that_it_reboots(self, protocol):
        lab = Lab(protocol)
        assert update(lab) == "Accepted"
        lab.run_for(30)
        assert states(lab) == ["Downloading", "Downloaded", "Installing", "InstallRebooting", "Installed"]
        assert {payload["requestId"] for payload in lab.sent("FirmwareStatusNotification")} == {5}
        assert lab.sent("BootNotification")[0]["reason"] == "FirmwareUpdate"

    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_waits_for_its_time(self, protocol):
        lab = Lab(protocol)
        update(lab, retrieve=LATER)
        lab.run_for(500)
        assert states(lab) == ([] if lab.is_16 else ["DownloadScheduled"])
        lab.run_for(200)
        assert states(lab)[-1] == "Installed"

    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_is_not_installed_while_somebody_charges(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        update(lab)
        lab.run_for(100)
        assert states(lab)[-1] == "Downloaded"
        lab.run(lab.station.end(1))
        lab.run_for(30)
        assert states(lab)[-1] == "Installed"

    @pytest.mark.parametrize("protocol", VERSIONS)
    @pytest.mark.parametrize("location", ["gopher://files.example/a", "no place at all", "http://[broken"])
    def test_fails_where_nothing_can_be_fetched_from(self, protocol, location):
        lab = Lab(protocol)
        if lab.is_16:
            location = "gopher://files.example/a"  # its schema wants a URI
        update(lab, location=location)
        lab.run_for(30)
        assert states(lab) == ["Downloading", "DownloadFailed"]
        assert lab.station.firmware_version == "1.0.0"

    def test_is_tried_again_as_often_as_the_csms_wants(self):
        lab = Lab()
        place = {"location": "gopher://files.example/a", "retrieveDate": NOW}
        lab.ask("UpdateFirmware", {**place, "retries": 2, "retryInterval": 30})
        lab.run_for(100)
        assert states(lab) == ["Downloading"] * 3 + ["DownloadFailed"]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_a_second_one_takes_the_place_of_the_first(self, protocol):
        lab = Lab(protocol)
        assert update(lab, retrieve=LATER) == "Accepted"
        assert update(lab) == "AcceptedCanceled"
        lab.run_for(2000)
        assert states(lab).count("Installed") == 1

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_may_be_signed_and_installed_later(self, protocol):
        lab = Lab(protocol)
        signed = {"signature": "c2ln", "signingCertificate": CERTIFICATE}
        assert update(lab, **signed, installDateTime=LATER) == "Accepted"
        lab.run_for(30)
        assert states(lab) == ["Downloading", "Downloaded", "SignatureVerified", "InstallScheduled"]
        lab.run_for(1000)
        assert states(lab)[-1] == "Installed"

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_with_a_certificate_that_is_none_is_refused(self, protocol):
        lab = Lab(protocol)
        assert update(lab, signature="c2ln", signingCertificate="none") == "InvalidCertificate"
        assert states(lab) == []
        (event,) = lab.sent("SecurityEventNotification")
        assert event["type"] == "InvalidFirmwareSigningCertificate"

    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_may_be_asked_about(self, protocol):
        lab = Lab(protocol)
        update(lab)
        lab.run_for(3)
        lab.forget()
        lab.ask("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        assert states(lab)[0] == lab.station.firmware_status

    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_that_has_gone_well_leaves_nothing_to_ask_about(self, protocol):
        """1.6 §4.5, 2.0.1 L01.FR.25: Idle, which belongs to no request."""
        lab = Lab(protocol)
        update(lab)
        lab.run_for(60)
        lab.forget()
        lab.ask("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        assert lab.sent("FirmwareStatusNotification") == [{"status": "Idle"}]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_that_has_failed_is_told_again_with_its_number(self, protocol):
        lab = Lab(protocol)
        update(lab, location="nowhere")
        lab.run_for(60)
        lab.forget()
        lab.ask("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        assert lab.sent("FirmwareStatusNotification") == [{"status": "DownloadFailed", "requestId": 5}]


class TestASignedUpdateOf16:
    FIRMWARE: ClassVar = {
        "location": FILE, "retrieveDateTime": NOW, "signature": "c2ln", "signingCertificate": CERTIFICATE,
    }  # fmt: skip

    def test_goes_step_by_step(self):
        lab = Lab()
        assert lab.status_of("SignedUpdateFirmware", {"requestId": 5, "firmware": self.FIRMWARE}) == "Accepted"
        lab.run_for(30)
        assert states(lab, "SignedFirmwareStatusNotification") == [
            "Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed",
        ]  # fmt: skip

    def test_with_a_certificate_that_is_none_is_refused_and_told_to_the_guards(self):
        lab = Lab()
        firmware = {**self.FIRMWARE, "signingCertificate": "none"}
        assert lab.status_of("SignedUpdateFirmware", {"requestId": 5, "firmware": firmware}) == "InvalidCertificate"
        assert [event["type"] for event in lab.sent("SecurityEventNotification")] == [
            "InvalidFirmwareSigningCertificate"
        ]


class TestDiagnosticsOf16:
    def test_are_uploaded(self):
        lab = Lab()
        assert lab.ask("GetDiagnostics", {"location": "ftp://files.example/in"}) == {
            "fileName": "SIM-0001-2026-01-01T000000.log"
        }
        lab.run_for(5)
        assert states(lab, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"]
        assert lab.station.diagnostics_status == "Uploaded"

    def test_that_are_there_leave_nothing_to_ask_about(self):
        lab = Lab()
        lab.ask("GetDiagnostics", {"location": "ftp://files.example/in"})
        lab.run_for(5)
        lab.forget()
        lab.ask("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"})
        assert states(lab, "DiagnosticsStatusNotification") == ["Idle"]

    def test_may_fail(self):
        lab = Lab()
        lab.ask("GetDiagnostics", {"location": "gopher://files.example/in"})
        lab.run_for(5)
        assert states(lab, "DiagnosticsStatusNotification") == ["Uploading", "UploadFailed"]


@pytest.mark.parametrize("protocol", VERSIONS)
class TestALog:
    LOG: ClassVar = {"remoteLocation": "https://files.example/in"}

    def ask(self, lab, request, log=LOG):
        return lab.status_of("GetLog", {"log": log, "logType": "DiagnosticsLog", "requestId": request})

    def test_is_uploaded(self, protocol):
        lab = Lab(protocol)
        assert self.ask(lab, 3) == "Accepted"
        lab.run_for(5)
        assert lab.sent("LogStatusNotification") == [
            {"status": "Uploading", "requestId": 3},
            {"status": "Uploaded", "requestId": 3},
        ]

    def test_gives_way_to_another_one(self, protocol):
        lab = Lab(protocol)
        assert self.ask(lab, 3) == "Accepted"
        assert self.ask(lab, 4) == "AcceptedCanceled"
        lab.run_for(5)
        told = [("Uploading", 3), ("AcceptedCanceled", 3), ("Uploading", 4), ("Uploaded", 4)]
        if lab.is_16:
            told.remove(("AcceptedCanceled", 3))  # which its security extension lacks
        assert [(one["status"], one["requestId"]) for one in lab.sent("LogStatusNotification")] == told

    def test_that_the_power_has_cut_off_is_given_up(self, protocol):
        lab = Lab(protocol)
        self.ask(lab, 3)
        lab.run(lab.station.stop())
        lab.run(lab.station.start())
        assert self.ask(lab, 4) == "Accepted"

    def test_that_is_under_way_is_told_again_with_its_number(self, protocol):
        lab = Lab(protocol)
        self.ask(lab, 3)
        lab.forget()
        action = "ExtendedTriggerMessage" if lab.is_16 else "TriggerMessage"
        lab.ask(action, {"requestedMessage": "LogStatusNotification"})
        assert lab.sent("LogStatusNotification") == [{"status": "Uploading", "requestId": 3}]

    @pytest.mark.parametrize("location", ["https://files.example/in", "nowhere"])
    def test_that_has_ended_leaves_nothing_to_ask_about(self, protocol, location):
        lab = Lab(protocol)
        self.ask(lab, 3, {"remoteLocation": location})
        lab.run_for(5)
        lab.forget()
        action = "ExtendedTriggerMessage" if lab.is_16 else "TriggerMessage"
        lab.ask(action, {"requestedMessage": "LogStatusNotification"})
        assert lab.sent("LogStatusNotification") == [{"status": "Idle"}]

    def test_may_fail(self, protocol):
        lab = Lab(protocol)
        self.ask(lab, 3, {"remoteLocation": "nowhere"})
        lab.run_for(5)
        assert states(lab, "LogStatusNotification") == ["Uploading", "UploadFailure"]

    def test_may_be_asked_about(self, protocol):
        lab = Lab(protocol)
        action = "ExtendedTriggerMessage" if lab.is_16 else "TriggerMessage"
        assert lab.status_of(action, {"requestedMessage": "LogStatusNotification"}) == "Accepted"
        assert lab.sent("LogStatusNotification") == [{"status": "Idle"}]


def test_1_6_cannot_ask_for_a_certificate_of_its_own():
    lab = Lab()
    asked = {"requestedMessage": "SignChargePointCertificate"}
    assert lab.status_of("ExtendedTriggerMessage", asked) == "NotImplemented"
    assert lab.status_of("CertificateSigned", {"certificateChain": CERTIFICATE}) == "Rejected"
