"""What drivers do (2.0.1 Part 2 C, E, F; 1.6 §4.1, §4.8, §4.10, §5.11)."""

import pytest

from ocpp_apps.station import ConnectorError, NotAuthorizedError, StationError, UnknownConnectorError
from ocpp_apps.station.model.connector import Transaction
from tests.apps.station.laboratory import SECOND_GENERATION, VERSIONS, Lab
from tests.kinds import an

REFUSED = {"status": "Blocked"}


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


def refuse(lab, *actions):
    """Have the CSMS refuse every token, by these actions."""
    name = "idTagInfo" if lab.is_16 else "idTokenInfo"
    for action in actions:
        lab.client.answers[action] = {"transactionId": 7, name: REFUSED} if action == "StartTransaction" else {
            name: REFUSED
        }  # fmt: skip


class TestACable:
    def test_plugged_in_is_reported(self, lab):
        lab.run(lab.station.plug_in(1))
        assert lab.statuses() == [(1, "Preparing" if lab.is_16 else "Occupied")]
        lab.run(lab.station.unplug(1))
        assert lab.statuses()[1:] == [(1, "Available")]

    def test_can_only_be_where_it_is(self, lab):
        with pytest.raises(ConnectorError, match="not plugged in"):
            lab.run(lab.station.unplug(1))
        lab.run(lab.station.plug_in(1))
        with pytest.raises(ConnectorError, match="already plugged in"):
            lab.run(lab.station.plug_in(1))

    @pytest.mark.parametrize("number", [0, 3, -1, True])
    def test_needs_a_connector_that_exists(self, lab, number):
        with pytest.raises(UnknownConnectorError, match="from 1 to 2"):
            lab.run(lab.station.plug_in(number))


class TestTheBeginning:
    def test_1_6_authorizes_starts_and_reports(self):
        lab = Lab()
        transaction = lab.charge()
        assert lab.sent() == [
            "StatusNotification", "Authorize", "StartTransaction", "StatusNotification",
        ]  # fmt: skip
        assert lab.sent("Authorize") == [{"idTag": "04A1B2C3D4E5F6"}]
        (start,) = lab.sent("StartTransaction")
        assert (start["connectorId"], start["meterStart"], start["idTag"]) == (1, 0, transaction.id_token)
        assert transaction.id == 7
        assert lab.statuses()[-1] == (1, "Charging")

    @pytest.mark.parametrize("number", [True, "7", 7.5, None, []])
    def test_1_6_goes_on_with_1_below_0_for_a_number_that_is_none(self, number):
        lab = Lab()
        lab.client.answers["StartTransaction"] = {"idTagInfo": {"status": "Accepted"}, "transactionId": number}
        lab.charge()
        lab.run_for(70)
        (values,) = lab.sent("MeterValues")
        assert (values["transactionId"], type(values["transactionId"])) == (-1, int)

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_authorizes_and_sends_an_event(self, protocol):
        lab = Lab(protocol)
        transaction = lab.charge()
        assert lab.sent() == ["StatusNotification", "Authorize", "TransactionEvent"]
        (event,) = lab.sent("TransactionEvent")
        assert event["transactionInfo"] == {"transactionId": transaction.id, "chargingState": "Charging"}
        assert event["evse"] == {"id": 1, "connectorId": 1}
        assert event["idToken"] == {"idToken": "04A1B2C3D4E5F6", "type": "ISO14443"}
        assert (event["seqNo"], event["triggerReason"]) == (0, "Authorized")
        assert "offline" not in event
        assert event["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.Begin"

    def test_another_token_may_be_shown(self, lab):
        lab.run(lab.station.plug_in(1))
        assert lab.run(lab.station.begin(1, "OTHER")).id_token == "OTHER"

    def test_a_token_that_is_refused_begins_nothing(self, lab):
        refuse(lab, "Authorize")
        with pytest.raises(NotAuthorizedError, match="Blocked") as refusal:
            lab.charge()
        assert refusal.value.status == "Blocked"
        assert lab.events() == []
        assert lab.station.connectors[0].transaction is None

    def test_a_time_beyond_all_calendars_sets_no_end(self, lab):
        """The last second of the year 9999 west of Greenwich, by which some systems mean for ever."""
        never = "9999-12-31T23:59:59-05:00"
        about = {"expiryDate": never} if lab.is_16 else {"cacheExpiryDateTime": never}
        name = "idTagInfo" if lab.is_16 else "idTokenInfo"
        lab.client.answers["Authorize"] = {name: {"status": "Accepted", **about}}
        assert lab.charge() is not None

    def test_the_token_may_come_before_the_cable(self, lab):
        assert lab.run(lab.station.begin(2)) is None
        assert lab.station.connectors[1].transaction is None
        assert lab.station.connectors[1].status == ("Preparing" if lab.is_16 else "Available")
        lab.run(lab.station.plug_in(2))
        an(Transaction, lab.station.connectors[1].transaction)
        if not lab.is_16:
            assert lab.events() == ["Started CablePluggedIn"]

    def test_but_not_for_ever(self, lab):
        lab.run(lab.station.begin(2))
        lab.run_for(61)
        assert lab.station.connectors[1].status == "Available"
        lab.run(lab.station.plug_in(2))
        assert lab.station.connectors[1].transaction is None

    def test_is_impossible_twice(self, lab):
        lab.charge()
        with pytest.raises(ConnectorError, match="already has a transaction"):
            lab.run(lab.station.begin(1))
        lab.run(lab.station.begin(2))
        with pytest.raises(ConnectorError, match="authorized for another token"):
            lab.run(lab.station.begin(2))

    def test_is_impossible_where_something_is_broken(self, lab):
        lab.run(lab.station.fault(1, "GroundFailure"))
        with pytest.raises(ConnectorError, match="faulted: GroundFailure"):
            lab.run(lab.station.begin(1))

    def test_is_impossible_out_of_service(self, lab):
        change = {"connectorId": 1, "type": "Inoperative"}
        change = change if lab.is_16 else {"evse": {"id": 1}, "operationalStatus": "Inoperative"}
        assert lab.status_of("ChangeAvailability", change) == "Accepted"
        with pytest.raises(ConnectorError, match="out of service"):
            lab.run(lab.station.begin(1))

    def test_a_fault_while_the_csms_thinks_prevents_it(self, lab):
        lab.run(lab.station.plug_in(1))

        async def both():
            lab.clock.spawn(lab.station.fault(1, "GroundFailure"))
            await lab.station.begin(1)

        with pytest.raises(StationError, match="GroundFailure"):
            lab.run(both())
        assert lab.events() == []


class TestATokenThatTheCsmsRefusesLate:
    """1.6 §4.8 and 2.0.1 E05: the answer to the start of a transaction has the last word."""

    def test_ends_the_transaction(self, lab):
        refuse(lab, "StartTransaction", "TransactionEvent")
        lab.charge()
        lab.run_for(1)
        assert lab.station.connectors[0].transaction is None
        if lab.is_16:
            assert lab.sent("StopTransaction")[0]["reason"] == "DeAuthorized"
        else:
            assert lab.events()[-1] == "Ended Deauthorized"

    def test_or_goes_on_without_energy_where_the_csms_wants_that(self, lab):
        name, component = ("StopTransactionOnInvalidId", "") if lab.is_16 else ("StopTxOnInvalidId", "TxCtrlr")
        lab.station.configure(name, "false", component=component)
        refuse(lab, "StartTransaction", "TransactionEvent")
        transaction = lab.charge()
        lab.run_for(10)
        assert lab.station.connectors[0].transaction is transaction
        assert transaction.power_w == 0
        assert transaction.charging_state == "SuspendedEVSE"


class TestTheEnd:
    def test_is_reported_with_the_reason(self, lab):
        transaction = lab.charge()
        lab.run_for(1800)
        lab.forget()
        lab.run(lab.station.end(1))
        if lab.is_16:
            (stop,) = lab.sent("StopTransaction")
            assert (stop["transactionId"], stop["meterStop"], stop["reason"]) == (7, 5500, "Local")
            assert lab.statuses() == [(1, "Finishing")]
        else:
            (event,) = lab.sent("TransactionEvent")
            assert (event["eventType"], event["triggerReason"]) == ("Ended", "StopAuthorized")
            assert event["transactionInfo"]["stoppedReason"] == "Local"
            assert event["transactionInfo"]["chargingState"] == "EVConnected"
            assert event["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.End"
        assert transaction.energy_wh == pytest.approx(5500, abs=1)

    def test_nothing_flows_afterwards(self, lab):
        transaction = lab.charge()
        lab.run_for(60)
        lab.run(lab.station.end(1))
        energy = transaction.energy_wh
        lab.run_for(60)
        assert (transaction.energy_wh, transaction.power_w) == (energy, 0)
        assert lab.station.connectors[0].energy_wh == energy

    def test_needs_a_transaction(self, lab):
        with pytest.raises(ConnectorError, match="no transaction"):
            lab.run(lab.station.end(1))

    def test_needs_a_reason_that_the_version_has(self, lab):
        lab.charge()
        with pytest.raises(ValueError, match="EVDisconnected"):
            lab.run(lab.station.end(1, "Boredom"))

    def test_every_reason_conforms(self, lab):
        for reason in lab.station.stop_reasons:
            if not lab.station.connectors[0].is_plugged:
                lab.run(lab.station.plug_in(1))
            lab.run(lab.station.begin(1))
            lab.run(lab.station.end(1, reason))
        assert len(lab.station.stop_reasons) > 10

    def test_the_meter_goes_on_where_it_was(self, lab):
        lab.charge()
        lab.run_for(1800)
        lab.run(lab.station.end(1))
        second = lab.run(lab.station.begin(1))
        assert second.meter_start == pytest.approx(5500, abs=1)

    def test_unplugging_ends_it(self, lab):
        lab.charge()
        lab.run(lab.station.unplug(1))
        if lab.is_16:
            assert lab.sent("StopTransaction")[0]["reason"] == "EVDisconnected"
        else:
            assert lab.events()[-1] == "Ended EVCommunicationLost"
            assert lab.sent("TransactionEvent")[-1]["transactionInfo"]["chargingState"] == "Idle"
        assert lab.statuses()[-1] == (1, "Available")

    def test_unless_the_csms_wants_it_otherwise(self, lab):
        name, component = (
            ("StopTransactionOnEVSideDisconnect", "") if lab.is_16 else ("StopTxOnEVSideDisconnect", "TxCtrlr")
        )
        lab.station.configure(name, "false", component=component)
        transaction = lab.charge()
        lab.run(lab.station.unplug(1))
        assert lab.station.connectors[0].transaction is transaction
        assert transaction.charging_state == "SuspendedEV"
        lab.run(lab.station.plug_in(1))
        assert transaction.charging_state == "Charging"

    def test_1_6_sends_the_first_and_last_values_where_the_csms_wants_them(self):
        lab = Lab()
        lab.station.configure("StopTxnSampledData", "Energy.Active.Import.Register")
        lab.charge()
        lab.run_for(3600)
        lab.run(lab.station.end(1))
        data = lab.sent("StopTransaction")[0]["transactionData"]
        values = [one["sampledValue"][0] for one in data]
        assert [value["context"] for value in values] == ["Transaction.Begin", "Transaction.End"]
        assert float(values[0]["value"]) == 0
        assert float(values[1]["value"]) == pytest.approx(11_000, abs=1)

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_numbers_its_events_without_a_gap(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        lab.run_for(200)
        lab.run(lab.station.end(1))
        assert [event["seqNo"] for event in lab.sent("TransactionEvent")] == list(range(5))


class TestAFault:
    def test_is_reported_and_ends_the_transaction(self, lab):
        lab.charge()
        lab.forget()
        lab.run(lab.station.fault(1, "OverCurrentFailure"))
        assert lab.statuses() == [(1, "Faulted")]
        if lab.is_16:
            assert lab.sent("StopTransaction")[0]["reason"] == "Other"
            assert lab.sent("StatusNotification")[0]["errorCode"] == "OverCurrentFailure"
        else:
            assert lab.events() == ["Ended AbnormalCondition"]
            assert lab.sent("TransactionEvent")[0]["transactionInfo"]["stoppedReason"] == "OvercurrentFault"
            assert lab.sent("NotifyEvent")[0]["eventData"][0]["techCode"] == "OverCurrentFailure"

    def test_is_over_when_it_is_cleared(self, lab):
        lab.run(lab.station.fault(1, "HighTemperature"))
        lab.run(lab.station.clear_fault(1))
        assert lab.statuses()[-1] == (1, "Available")
        if not lab.is_16:
            began, ended = [event["eventData"][0] for event in lab.sent("NotifyEvent")]
            assert (began["cleared"], ended["cleared"]) == (False, True)
            assert began["eventId"] != ended["eventId"]
        with pytest.raises(ConnectorError, match="no fault"):
            lab.run(lab.station.clear_fault(1))

    def test_needs_a_code_that_the_version_has(self, lab):
        with pytest.raises(ValueError, match="GroundFailure"):
            lab.run(lab.station.fault(1, "Bored"))

    def test_every_code_conforms(self, lab):
        for code in lab.station.fault_codes:
            lab.run(lab.station.fault(1, code))
        assert lab.station.connectors[0].fault == lab.station.fault_codes[-1]


class TestTwoConnectors:
    def test_charge_at_the_same_time(self, lab):
        answers = iter([7, 8])
        lab.client.answers["StartTransaction"] = lambda _: {
            "idTagInfo": {"status": "Accepted"},
            "transactionId": next(answers),
        }
        first, second = lab.charge(1), lab.charge(2)
        assert first.id != second.id
        lab.run_for(60)
        lab.run(lab.station.end(1))
        assert lab.station.connectors[1].transaction is second
