"""Charging profiles limit the power (2.0.1 Part 2 K; 1.6 §3.13, §5.5, §5.7, §5.16)."""

import pytest

from ocpp_apps.station.model.connector import Transaction
from tests.apps.station.laboratory import SECOND_GENERATION, VERSIONS, Lab
from tests.kinds import an


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


class Profiles:
    """The same profiles in the words of each version."""

    def __init__(self, lab):
        self.lab = lab

    def message(self, number, purpose, *periods, level=0, kind="Absolute", unit="W", schedule=None, **further):
        made = [{"startPeriod": start, "limit": limit} for start, limit in periods]
        when = {"startSchedule": "2026-01-01T00:00:00Z"} if kind != "Relative" else {}
        plan = {"chargingRateUnit": unit, "chargingSchedulePeriod": made, **when, **(schedule or {})}
        common = {"stackLevel": level, "chargingProfilePurpose": purpose, "chargingProfileKind": kind, **further}
        if self.lab.is_16:
            return {"chargingProfileId": number, "chargingSchedule": plan, **common}
        return {"id": number, "chargingSchedule": [{"id": 1, **plan}], **common}

    def set(self, place, number, purpose, *periods, **options):
        message = self.message(number, purpose, *periods, **options)
        if self.lab.is_16:
            return self.lab.status_of("SetChargingProfile", {"connectorId": place, "csChargingProfiles": message})
        return self.lab.status_of("SetChargingProfile", {"evseId": place, "chargingProfile": message})

    @property
    def station_max(self):
        return "ChargePointMaxProfile" if self.lab.is_16 else "ChargingStationMaxProfile"

    def composite(self, place, seconds, **further):
        name = "connectorId" if self.lab.is_16 else "evseId"
        answer = self.lab.ask("GetCompositeSchedule", {name: place, "duration": seconds, **further})
        if answer["status"] != "Accepted":
            return answer["status"]
        schedule = answer["chargingSchedule" if self.lab.is_16 else "schedule"]
        return [(one["startPeriod"], one["limit"]) for one in schedule["chargingSchedulePeriod"]]


@pytest.fixture
def profiles(lab):
    return Profiles(lab)


def power(lab, number=1):
    return lab.station.connectors[number - 1].meter.power_w


class TestALimit:
    def test_holds_at_once(self, lab, profiles):
        lab.charge()
        assert profiles.set(1, 1, "TxProfile", (0, 4000)) == "Accepted"
        assert power(lab) == 4000

    def test_changes_when_the_schedule_says(self, lab, profiles):
        lab.charge()
        profiles.set(1, 1, "TxProfile", (0, 4000), (30, 2000), (90, 6000), kind="Relative")
        seen = []
        for _ in range(4):
            seen.append(power(lab))
            lab.run_for(30)
        assert seen == [4000, 2000, 2000, 6000]

    def test_in_amperes_is_that_of_each_phase(self, lab, profiles):
        lab.charge()
        profiles.set(1, 1, "TxProfile", (0, 10), unit="A")
        assert power(lab) == 6900

    def test_ends_with_its_duration(self, lab, profiles):
        lab.charge()
        profiles.set(1, 1, "TxProfile", (0, 4000), kind="Relative", schedule={"duration": 100})
        lab.run_for(101)
        assert power(lab) == 11_000

    def test_of_nothing_suspends(self, lab, profiles):
        lab.charge()
        lab.forget()
        profiles.set(1, 1, "TxProfile", (0, 0))
        if lab.is_16:
            assert lab.statuses() == [(1, "SuspendedEVSE")]
        else:
            assert lab.sent("TransactionEvent")[0]["transactionInfo"]["chargingState"] == "SuspendedEVSE"

    def test_of_a_transaction_ends_with_it(self, lab, profiles):
        lab.charge()
        profiles.set(1, 1, "TxProfile", (0, 4000))
        lab.run(lab.station.end(1))
        lab.run(lab.station.begin(1))
        assert power(lab) == 11_000


class TestWhichOneCounts:
    def test_the_transactions_before_the_default(self, lab, profiles):
        profiles.set(0, 1, "TxDefaultProfile", (0, 3000))
        lab.charge()
        assert power(lab) == 3000
        profiles.set(1, 2, "TxProfile", (0, 5000))
        assert power(lab) == 5000

    def test_the_highest_level(self, lab, profiles):
        lab.charge()
        profiles.set(1, 1, "TxProfile", (0, 5000), level=2)
        profiles.set(1, 2, "TxProfile", (0, 3000), level=1)
        assert power(lab) == 5000

    def test_that_of_the_station_on_top_divided_among_all(self, lab, profiles):
        lab.charge(1)
        profiles.set(0, 1, profiles.station_max, (0, 8000))
        assert power(lab, 1) == 8000
        lab.charge(2)
        assert (power(lab, 1), power(lab, 2)) == (4000, 4000)
        lab.run(lab.station.end(2))
        assert power(lab, 1) == 8000

    def test_the_newest_of_the_same_level_and_purpose(self, lab, profiles):
        lab.charge()
        profiles.set(1, 1, "TxProfile", (0, 5000))
        profiles.set(1, 2, "TxProfile", (0, 3000))
        assert power(lab) == 3000

    def test_only_while_it_is_valid(self, lab, profiles):
        validity = {"validFrom": "2026-01-01T01:00:00Z", "validTo": "2026-01-01T02:00:00Z"}
        profiles.set(0, 1, "TxDefaultProfile", (0, 3000), **validity)
        lab.charge()
        seen = []
        for _ in range(3):
            seen.append(power(lab))
            lab.run_for(3600)
        assert seen == [11_000, 3000, 11_000]

    def test_day_by_day(self, lab, profiles):
        day = {"recurrencyKind": "Daily", "kind": "Recurring", "schedule": {
            "startSchedule": "2025-12-01T18:00:00Z", "duration": 3600,
        }}  # fmt: skip
        profiles.set(0, 1, "TxDefaultProfile", (0, 2000), **day)
        lab.charge()
        lab.run_for(18.5 * 3600)
        assert power(lab) == 2000
        lab.run_for(3600)
        assert power(lab) == 11_000
        lab.run_for(23 * 3600)
        assert power(lab) == 2000

    def test_a_recurring_one_not_before_it_begins(self, lab, profiles):
        day = {"recurrencyKind": "Daily", "kind": "Recurring", "schedule": {"startSchedule": "2026-01-03T00:00:00Z"}}
        profiles.set(0, 1, "TxDefaultProfile", (0, 2000), **day)
        lab.charge()
        lab.run_for(86_400)
        assert power(lab) == 11_000
        lab.run_for(86_400)
        assert power(lab) == 2000


class TestWhatIsRefused:
    def test_a_transactions_profile_without_a_transaction(self, profiles):
        assert profiles.set(1, 1, "TxProfile", (0, 4000)) == "Rejected"

    def test_one_of_another_transaction(self, lab, profiles):
        lab.charge()
        other = 99 if lab.is_16 else "other"
        assert profiles.set(1, 1, "TxProfile", (0, 4000), transactionId=other) == "Rejected"

    @pytest.mark.parametrize(
        ("place", "purpose", "options"),
        [
            (9, "TxDefaultProfile", {}),
            (1, "station", {}),
            (0, "TxProfile", {}),
            (1, "TxDefaultProfile", {"level": 99}),
            (1, "TxDefaultProfile", {"kind": "Recurring"}),
        ],
    )
    def test_what_makes_no_sense(self, profiles, place, purpose, options):
        purpose = profiles.station_max if purpose == "station" else purpose
        assert profiles.set(place, 1, purpose, (0, 4000), **options) == "Rejected"

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_one_of_the_station_that_is_relative(self, protocol):
        """2.0.1 Part 2, K01.FR.38."""
        profiles = Profiles(Lab(protocol))
        assert profiles.set(0, 1, profiles.station_max, (0, 4000), kind="Relative") == "Rejected"

    def test_a_schedule_that_does_not_begin_at_0(self, profiles):
        assert profiles.set(1, 1, "TxDefaultProfile", (5, 4000)) == "Rejected"

    def test_a_schedule_that_is_too_long(self, profiles):
        periods = [(number, 4000) for number in range(101)]
        assert profiles.set(1, 1, "TxDefaultProfile", *periods) == "Rejected"

    def test_a_schedule_that_lasts_for_ages(self, profiles):
        assert profiles.set(1, 1, "TxDefaultProfile", (0, 4000), (10**15, 0)) == "Rejected"
        assert profiles.set(1, 1, "TxDefaultProfile", (0, 4000), schedule={"duration": 10**15}) == "Rejected"

    def test_more_profiles_than_fit(self, profiles):
        answers = [profiles.set(1 + number % 2, number, "TxDefaultProfile", (0, 1), level=number // 2 % 20)
                   for number in range(40)]  # fmt: skip
        assert set(answers) == {"Accepted"}
        more = [profiles.set(0, number, "TxDefaultProfile", (0, 1), level=number - 100) for number in range(100, 120)]
        assert more == ["Accepted"] * 10 + ["Rejected"] * 10

    def test_2_1_a_dynamic_one(self):
        assert Profiles(Lab("ocpp2.1")).set(1, 1, "TxDefaultProfile", (0, 4000), kind="Dynamic") == "Rejected"


class TestWithARemoteStart:
    def start(self, lab, message):
        if lab.is_16:
            params = {"connectorId": 1, "idTag": "T", "chargingProfile": message}
            return lab.status_of("RemoteStartTransaction", params)
        params = {"evseId": 1, "idToken": {"idToken": "T", "type": "Central"}, "remoteStartId": 1}
        return lab.status_of("RequestStartTransaction", {**params, "chargingProfile": message})

    def test_it_holds_for_that_transaction(self, lab, profiles):
        lab.run(lab.station.plug_in(1))
        assert self.start(lab, profiles.message(1, "TxProfile", (0, 4000), kind="Relative")) == "Accepted"
        assert power(lab) == 4000
        lab.run(lab.station.end(1))
        lab.run(lab.station.begin(1))
        assert power(lab) == 11_000

    def test_it_is_forgotten_when_nobody_plugs_in(self, lab, profiles):
        self.start(lab, profiles.message(1, "TxProfile", (0, 4000), kind="Relative"))
        lab.run_for(61)
        lab.charge()
        assert power(lab) == 11_000

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_it_is_reported_with_the_transaction_it_came_for(self, protocol):
        """2.0.1 Part 2, F01 and K09."""
        lab = Lab(protocol)
        profiles = Profiles(lab)
        lab.run(lab.station.plug_in(1))
        self.start(lab, profiles.message(1, "TxProfile", (0, 4000), kind="Relative"))
        profiles.set(1, 2, "TxProfile", (0, 3000), level=1)
        transaction = an(Transaction, lab.station.connectors[0].transaction).id
        asked = {"requestId": 1, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}}
        assert lab.status_of("GetChargingProfiles", asked) == "Accepted"
        (report,) = lab.sent("ReportChargingProfiles")
        named = {profile["id"]: profile.get("transactionId") for profile in report["chargingProfile"]}
        assert named == {1: transaction, 2: transaction}

    def test_another_purpose_is_refused(self, lab, profiles):
        lab.run(lab.station.plug_in(1))
        assert self.start(lab, profiles.message(1, "TxDefaultProfile", (0, 4000))) == "Rejected"


class TestACompositeSchedule:
    def test_tells_where_the_limit_changes(self, lab, profiles):
        profiles.set(1, 1, "TxDefaultProfile", (0, 4000), (600, 2000), (1200, 2000), (1800, 6000))
        start = lab.clock.monotonic()
        assert profiles.composite(1, 2400) == [(0, 4000), (600 - round(start), 2000), (1800 - round(start), 6000)]

    def test_is_that_of_the_station_at_0(self, profiles):
        profiles.set(0, 1, profiles.station_max, (0, 8000))
        assert profiles.composite(0, 600) == [(0, 8000)]

    def test_may_be_in_amperes(self, profiles):
        profiles.set(1, 1, "TxDefaultProfile", (0, 6900))
        assert profiles.composite(1, 600, chargingRateUnit="A") == [(0, 10)]

    def test_without_any_profile_is_what_the_station_can_give(self, profiles):
        assert profiles.composite(1, 600) == [(0, 11_000)]

    def test_of_what_is_not_there_is_rejected(self, profiles):
        assert profiles.composite(9, 600) == "Rejected"
        assert profiles.composite(1, 0) == "Rejected"

    def test_looks_ahead_for_a_week_at_most(self, lab, profiles):
        name = "connectorId" if lab.is_16 else "evseId"
        answer = lab.ask("GetCompositeSchedule", {name: 1, "duration": 10**12})
        assert answer["chargingSchedule" if lab.is_16 else "schedule"]["duration"] == 7 * 86_400


class TestClearing:
    def test_one_by_its_id(self, lab, profiles):
        lab.charge()
        profiles.set(1, 5, "TxProfile", (0, 4000))
        name = "id" if lab.is_16 else "chargingProfileId"
        assert lab.status_of("ClearChargingProfile", {name: 6}) == "Unknown"
        assert lab.status_of("ClearChargingProfile", {name: 5}) == "Accepted"
        assert power(lab) == 11_000

    def test_all_that_match(self, lab, profiles):
        profiles.set(1, 1, "TxDefaultProfile", (0, 4000))
        profiles.set(2, 2, "TxDefaultProfile", (0, 4000))
        profiles.set(0, 3, profiles.station_max, (0, 8000))
        criteria = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
        if lab.is_16:
            assert lab.status_of("ClearChargingProfile", {**criteria, "connectorId": 2}) == "Accepted"
        else:
            criteria["evseId"] = 2
            assert lab.status_of("ClearChargingProfile", {"chargingProfileCriteria": criteria}) == "Accepted"
        assert profiles.composite(1, 600) == [(0, 4000)]
        assert profiles.composite(2, 600) == [(0, 8000)]
        assert lab.status_of("ClearChargingProfile") == "Accepted"
        assert profiles.composite(1, 600) == [(0, 11_000)]


@pytest.mark.parametrize("protocol", SECOND_GENERATION)
class TestGetChargingProfiles:
    def test_reports_what_was_set(self, protocol):
        lab = Lab(protocol)
        profiles = Profiles(lab)
        profiles.set(1, 1, "TxDefaultProfile", (0, 4000))
        profiles.set(2, 2, "TxDefaultProfile", (0, 4000))
        asked = {"requestId": 9, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}}
        assert lab.status_of("GetChargingProfiles", asked) == "Accepted"
        lab.run_for(1)
        reports = lab.sent("ReportChargingProfiles")
        assert [(one["evseId"], one["tbc"]) for one in reports] == [(1, True), (2, False)]
        assert reports[0]["chargingProfile"] == [profiles.message(1, "TxDefaultProfile", (0, 4000))]

    def test_has_nothing_to_report(self, protocol):
        asked = {"requestId": 9, "chargingProfile": {"stackLevel": 3}}
        assert Lab(protocol).status_of("GetChargingProfiles", asked) == "NoProfiles"
