"""What differs between the OCPP versions."""

from ocpp_core.versions import OCPP16, OCPP21, OCPP201, ErrorCode, Version, canonical_code, version_of
from tests.tables import each

VERSIONS = (OCPP16, OCPP201, OCPP21)


class TestFacts:
    @each(
        ("version", "types", "answers_unreadable", "answers_unknown_type", "reports_bad_results"),
        [
            (OCPP16, {2, 3, 4}, False, False, False),
            (OCPP201, {2, 3, 4}, True, True, False),
            (OCPP21, {2, 3, 4, 5, 6}, True, False, True),
        ],
    )
    def test_of_each_version(self, version, types, answers_unreadable, answers_unknown_type, reports_bad_results):
        assert version.message_types == types
        assert version.answers_unreadable is answers_unreadable
        assert version.answers_unknown_type is answers_unknown_type
        assert version.reports_bad_results is reports_bad_results

    def test_one_action_is_a_send(self):
        assert [version.send_actions for version in VERSIONS] == [set(), set(), {"NotifyPeriodicEventStream"}]


class TestErrorCodes:
    """Spelling on the wire: OCPP-J 1.6 table 7 with errata 5.1 and 5.2, OCPP 2.x Part 4 table 8."""

    @each(
        ("code", "on_16", "on_2x"),
        [
            ("NotImplemented", "NotImplemented", "NotImplemented"),
            ("NotSupported", "NotSupported", "NotSupported"),
            ("InternalError", "InternalError", "InternalError"),
            ("ProtocolError", "ProtocolError", "ProtocolError"),
            ("SecurityError", "SecurityError", "SecurityError"),
            ("FormatViolation", "FormationViolation", "FormatViolation"),
            ("FormationViolation", "FormationViolation", "FormatViolation"),
            ("PropertyConstraintViolation", "PropertyConstraintViolation", "PropertyConstraintViolation"),
            ("OccurrenceConstraintViolation", "OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
            ("OccurenceConstraintViolation", "OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
            ("TypeConstraintViolation", "TypeConstraintViolation", "TypeConstraintViolation"),
            ("GenericError", "GenericError", "GenericError"),
            ("MessageTypeNotSupported", "GenericError", "MessageTypeNotSupported"),
            ("RpcFrameworkError", "GenericError", "RpcFrameworkError"),
            ("VendorError", "VendorError", "VendorError"),
        ],
    )
    def test_are_spelled_for_the_version_and_unknown_ones_kept(self, code, on_16, on_2x):
        assert [version.spell(code) for version in VERSIONS] == [on_16, on_2x, on_2x]

    @each("code", ErrorCode)
    def test_are_understood_in_every_spelling(self, code):
        assert {canonical_code(version.spell(code)) for version in (OCPP201, OCPP21)} == {code}
        assert canonical_code(OCPP16.spell(code)) in {code, ErrorCode.GENERIC_ERROR}

    def test_of_a_vendor_have_no_canonical_form(self):
        assert canonical_code("VendorError") is None

    def test_leave_as_plain_text(self):
        assert {type(version.spell(code)) for version in VERSIONS for code in ErrorCode} == {str}


class TestLookUp:
    @each("version", VERSIONS)
    def test_finds_each_version_by_its_subprotocol(self, version):
        assert version_of(version.name) is version

    def test_prefers_custom_versions(self):
        custom = Version(name="ocpp1.6", message_types=frozenset({2}))
        assert version_of("ocpp1.6", [custom]) is custom

    def test_gives_an_unknown_subprotocol_the_facts_of_2_0_1(self):
        found = version_of("vendor1")
        assert (found.name, found.message_types, found.answers_unknown_type) == ("vendor1", frozenset({2, 3, 4}), True)
