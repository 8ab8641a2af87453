"""What a CSMS may command in every version: availability, remote transactions, tokens, reservations, triggers."""

import pytest

from ocpp_apps.station.model.connector import Transaction
from ocpp_core.errors import RPCError
from tests.apps.station.laboratory import SECOND_GENERATION, VERSIONS, Lab
from tests.apps.station.words import Words
from tests.kinds import an


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


@pytest.fixture
def csms(lab):
    return Words(lab)


class TestChangeAvailability:
    def test_of_a_connector(self, lab, csms):
        assert csms.available(2, "Inoperative") == "Accepted"
        assert lab.statuses() == [(2, "Unavailable")]
        assert csms.available(2, "Operative") == "Accepted"
        assert lab.statuses()[1:] == [(2, "Available")]

    def test_of_the_station(self, lab, csms):
        assert csms.available(0, "Inoperative") == "Accepted"
        assert sorted(lab.statuses()) == [(place, "Unavailable") for place in ([0, 1, 2] if lab.is_16 else [1, 2])]
        assert lab.station.availability == "Inoperative"

    def test_waits_for_the_end_of_a_transaction(self, lab, csms):
        lab.charge()
        assert csms.available(1, "Inoperative") == "Scheduled"
        assert lab.station.connectors[0].transaction is not None
        lab.run(lab.station.end(1))
        assert lab.station.connectors[0].status == "Unavailable"

    def test_survives_a_reset(self, lab, csms):
        csms.available(2, "Inoperative")
        lab.ask("Reset", {"type": "Soft" if lab.is_16 else "Immediate"})
        lab.run_for(5)
        assert lab.statuses()[-1] == (2, "Unavailable")

    def test_of_what_is_not_there_is_rejected(self, csms):
        assert csms.available(3, "Inoperative") == "Rejected"


class TestARemoteStart:
    def test_begins_where_a_car_waits(self, lab, csms):
        lab.run(lab.station.plug_in(2))
        assert csms.start() == "Accepted"
        transaction = lab.station.connectors[1].transaction
        assert transaction.id_token == "REMOTE"
        if not lab.is_16:
            (event,) = lab.sent("TransactionEvent")
            assert (event["triggerReason"], event["transactionInfo"]["remoteStartId"]) == ("RemoteStart", 42)

    def test_does_not_ask_about_the_token(self, lab, csms):
        lab.run(lab.station.plug_in(1))
        csms.start(1)
        assert "Authorize" not in lab.sent()

    def test_unless_the_csms_wants_that(self, lab, csms):
        csms.switch("AuthorizeRemoteTxRequests", "AuthorizeRemoteStart", "AuthCtrlr", "true")
        lab.run(lab.station.plug_in(1))
        csms.start(1)
        assert "Authorize" in lab.sent()

    def test_waits_for_the_cable(self, lab, csms):
        assert csms.start(1) == "Accepted"
        assert lab.station.connectors[0].transaction is None
        lab.run(lab.station.plug_in(1))
        assert an(Transaction, lab.station.connectors[0].transaction).id_token == "REMOTE"

    def test_is_rejected_where_none_can_begin(self, lab, csms):
        lab.charge()
        assert csms.start(1) == "Rejected"
        assert csms.start(9) == "Rejected"
        lab.run(lab.station.fault(2, "GroundFailure"))
        assert csms.start() == "Rejected"

    def test_that_fails_is_noted(self, lab, csms):
        csms.switch("AuthorizeRemoteTxRequests", "AuthorizeRemoteStart", "AuthCtrlr", "true")
        name = "idTagInfo" if lab.is_16 else "idTokenInfo"
        lab.client.answers["Authorize"] = {name: {"status": "Blocked"}}
        assert csms.start(1) == "Accepted"
        (note,) = [entry for entry in lab.station.log if entry.kind == "NOTE"]
        assert "Blocked" in note.problem


class TestARemoteStop:
    def test_ends_the_transaction(self, lab, csms):
        transaction = lab.charge()
        assert csms.stop(transaction.id) == "Accepted"
        if lab.is_16:
            assert lab.sent("StopTransaction")[0]["reason"] == "Remote"
        else:
            assert lab.events()[-1] == "Ended RemoteStop"

    def test_of_another_one_is_rejected(self, lab, csms):
        lab.charge()
        assert csms.stop(8 if lab.is_16 else "8") == "Rejected"


class TestUnlockConnector:
    def test_that_is_free(self, csms):
        assert csms.unlock(1) == "Unlocked"

    def test_1_6_ends_the_transaction(self):
        lab = Lab()
        lab.charge()
        assert Words(lab).unlock(1) == "Unlocked"
        assert lab.sent("StopTransaction")[0]["reason"] == "UnlockCommand"

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_leaves_the_transaction(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        assert Words(lab).unlock(1) == "OngoingAuthorizedTransaction"

    def test_that_is_not_there(self, lab, csms):
        assert csms.unlock(9) == ("NotSupported" if lab.is_16 else "UnknownConnector")

    def test_whose_lock_is_broken(self, lab, csms):
        lab.run(lab.station.fault(1, "ConnectorLockFailure"))
        assert csms.unlock(1) == "UnlockFailed"


class TestReservations:
    def test_keep_a_connector_for_a_token(self, lab, csms):
        assert csms.reserve(1) == "Accepted"
        assert lab.statuses() == [(1, "Reserved")]
        lab.run(lab.station.plug_in(1))
        with pytest.raises(Exception, match="reserved for another token"):
            lab.run(lab.station.begin(1))
        transaction = lab.run(lab.station.begin(1, "reserved"))
        assert transaction.reservation_id == 1
        action = "StartTransaction" if lab.is_16 else "TransactionEvent"
        assert lab.sent(action)[0]["reservationId"] == 1

    def test_end_in_time(self, lab, csms):
        csms.reserve(1)
        lab.run_for(3601)
        assert lab.statuses() == [(1, "Reserved"), (1, "Available")]
        if not lab.is_16:
            assert lab.sent("ReservationStatusUpdate") == [{"reservationId": 1, "reservationUpdateStatus": "Expired"}]

    def test_end_in_time_though_the_station_was_off_meanwhile(self, lab, csms):
        csms.reserve(1)
        lab.run(lab.station.stop())
        lab.run(lab.station.start())
        assert lab.statuses()[-2:] == [(1, "Reserved"), (2, "Available")]
        lab.run_for(3601)
        assert lab.statuses()[-1] == (1, "Available")

    def test_leave_nothing_behind_when_they_are_replaced_or_cancelled(self, lab, csms):
        before = len(lab.clock.alive)
        for connector in (1, 1, 2, 1):
            csms.reserve(connector)
        assert len(lab.clock.alive) == before + 1
        csms.cancel(1)
        assert len(lab.clock.alive) == before

    def test_can_be_cancelled(self, lab, csms):
        csms.reserve(1)
        assert csms.cancel(1) == "Accepted"
        assert lab.statuses()[-1] == (1, "Available")
        assert csms.cancel(1) == "Rejected"

    def test_are_replaced_by_their_id(self, lab, csms):
        csms.reserve(1)
        assert csms.reserve(2) == "Accepted"
        assert [connector.reservation is not None for connector in lab.station.connectors] == [False, True]

    def test_with_a_time_that_is_none_are_refused(self, csms):
        with pytest.raises(RPCError, match="expected an ISO 8601 time, got '2026-01-01T00:00:60Z'"):
            csms.reserve(1, until="2026-01-01T00:00:60Z")

    def test_are_refused_where_they_cannot_be_kept(self, lab, csms):
        lab.run(lab.station.plug_in(1))
        assert csms.reserve(1) == "Occupied"
        csms.reserve(2)
        assert csms.reserve(2, reservation=2) == "Occupied"
        assert csms.start(2, "other") == "Rejected"
        csms.cancel(1)
        csms.available(2, "Inoperative")
        assert csms.reserve(2) == "Unavailable"
        lab.run(lab.station.fault(2, "GroundFailure"))
        assert csms.reserve(2) == "Faulted"
        assert csms.reserve(0) == "Rejected"
        assert csms.reserve(1, until="2025-01-01T00:00:00Z") == "Rejected"


class TestTheLocalList:
    def test_is_taken_with_its_version(self, csms):
        assert csms.list_version == 0
        assert csms.send_list(5, "Full", ("A", "Accepted"), ("B", "Blocked")) == "Accepted"
        assert csms.list_version == 5

    def test_is_changed_by_differences(self, lab, csms):
        csms.send_list(5, "Full", ("A", "Accepted"), ("B", "Blocked"))
        assert csms.send_list(5, "Differential", ("B", None)) == "VersionMismatch"
        assert csms.send_list(6, "Differential", ("B", None), ("C", "Accepted")) == "Accepted"
        assert csms.list_version == 6

    def test_is_refused_where_it_says_nothing_of_a_token(self, csms):
        assert csms.send_list(5, "Full", ("A", None)) == "Failed"
        assert csms.list_version == 0

    def test_counts_without_a_connection(self, lab, csms):
        csms.send_list(1, "Full", ("04A1B2C3D4E5F6", "Blocked"))
        lab.client.cut()
        with pytest.raises(Exception, match="Blocked"):
            lab.charge()

    def test_spares_a_question_where_the_csms_wants_that(self, lab, csms):
        csms.send_list(1, "Full", ("04a1b2c3d4e5f6", "Accepted"))
        csms.switch("LocalPreAuthorize", "LocalPreAuthorize", "AuthCtrlr", "true")
        assert lab.charge() is not None
        assert "Authorize" not in lab.sent()

    def test_is_not_taken_where_it_is_switched_off(self, lab, csms):
        csms.switch("LocalAuthListEnabled", "Enabled", "LocalAuthListCtrlr", "false")
        assert csms.send_list(1, "Full", ("A", "Accepted")) == ("NotSupported" if lab.is_16 else "Failed")
        assert csms.list_version == (-1 if lab.is_16 else 0)


class TestTheCache:
    def test_is_cleared_unless_it_is_switched_off(self, lab, csms):
        assert lab.status_of("ClearCache") == "Accepted"
        csms.switch("AuthorizationCacheEnabled", "Enabled", "AuthCacheCtrlr", "false")
        assert lab.status_of("ClearCache") == "Rejected"

    def test_forgets(self, lab, csms):
        lab.charge()
        lab.run(lab.station.end(1))
        csms.switch("AllowOfflineTxForUnknownId", "OfflineTxForUnknownIdEnabled", "AuthCtrlr", "false")
        lab.ask("ClearCache")
        lab.client.cut()
        with pytest.raises(Exception, match="may not charge"):
            lab.run(lab.station.begin(1))


class TestTriggers:
    @pytest.mark.parametrize("message", ["Heartbeat", "FirmwareStatusNotification"])
    def test_send_what_is_asked_for(self, lab, csms, message):
        assert csms.trigger(message) == "Accepted"
        assert lab.sent() == [message]

    def test_send_the_status_of_a_connector(self, lab, csms):
        assert csms.trigger("StatusNotification", 2, connectorId=1) == "Accepted"
        assert lab.statuses() == [(2, "Available")]

    def test_1_6_sends_the_status_of_all(self):
        lab = Lab()
        assert Words(lab).trigger("StatusNotification") == "Accepted"
        assert [place for place, _ in lab.statuses()] == [0, 1, 2]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    @pytest.mark.parametrize(
        "place", [{}, {"evse": {"id": 1}}, {"evse": {"id": 0, "connectorId": 1}}, {"evse": {"id": 1, "connectorId": 2}}]
    )
    def test_2_needs_evse_and_connector_for_a_status(self, protocol, place):
        """2.0.1 Part 2, F06.FR.12."""
        lab = Lab(protocol)
        params = {"requestedMessage": "StatusNotification", **place}
        assert lab.status_of("TriggerMessage", params) == "Rejected"
        assert lab.sent() == []

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_sends_the_status_of_a_fault_and_not_the_fault_again(self, protocol):
        lab = Lab(protocol)
        lab.run(lab.station.fault(1, "GroundFailure"))
        lab.forget()
        assert Words(lab).trigger("StatusNotification", 1, connectorId=1) == "Accepted"
        assert (lab.sent(), lab.statuses()) == (["StatusNotification"], [(1, "Faulted")])

    def test_send_meter_values(self, lab, csms):
        assert csms.trigger("MeterValues", 1) == "Accepted"
        (values,) = lab.sent("MeterValues")
        assert {one["context"] for one in values["meterValue"][0]["sampledValue"]} == {"Trigger"}

    def test_send_the_meter_values_that_the_version_says(self, lab, csms):
        """1.6 §5.17: MeterValuesSampledData; 2.0.1 Part 2 F06.FR.06: AlignedDataMeasurands."""
        csms.switch("MeterValuesSampledData", "Measurands", "AlignedDataCtrlr", "Power.Active.Import")
        assert csms.trigger("MeterValues") == "Accepted"
        sent = [one["meterValue"][0]["sampledValue"] for one in lab.sent("MeterValues")]
        assert [[value["measurand"] for value in values] for values in sent] == [["Power.Active.Import"]] * 2

    def test_without_a_measurand_send_no_meter_values_and_say_so(self, lab, csms):
        csms.switch("MeterValuesSampledData", "Measurands", "AlignedDataCtrlr", "")
        assert csms.trigger("MeterValues", 1) == "Rejected"
        assert lab.sent() == []

    @pytest.mark.parametrize("message", ["StatusNotification", "MeterValues"])
    def test_of_what_is_not_there_are_rejected(self, csms, message):
        assert csms.trigger(message, 9, connectorId=1) == "Rejected"

    @pytest.mark.parametrize("message", ["FirmwareStatusNotification", "Heartbeat"])
    def test_ignore_a_place_that_the_message_does_not_need(self, lab, csms, message):
        """1.6 §5.17; 2.0.1 Part 2 F06.FR.03."""
        assert csms.trigger(message, 9) == "Accepted"
        assert lab.sent() == [message]

    def test_1_6_boots_and_tells_of_diagnostics(self):
        lab = Lab()
        assert Words(lab).trigger("BootNotification") == "Accepted"
        assert Words(lab).trigger("DiagnosticsStatusNotification") == "Accepted"
        assert lab.sent() == ["BootNotification", "DiagnosticsStatusNotification"]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_does_not_boot_once_it_is_accepted(self, protocol):
        assert Words(Lab(protocol)).trigger("BootNotification") == "Rejected"

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_sends_events_of_transactions_if_there_are_any(self, protocol):
        lab = Lab(protocol)
        assert Words(lab).trigger("TransactionEvent") == "Rejected"
        lab.charge()
        assert Words(lab).trigger("TransactionEvent", 1) == "Accepted"
        assert lab.events()[-1] == "Updated Trigger"
        lab.station.configure("TxUpdatedMeasurands", "", component="SampledDataCtrlr")
        lab.forget()
        assert Words(lab).trigger("TransactionEvent", 1) == "Accepted"
        assert lab.events() == ["Updated Trigger"]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    @pytest.mark.parametrize("place", [None, 9])
    def test_2_cannot_sign_wherever(self, protocol, place):
        assert Words(Lab(protocol)).trigger("SignChargingStationCertificate", place) == "NotImplemented"


class TestDataTransfer:
    def test_knows_no_vendor(self, lab):
        assert lab.status_of("DataTransfer", {"vendorId": "Somebody"}) == "UnknownVendorId"
        assert lab.status_of("DataTransfer", {"vendorId": "Example"}) == "UnknownMessageId"
