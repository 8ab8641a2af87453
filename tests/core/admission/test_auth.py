"""The application's own decision, and the rules that its choice has to obey."""

import pytest

from tests.core.admission.station import admit, is_refused


class TestAuth:
    def test_accepts_with_a_session_and_another_offered_protocol(self):
        def auth(accept, reject, handshake):
            accept(protocol="ocpp2.0.1", session={"tenant": handshake.identity})

        admitted = admit(offered=["ocpp1.6", "ocpp2.0.1"], protocols=("ocpp1.6", "ocpp2.0.1"), auth=auth)
        assert (admitted.protocol, admitted.session) == ("ocpp2.0.1", {"tenant": "CP1"})

    def test_may_be_asynchronous(self):
        async def auth(accept, reject, handshake):
            accept()

        assert not is_refused(admit(auth=auth))

    def test_the_first_decision_counts(self):
        def auth(accept, reject, handshake):
            reject(403, "Blocked")
            accept()
            reject(404)

        assert (admit(auth=auth).status, admit(auth=auth).body) == (403, "Blocked")

    def test_an_unoffered_protocol_raises(self):
        caught = []

        def careful(accept, reject, handshake):
            try:
                accept(protocol="ocpp2.0.1")
            except ValueError as error:
                caught.append(str(error))
                accept()

        assert admit(auth=careful).protocol == "ocpp1.6"
        assert caught == ["expected one of the offered subprotocols in `protocols` (ocpp1.6), got 'ocpp2.0.1'"]

    def test_never_chooses_what_the_server_is_not_set_up_for(self):
        def auth(accept, reject, handshake):
            with pytest.raises(ValueError, match="offered subprotocols in `protocols`"):
                accept(protocol="ocpp9.9")
            accept()

        assert admit(offered=["ocpp1.6", "ocpp9.9"], auth=auth).protocol == "ocpp1.6"

    def test_sees_the_default_protocol_as_the_only_choice(self):
        def auth(accept, reject, handshake):
            with pytest.raises(ValueError, match=r"\(ocpp1\.6\), got"):
                accept(protocol="ocpp2.1")
            accept(protocol="ocpp1.6")

        rules = {"protocols": ("ocpp2.1", "ocpp1.6"), "default_protocol": "ocpp1.6"}
        assert admit(offered=[], auth=auth, **rules).protocol == "ocpp1.6"

    @pytest.mark.parametrize("status", [200, 301, 399, 600, 4001, "401", True, None])
    def test_rejects_by_a_4xx_or_5xx_only(self, status):
        seen = []

        def auth(accept, reject, handshake):
            with pytest.raises(ValueError, match="status of 400 to 599"):
                reject(status)
            seen.append(status)
            accept()

        assert not is_refused(admit(auth=auth))
        assert seen == [status]

    def test_503_says_when_to_come_back(self):
        refused = admit(auth=lambda accept, reject, handshake: reject(503, "Maintenance"))
        assert "retry-after" in dict(refused.headers)
