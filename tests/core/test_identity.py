"""Which identities a station may have."""

from math import inf

from ocpp_core.identity import IdentityRule, Spellings
from tests.tables import each

STANDARD, PRINTABLE, ANY = (IdentityRule(characters=each) for each in ("standard", "printable", "any"))

ALLOWED = [  # (identity, by OCPP 2.x, by 1.6 and `printable`, by `any`)
    ("CP1", True, True, True),
    ("a-Z0*_=:+|@.", True, True, True),
    ("a..b", True, True, True),
    ("C" * 48, True, True, True),
    ("RDAM 123", False, True, True),
    ("CP ü", False, True, True),
    ("CP%2F1", False, True, True),
    ("a/b", False, False, True),
    ("a\\b", False, False, True),
    (".", False, False, True),
    ("..", False, False, True),
    (" CP1", False, False, True),
    ("CP1 ", False, False, True),
    ("CP\u202e1", False, False, True),  # right-to-left override
    ("CP\u2066 1", False, False, True),  # left-to-right isolate
    ("CP\u200b1", False, False, True),  # zero width space
    ("CP\u20281", False, False, True),  # line separator
    ("CP\ufeff1", False, False, True),
    ("CP\x001", False, False, False),
    ("CP\n1", False, False, False),
    ("CP\x7f1", False, False, False),
    ("CP\x851", False, False, False),  # a control character of ISO 8859: next line
    ("C" * 49, False, False, False),
    ("", False, False, False),
]


class TestCharacters:
    @each(("identity", "by_2x", "by_16", "by_any"), ALLOWED)
    def test_depend_on_version_and_option(self, identity, by_2x, by_16, by_any):
        assert [STANDARD.allows(identity, protocol) for protocol in ("ocpp2.0.1", "ocpp2.1")] == [by_2x, by_2x]
        assert [STANDARD.allows(identity, protocol) for protocol in ("ocpp1.6", "own", None)] == [by_16] * 3
        assert [PRINTABLE.allows(identity, protocol) for protocol in ("ocpp2.1", "ocpp1.6")] == [by_16, by_16]
        assert ANY.allows(identity, "ocpp2.1") is by_any

    @each("rule", [STANDARD, PRINTABLE, ANY])
    def test_a_refusal_says_what_was_expected(self, rule):
        assert "expected 1 to 48 " in rule.expectation("ocpp2.1")


class TestTheUsualPattern:
    @each("rule", [STANDARD, PRINTABLE, ANY, IdentityRule(max_length=1), IdentityRule(max_length=inf)])
    def test_finds_nothing_that_is_not_allowed(self, rule):
        found = [identity for identity, *_ in ALLOWED if rule.usual.fullmatch(identity)]
        assert all(rule.allows(identity, protocol) for identity in found for protocol in ("ocpp2.1", "ocpp1.6", None))

    def test_finds_what_ocpp_2x_allows(self):
        assert [identity for identity, *_ in ALLOWED if STANDARD.usual.fullmatch(identity)] == [
            identity for identity, by_2x, *_ in ALLOWED if by_2x
        ]


class TestLength:
    def test_may_be_more(self):
        assert IdentityRule(max_length=inf).allows("C" * 10_000, "ocpp1.6")
        assert not IdentityRule(max_length=64).allows("C" * 65, "ocpp1.6")


class TestCase:
    def test_tells_two_stations_apart_unless_it_is_ignored(self):
        assert IdentityRule().key("CP1") != IdentityRule().key("cp1")
        assert IdentityRule(ignore_case=True).key("CP1") == IdentityRule(ignore_case=True).key("cp1")


class TestSpellings:
    def test_are_found_as_names_come_and_go(self):
        spellings, names = Spellings(), {"CP1": 1, "cp1": 2, "CP2": 3}
        assert [spellings.find(name, names, str.casefold) for name in ("Cp1", "cP2", "CP3")] == ["CP1", "CP2", None]
        names["Cp3"] = names.pop("CP2")
        assert [spellings.find(name, names, str.casefold) for name in ("CP2", "CP3")] == [None, "Cp3"]

    def test_of_many_names_are_read_once(self):
        spellings, names, read = Spellings(), dict.fromkeys(map(str, range(1000))), []

        def key(name):
            read.append(name)
            return name

        assert [spellings.find("nobody", names, key) for _ in range(10)] == [None] * 10
        assert len(read) == 1010

    def test_of_many_names_are_not_compared_for_every_peer_that_asks_for_an_unknown_one(self):
        class Names(dict[str, int]):
            passes = 0

            def __iter__(self):
                self.passes += 1
                return super().__iter__()

        spellings, names = Spellings(), Names(dict.fromkeys(map(str, range(10_000)), 0))
        for _ in range(1000):
            spellings.find("nobody", names, str.casefold)
        assert names.passes <= 11

    def test_that_replace_others_are_found_within_a_hundredth_of_their_number_of_searches(self):
        spellings, names = Spellings(), dict.fromkeys([f"CP{number}" for number in range(1000)], 0)
        assert spellings.find("cp7", names, str.casefold) == "CP7"
        names["Fresh"] = names.pop("CP7")
        found = [spellings.find("FRESH", names, str.casefold) for _ in range(10)]
        assert found[-1] == "Fresh"
