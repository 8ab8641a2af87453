"""The quirks of a connection: which profiles match, how they merge, what is reported, and that nothing grows."""

from typing import Any

import pytest

from ocpp_core.actions import Dispatch, Report, ReportKind
from ocpp_core.config import AppliedQuirk, BrokenRule, FindRemedy, SessionConfig
from ocpp_core.inputs import Reply, StartCall
from ocpp_core.messages import Leniency
from ocpp_core.tolerance import (
    AllowValues,
    Coerce,
    QuirkBook,
    QuirkProfile,
    RelaxLength,
    ReplaceValues,
    StationFacts,
    StationMatch,
    StationQuirks,
)
from ocpp_core.validation import create_validator
from ocpp_core.versions import OCPP21
from tests.core.player import Strict, a_session, of, reports, sent, settled
from tests.tables import each

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}, "e": {"enum": ["A", "B"]}}}
NAMES = {"chargePointVendor": {"type": "string", "maxLength": 5}, "chargePointModel": {"type": "string"}}
VALIDATOR = create_validator(
    "vendor",
    {
        "X": {"call": NUMBER, "result": NUMBER},
        "BootNotification": {"call": {"type": "object", "properties": NAMES}, "result": {}},
        "NotifyPeriodicEventStream": {"send": NUMBER},
    },
)


def quirks_of(*profiles: QuirkProfile, **facts: str) -> StationQuirks:
    return StationQuirks(QuirkBook(profiles), StationFacts(**facts))


def tolerant(*profiles: QuirkProfile, **settings: Any) -> Any:
    quirks = quirks_of(*profiles)
    config = quirks.configured(SessionConfig())
    return a_session(OCPP21, validator=VALIDATOR, tolerance=quirks, leniency=config.leniency, **settings)


COERCING = QuirkProfile(name="numbers", quirks=(Coerce(),))
COMMAS = QuirkProfile(name="commas", mend_text=("drop_commas",))


class TestMatching:
    @each(
        ("match", "matches"),
        [
            ({}, True),
            ({"vendor": "acme*"}, True),
            ({"vendor": "Acme"}, False),
            ({"vendor": "ACME CORP", "model": "a?"}, True),
            ({"vendor": "Acme*", "model": "B*"}, False),
            ({"firmware": "*"}, False),
            ({"identity": "CP[0-9]", "path": "/ocpp/*", "protocol": "ocpp1.6"}, True),
        ],
    )
    def test_all_patterns_match_what_is_known(self, match: Any, matches: bool) -> None:
        facts = StationFacts(identity="cp1", path="/ocpp/CP1", protocol="ocpp1.6", vendor="Acme Corp", model="A1")
        assert StationMatch(**match).covers(facts) is matches

    @each(
        ("boot", "vendor"),
        [
            ({"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"}, "V"),
            ({"chargingStation": {"vendorName": "V", "model": "M", "firmwareVersion": "1"}, "reason": "PowerUp"}, "V"),
            ({"chargePointVendor": 5}, ""),
            ({"chargingStation": "V"}, ""),
            (["V"], ""),
            (None, ""),
            ({"chargePointVendor": "V" * 1000}, "V" * 255),
        ],
    )
    def test_a_bootnotification_of_any_form_tells_what_it_can(self, boot: Any, vendor: str) -> None:
        quirks = quirks_of(QuirkProfile(name="p", match=StationMatch(vendor="V*")))
        assert quirks.learn(boot) is bool(vendor)
        assert quirks.facts.vendor == vendor

    def test_only_the_first_bootnotification_of_a_connection_counts(self) -> None:
        profiles = [QuirkProfile(name=name, match=StationMatch(vendor=name)) for name in ("one", "two")]
        quirks = quirks_of(*profiles)
        for vendor in ("other", "two", "one"):  # the engine reads invalid ones until the host has accepted one
            quirks.mend(VALIDATOR, "call", "BootNotification", {"chargePointVendor": vendor, "chargePointModel": 5})
        assert quirks.learn({"chargePointVendor": "one"})
        assert not quirks.learn({"chargePointVendor": "two"})
        quirks.mend(VALIDATOR, "call", "BootNotification", {"chargePointVendor": "two", "chargePointModel": 5})
        assert quirks.facts.vendor == "one"

    def test_what_a_bootnotification_leaves_out_is_not_known_from_an_earlier_one(self) -> None:
        old = QuirkProfile(name="old", match=StationMatch(firmware="1.*"))
        quirks = quirks_of(old, vendor="V", firmware="1.0")
        assert quirks.learn({"chargePointVendor": "V"})
        assert quirks.matched.profiles == ()

    def test_stations_with_the_same_profiles_share_what_is_merged(self) -> None:
        book = QuirkBook([QuirkProfile(name="p", match=StationMatch(identity="CP*"))])
        assert book.matching(StationFacts(identity="CP1")) is book.matching(StationFacts(identity="CP2"))


class TestMerging:
    def test_the_first_profile_decides(self) -> None:
        one = QuirkProfile(
            name="one",
            ping_interval=1,
            error_codes={"a": "NotSupported"},
            leniency=Leniency(numeric_ids=True),
            default_protocol="x",
        )
        two = QuirkProfile(
            name="two",
            ping_interval=2,
            call_timeout=2,
            error_codes={"a": "GenericError", "b": "GenericError"},
            default_protocol="y",
        )
        matched = quirks_of(one, two).matched
        assert matched.options == {"ping_interval": 1, "call_timeout": 2}
        assert (quirks_of(one, two).code_of("a"), quirks_of(one, two).code_of("b")) == ("NotSupported", "GenericError")
        assert matched.default_protocol == "x"
        assert matched.leniency(Leniency(long_ids=True)) == Leniency(long_ids=True, numeric_ids=True)

    def test_the_first_quirk_that_concerns_a_rule_is_used(self) -> None:
        replacing = QuirkProfile(name="a", quirks=(Coerce(), ReplaceValues(values={"C": "A"})))
        allowing = QuirkProfile(name="b", quirks=(AllowValues(),))
        for order, delivered in (((replacing, allowing), "A"), ((allowing, replacing), "C")):
            done = tolerant(*order).hear('[2,"a","X",{"e":"C"}]')
            assert of(Dispatch, done)[0].payload == {"e": delivered}


class TestPayloads:
    def test_that_conform_are_delivered_as_they_are(self) -> None:
        session = tolerant(COERCING)
        assert of(Dispatch, session.hear('[2,"a","X",{"n":5,"other":"5"}]'))[0].payload == {"n": 5, "other": "5"}
        assert reports(session.log) == []

    def test_of_each_message_type_are_repaired_and_reported_once_for_each_action(self) -> None:
        session = tolerant(COERCING)
        session.hear('[2,"a","X",{"n":"5"}]', '[2,"b","X",{"n":"6"}]', '[6,"c","NotifyPeriodicEventStream",{"n":"7"}]')
        session.play(StartCall(1, "X", {}))
        assert settled(session.hear('[3,"id-1",{"n":"8"}]')) == {1: {"n": 8}}
        assert [request.payload["n"] for request in of(Dispatch, session.log)] == [5, 6, 7]
        told = [(report.kind, report.action, report.message) for report in of(Report, session.log)]
        applied = AppliedQuirk("numbers", "coerce", "**")
        assert told == [(ReportKind.QUIRK, action, applied) for action in ("X", "NotifyPeriodicEventStream")]
        assert "5" not in of(Report, session.log)[0].detail

    def test_stay_refused_if_one_of_several_mistakes_is_not_tolerated(self) -> None:
        done = tolerant(COERCING).hear('[2,"a","X",{"n":"5","e":"C"}]')
        assert reports(done) == [ReportKind.INVALID_CALL]
        assert of(Dispatch, done) == []

    def test_of_a_bootnotification_are_judged_by_the_station_that_it_names(self) -> None:
        long = QuirkProfile(name="long", match=StationMatch(vendor="Long*"), quirks=(RelaxLength(limit=50),))
        session = tolerant(long)
        refused = session.hear('[2,"a","BootNotification",{"chargePointVendor":"Other name"}]')
        assert reports(refused) == [ReportKind.INVALID_CALL]
        done = session.hear('[2,"b","BootNotification",{"chargePointVendor":"Long name"}]')
        assert reports(done) == [ReportKind.QUIRK]

    def test_with_more_values_or_mistakes_than_the_limits_stay_refused(self) -> None:
        numbers = {"type": "array", "items": {"type": "integer"}}
        validator = create_validator("vendor", {"L": {"send": {"properties": {"l": numbers}}}})
        quirks = quirks_of(COERCING)
        for items, is_mended in ((["1"] * 999, True), (["1"] * 1001, False), ([1] * 20_001 + ["1"], False)):
            assert (quirks.mend(validator, "send", "L", {"l": items}) is not None) is is_mended


class TestTexts:
    def test_are_repaired_only_if_they_are_no_message(self) -> None:
        profile = QuirkProfile(name="p", replace_text={"x": "y"}, mend_text=("drop_commas",))
        session = tolerant(profile)
        session.hear('[2,"a","X",{"x":1}]', '[2,"b","X",{,"x":2}]')
        assert [request.payload for request in of(Dispatch, session.log)] == [{"x": 1}, {"y": 2}]
        assert [report.message.quirk for report in of(Report, session.log)] == ["replace_text", "drop_commas"]

    def test_that_no_repair_mends_are_judged_as_they_came(self) -> None:
        done = tolerant(COMMAS).hear('[2,"a","X",{,"n":')
        assert of(Report, done)[0].message == '[2,"a","X",{,"n":'
        assert reports(done) == [ReportKind.BAD_MESSAGE]
        assert sent(done)[0][:2] == [4, "a"]

    def test_do_not_count_as_bad_messages(self) -> None:
        session = tolerant(COMMAS, max_bad_messages=2)
        session.hear(*['[2,"a","X",{},]', '[2,"b","X",{},]', '[2,"c","X",{},]'])
        assert len(of(Dispatch, session.log)) == 3

    def test_of_a_copy_are_the_same_call(self) -> None:
        session = tolerant(COMMAS)
        session.hear('[2,"a","X",{},]')
        assert reports(session.hear('[2,"a","X",{},]')) == [ReportKind.REPEATED_CALL]
        assert sent(session.play(Reply(1, {}))) == [[3, "a", {}]]

    @each("raised", [ValueError("secret"), KeyboardInterrupt()])
    def test_a_repair_that_raises_changes_nothing(self, raised: BaseException) -> None:
        def broken(text: str) -> str:
            raise raised

        quirks = quirks_of(QuirkProfile(name="p", mend_text=(broken, "drop_commas")))
        mended = quirks.mend_text("[1,]")
        assert mended is not None
        assert mended.content == "[1]"

    def test_a_long_text_is_not_repaired_and_a_replacement_cannot_multiply_it(self) -> None:
        profile = QuirkProfile(name="p", replace_text={",": "," * 100}, mend_text=("close_brackets",))
        quirks = quirks_of(profile)
        assert quirks.mend_text("[" + " " * 65_536) is None
        mended = quirks.mend_text("," * 10_000)
        assert mended is not None
        assert len(mended.content) < 20_000


class Numbers(Strict):
    """A validator whose payloads all have a number as a text."""

    def mend(self, kind: str, action: str, payload: Any, find: FindRemedy) -> Any:
        remedy = find(BrokenRule(("n",), "type", "integer", "5"))
        return None if remedy is None else {"n": remedy.value}


def test_the_reports_of_a_connection_are_bounded() -> None:
    quirks, validator = quirks_of(COERCING), Numbers()
    mended = [quirks.mend(validator, "send", f"A{number}", {"n": "5"}) for number in range(501)]
    assert sum(len(each.news) for each in mended if each is not None) == 500


def test_a_book_keeps_a_bounded_number_of_combinations() -> None:
    book = QuirkBook([QuirkProfile(name=str(bit), match=StationMatch(identity=f"*{bit:x}*")) for bit in range(11)])
    for number in range(2048):
        book.matching(StationFacts(identity="".join(f"{bit:x}" for bit in range(11) if number >> bit & 1)))
    assert len(book._known) <= 1000


def test_without_profiles_the_config_is_shared() -> None:
    config = SessionConfig()
    assert quirks_of().configured(config) is config


@each(
    ("fields", "text"),
    [
        ({"name": ""}, "expected the name of a profile as a text, got ''"),
        ({"match": {}}, "p: expected match as StationMatch"),
        ({"leniency": 5}, "p: expected leniency as Leniency, got 5"),
        ({"quirks": ("coerce",)}, "p: expected quirks as Quirk objects, got 'coerce'"),
        ({"mend_text": ("x",)}, "p: expected mend_text as some of drop_commas, fill_values, close_brackets, got 'x'"),
        ({"validation": ("report",)}, "p: expected validation as ValidationRule objects, got 'report'"),
        ({"call_timeout": 0}, "p: expected call_timeout >= 0.001 seconds, got 0"),
        ({"pong_timeout": float("nan")}, "p: expected pong_timeout >= 0 seconds, got nan"),
    ],
)
def test_a_wrong_field_of_a_profile_is_refused(fields: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        QuirkProfile(**{"name": "p", **fields})
