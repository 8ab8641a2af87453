"""The list of steps: its order, what is left out of it, and how it is extended."""

import pytest

from ocpp_core.admission.rules import asks_the_application, steps_of
from ocpp_core.admission.step import Ask, Candidate, proceed, refuse
from tests.core.admission.station import BASIC, NONE, TLS_CERT, Rules, accept_all, admit, arrive, basic, is_refused

PATHS = ("/",)


def names(**rules):
    return [getattr(step, "__name__", type(step).__name__) for step in steps_of(Rules(**rules))]


class TestTheList:
    @pytest.mark.parametrize(
        ("rules", "more"),
        [
            ({}, []),
            ({"security_profile": BASIC, "credentials": {}}, ["CheckCredentials"]),
            ({"security_profile": TLS_CERT}, ["CheckCertificate"]),
            ({"auth": accept_all}, ["AskAuth"]),
            ({"security_profile": TLS_CERT, "auth": accept_all}, ["CheckCertificate", "AskAuth"]),
            ({"paths_without_identity": PATHS}, ["expect_identity"]),
            ({"paths_without_identity": PATHS, "auth": accept_all}, ["AskAuth"]),
        ],
    )
    def test_holds_no_step_that_the_rules_do_not_need(self, rules, more):
        assert names(**rules) == ["ReadRequest", "ChooseSubprotocol", "CheckIdentity", *more]

    @pytest.mark.parametrize(
        ("rules", "asks"),
        [
            ({}, False),
            ({"security_profile": TLS_CERT}, False),
            ({"security_profile": TLS_CERT, "identify": {"SN1": "CP1"}}, True),
            ({"security_profile": BASIC, "credentials": {}}, True),
            ({"auth": accept_all}, True),
        ],
    )
    def test_is_known_to_ask_the_application_or_not(self, rules, asks):
        assert asks_the_application(Rules(**rules)) is asks

    def test_ends_at_the_first_refusal(self):
        later: list[Candidate] = []
        assert admit("/", after=[later.append]).status == 400
        assert later == []


class TestSteps:
    def test_before_see_the_connection_and_the_request_as_it_came(self):
        seen = []

        def limit(candidate: Candidate):
            seen.append((candidate.request.target, candidate.facts, candidate.handshake.identity))
            return refuse(503, "Too many")

        refused = admit("//[", before=[limit])
        assert (refused.status, refused.body) == (503, "Too many")
        assert [(target, identity) for target, _, identity in seen] == [("//[", "")]

    def test_after_see_an_authenticated_station(self):
        seen = []

        def limit(candidate):
            seen.append((candidate.handshake.identity, candidate.protocol))

        rules = {"security_profile": BASIC, "credentials": {"CP1": "secret"}, "after": [limit]}
        assert admit(headers=basic(b"wrong"), **rules).status == 401
        assert seen == []
        assert not is_refused(admit(headers=basic(), **rules))
        assert seen == [("CP1", "ocpp1.6")]

    def test_may_name_the_tenant_of_a_station(self):
        """A step of the host's own may ask as well, and change what later steps see."""

        def tenant(candidate):
            def found(name):
                candidate.session["tenant"] = name
                return None if name else refuse(404, "No such tenant")

            return Ask("tenant", {"a.example": "a"}.get, (candidate.request.headers.get("host"),), found)

        assert admit(headers=[("host", "a.example")], before=[tenant]).session == {"tenant": "a"}
        assert admit(headers=[("host", "b.example")], before=[tenant]).status == 404

    def test_go_on_where_they_were_left(self):
        candidate = arrive()
        steps = iter(steps_of(Rules(auth=accept_all)))
        question = proceed(steps, candidate)
        assert isinstance(question, Ask)
        assert (question.name, question.stands()) == ("auth", None)
        question.arguments[0](session={"a": 1})
        assert question.then(None) is None
        assert proceed(steps, candidate) is None
        assert (candidate.handshake.security_profile, candidate.session) == (NONE, {"a": 1})
