"""Meter values and power (2.0.1 Part 2 J; 1.6 §3.16, §4.7)."""

import pytest

from tests.apps.station.laboratory import SECOND_GENERATION, VERSIONS, Lab


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


def configure(lab, name16, name2, component, value):
    if lab.is_16:
        lab.station.configure(name16, value)
    else:
        lab.station.configure(name2, value, component=component)


def values(lab):
    """What was measured in the messages so far, by measurand, of the last one."""
    payload = lab.sent("MeterValues" if lab.is_16 else "TransactionEvent")[-1]
    return {one["measurand"]: float(one["value"]) for one in payload["meterValue"][0]["sampledValue"]}


class TestAMeter:
    def test_counts_what_flows(self, lab):
        transaction = lab.charge()
        lab.run_for(1800)
        assert transaction.energy_wh == pytest.approx(5500, abs=1)
        assert lab.station.connectors[0].energy_wh == transaction.energy_wh
        assert transaction.power_w == 11_000
        assert lab.station.connectors[1].energy_wh == 0

    def test_never_runs_backwards(self, lab):
        lab.charge()
        readings = []
        for watts in (11_000, 0, 3000):
            lab.run(lab.station.set_power(1, watts))
            lab.run_for(100)
            readings.append(lab.station.connectors[0].energy_wh)
        assert readings == sorted(readings)
        assert readings[1] == pytest.approx(readings[0])


class TestSamples:
    def test_come_at_the_interval(self, lab):
        transaction = lab.charge()
        lab.forget()
        lab.run_for(185)
        assert len(lab.events()) == 3
        assert [round((sample.at - transaction.started_at).total_seconds()) for sample in transaction.samples] == [
            0, 60, 120, 180,
        ]  # fmt: skip

    def test_the_csms_may_change_it_at_once(self, lab):
        lab.charge()
        lab.forget()
        configure(lab, "MeterValueSampleInterval", "TxUpdatedInterval", "SampledDataCtrlr", "10")
        lab.run_for(35)
        assert len(lab.events()) == 3

    def test_none_come_at_0(self, lab):
        configure(lab, "MeterValueSampleInterval", "TxUpdatedInterval", "SampledDataCtrlr", "0")
        lab.charge()
        lab.forget()
        lab.run_for(10_000)
        assert lab.events() == []

    def test_have_what_the_csms_wants(self, lab):
        every = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,Power.Offered,Current.Offered"
        configure(lab, "MeterValuesSampledData", "TxUpdatedMeasurands", "SampledDataCtrlr", every)
        lab.charge()
        lab.run(lab.station.set_power(1, 6900))
        lab.run_for(61)
        measured = values(lab)
        assert measured.pop("Energy.Active.Import.Register") == pytest.approx(6900 / 60, rel=0.01)
        assert measured == {
            "Power.Active.Import": 6900,
            "Current.Import": 10,
            "Voltage": 230,
            "Power.Offered": 11_000,
            "Current.Offered": 15.9,
        }

    def test_without_a_measurand_are_not_sent(self, lab):
        configure(lab, "MeterValuesSampledData", "TxUpdatedMeasurands", "SampledDataCtrlr", "")
        transaction = lab.charge()
        lab.forget()
        lab.run_for(200)
        assert lab.events() == []
        assert len(transaction.samples) == 4

    def test_of_the_phases_that_there_are(self):
        lab = Lab(phases=1, max_power=2300)
        lab.charge()
        lab.run_for(61)
        assert values(lab)["Current.Import"] == 10


class TestByTheClock:
    def test_every_connector_is_measured(self, lab):
        configure(lab, "ClockAlignedDataInterval", "Interval", "AlignedDataCtrlr", "900")
        lab.run_for(100)
        lab.charge()
        lab.forget()
        lab.run_for(900)
        sampled = [
            value
            for payload in lab.sent("MeterValues") + lab.sent("TransactionEvent")
            for value in payload.get("meterValue", ())
        ]
        stamps = [
            value["timestamp"][11:19] for value in sampled if value["sampledValue"][0]["context"] == "Sample.Clock"
        ]
        assert stamps == ["00:15:00", "00:15:00"]

    def test_no_longer_when_the_csms_wants_that(self, lab):
        for value in ("900", "0"):
            configure(lab, "ClockAlignedDataInterval", "Interval", "AlignedDataCtrlr", value)
        lab.run_for(10_000)
        assert lab.sent("MeterValues") == []


class TestThePowerOfTheCar:
    def test_is_what_it_takes_up_to_what_the_station_gives(self, lab):
        transaction = lab.charge()
        lab.run(lab.station.set_power(1, 4000))
        assert transaction.power_w == 4000
        lab.run(lab.station.set_power(1, 50_000))
        assert transaction.power_w == 11_000

    def test_is_none_when_the_car_suspends(self, lab):
        lab.charge()
        lab.forget()
        lab.run(lab.station.set_power(1, 0))
        lab.run_for(1)
        if lab.is_16:
            assert lab.statuses() == [(1, "SuspendedEV")]
        else:
            assert lab.events() == ["Updated ChargingStateChanged"]
            assert lab.sent("TransactionEvent")[0]["transactionInfo"]["chargingState"] == "SuspendedEV"

    @pytest.mark.parametrize("watts", [-1, float("nan"), 1e9])
    def test_has_to_make_sense(self, lab, watts):
        with pytest.raises(ValueError, match="watts"):
            lab.run(lab.station.set_power(1, watts))

    def test_flows_nowhere_without_a_transaction(self, lab):
        lab.run(lab.station.set_power(1, 5000))
        assert lab.station.connectors[0].meter.power_w == 0

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_a_transaction_that_begins_suspended_says_so_once(self, protocol):
        lab = Lab(protocol)
        lab.run(lab.station.set_power(1, 0))
        lab.charge()
        assert lab.events() == ["Started Authorized"]
        assert lab.sent("TransactionEvent")[0]["transactionInfo"]["chargingState"] == "SuspendedEV"
