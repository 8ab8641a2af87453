"""The hints of the message editor: actions, skeletons, members and verdicts, from the bundled schemas."""

import pytest

from ocpp_apps.station import schema_help as hints
from ocpp_core.validation import load_validator
from ocpp_core.validation._bundles import BUNDLED


def member(protocol: str, action: str, path: str, kind: hints.Kind = "call") -> hints.Member:
    (found,) = (item for item in hints.members(protocol, action, kind) if item.path == path)
    return found


@pytest.mark.parametrize("protocol", BUNDLED)
class TestEveryAction:
    def test_its_skeleton_conforms_and_holds_nothing_optional(self, protocol: str) -> None:
        for action in hints.actions(protocol):
            for kind in hints.kinds(protocol, action):
                payload = hints.skeleton(protocol, action, kind)
                assert hints.problem(protocol, action, payload, kind) is None, (action, kind, payload)
                required = {
                    item.name for item in hints.members(protocol, action, kind) if item.is_required and not item.depth
                }
                assert payload.keys() == required

    def test_its_members_are_told_once_each_and_those_of_a_member_after_it(self, protocol: str) -> None:
        for action in hints.actions(protocol):
            for kind in hints.kinds(protocol, action):
                paths = [item.path for item in hints.members(protocol, action, kind)]
                assert len(paths) == len(set(paths))
                assert all(path.rpartition(".")[0] in ("", *paths[:index]) for index, path in enumerate(paths))

    def test_they_are_those_of_the_validator_in_order(self, protocol: str) -> None:
        assert list(hints.actions(protocol)) == sorted(load_validator(protocol).actions)


class TestKinds:
    def test_a_message_that_is_never_answered_is_a_send(self) -> None:
        assert hints.kinds("ocpp2.1", "NotifyPeriodicEventStream") == ("send",)


class TestAMember:
    def test_a_text_with_its_length(self) -> None:
        found = member("ocpp1.6", "Authorize", "idTag")
        assert found == hints.Member("idTag", "string", True, "at most 20 characters", ())

    def test_an_enumeration_names_its_values(self) -> None:
        assert member("ocpp1.6", "Reset", "type").choices == ("Hard", "Soft")

    def test_an_array_tells_of_itself_and_its_items(self) -> None:
        found = member("ocpp2.0.1", "Authorize", "iso15118CertificateHashData[]")
        assert (found.type, found.limits) == ("object[]", "at least 1 item, at most 4 items")

    def test_what_lies_within_is_below(self) -> None:
        found = member("ocpp2.0.1", "Authorize", "iso15118CertificateHashData[].hashAlgorithm")
        assert (found.name, found.depth, found.choices) == ("hashAlgorithm", 1, ("SHA256", "SHA384", "SHA512"))

    def test_a_time_is_a_date_time(self) -> None:
        assert member("ocpp1.6", "Heartbeat", "currentTime", "result").type == "date-time"

    def test_a_range_and_a_default(self) -> None:
        assert (
            member("ocpp2.0.1", "NotifyEVChargingNeeds", "chargingNeeds.dcChargingParameters.fullSoC").limits
            == "≥ 0, ≤ 100"
        )
        assert (
            member("ocpp2.0.1", "SetVariableMonitoring", "setMonitoringData[].transaction").limits == "false if absent"
        )

    def test_steps_and_addresses(self) -> None:
        assert member("ocpp1.6", "GetDiagnostics", "location").limits == "a URI"
        path = "csChargingProfiles.chargingSchedule.minChargingRate"
        assert member("ocpp1.6", "SetChargingProfile", path).limits == "in steps of 0.1"


class TestAProblem:
    def test_it_is_none_for_what_conforms(self) -> None:
        assert hints.problem("ocpp1.6", "Reset", {"type": "Soft"}) is None

    def test_it_says_which_rule_is_broken_where(self) -> None:
        found = hints.problem("ocpp1.6", "Reset", {"type": "Sofa"})
        assert found == "PropertyConstraintViolation: Reset CALL payload.type violates enum: Hard, Soft"

    def test_answers_have_their_own_schema(self) -> None:
        assert hints.problem("ocpp1.6", "Reset", {"status": "Accepted"}, "result") is None


class TestWhatDoesNotExist:
    def test_an_action_of_another_version(self) -> None:
        with pytest.raises(ValueError, match=r"an action of ocpp2\.1, got 'StartTransaction'"):
            hints.skeleton("ocpp2.1", "StartTransaction")

    def test_a_kind_that_the_action_has_not(self) -> None:
        with pytest.raises(ValueError, match="call or result of Reset, got 'send'"):
            hints.problem("ocpp1.6", "Reset", {}, "send")

    def test_a_protocol_without_schemas(self) -> None:
        with pytest.raises(ValueError, match=r"ocpp9"):
            hints.actions("ocpp9")
