"""The identity in a request target: what a station sends, and what a server reads."""

from ocpp_core.admission.request import RequestTarget, read_target
from ocpp_core.handshake import resolve_endpoint
from ocpp_core.inputs import Reject
from tests.kinds import an
from tests.tables import each


def read(target, **options):
    return an(RequestTarget, read_target(target, **options))


class TestIdentityFromTheRequestTarget:
    @each(
        ("target", "identity"),
        [
            ("/ocpp/CP1", "CP1"),
            ("/CP1", "CP1"),
            ("/ocpp/CP1/", "CP1"),
            ("/ocpp/CP1///", "CP1"),
            ("/ocpp/CP1?x=/y/", "CP1"),
            ("/ocpp/CP1?", "CP1"),
            ("/ocpp/CP%20%2F%C3%BC", "CP /ü"),
            ("/ocpp/%2541", "%41"),
            ("//CPX", "CPX"),
            ("/ocpp/%2e%2e", ".."),
            ("/ocpp/..", ".."),
            ("/ocpp/RDAM|123", "RDAM|123"),
            ("/ocpp/a+b", "a+b"),
            ("/ocpp/CP:1@x", "CP:1@x"),
            ("http://csms.example/ocpp/CP1", "CP1"),
            ("ws://csms.example:9000/ocpp/CP1?x", "CP1"),
        ],
    )
    def test_is_the_last_segment_decoded_once(self, target, identity):
        assert read(target).identity == identity

    @each(
        "target",
        [
            "/",
            "///",
            "/?CP1",
            "",
            "*",
            "CP1",
            "csms.example:443",
            "http://csms.example",
            "//[",
            "/ocpp/CP1#x",
            "/ocpp/CP%",
            "/ocpp/CP%E0%A4%A",
            "/ocpp/CP%zz",
            "/ocpp/%FF",
            "/ocpp/%C3",
            "/ocpp/CP%00",
            "/ocpp/CP%0A1",
            "/ocpp/%ED%A0%80",
            "/ocpp/ü",
        ],
    )
    def test_is_400_where_there_is_none_to_read(self, target):
        found = read_target(target)
        assert isinstance(found, Reject)
        assert found.status == 400

    @each("segment", ["CP%", "CP%E0%A4%A", "CP%zz", "%FF"])
    def test_with_broken_escapes_may_be_kept_as_sent(self, segment):
        assert read(f"/ocpp/{segment}", keep_broken_escapes=True).identity == segment

    def test_with_control_characters_is_400_all_the_same(self):
        assert an(Reject, read_target("/ocpp/CP%00", keep_broken_escapes=True)).status == 400

    @each("target", ["/", "//", "/?id=CP1", "/ocpp", "/ocpp/", "http://csms.example/ocpp?id=CP1"])
    def test_is_empty_on_a_path_without_one(self, target):
        assert read(target, without_identity=("/", "/ocpp/")).identity == ""
        assert read("/ocpp/CP1", without_identity=("/", "/ocpp/")).identity == "CP1"

    def test_path_stays_encoded_and_the_query_is_decoded(self):
        found = read("/a%20b/CP1?x=%201&x=2&flag&=&%zz=%ff")
        assert found.path == "/a%20b/CP1"
        assert found.query == (("x", " 1"), ("x", "2"), ("flag", ""), ("", ""), ("%zz", "\ufffd"))

    @each("identity", ["CP1", "CP/1 ü:x", "50%", "..", "a+b&c?d#e", "[x]", "RDAM|123"])
    def test_reads_back_what_a_station_sends(self, identity):
        assert read(resolve_endpoint("ws://h/ocpp?t=1", identity).target).identity == identity
