"""Routes: which one a path matches, what it says about the station, and patterns that are refused."""

import re

import pytest

from ocpp_core.admission.routing.routes import RoutePattern, RouteTree, join_patterns
from ocpp_core.inputs import Reject
from tests.kinds import mistyped
from tests.tables import each

PATTERNS = (
    "/",
    "/ocpp/{identity}",
    "/ocpp/{tenant}/{identity}",
    "/ocpp/{tenant}/{site}/{identity}",
    "/ocpp/acme/{identity}",
    "/ocpp/{tenant}/spare/{identity}",
    "/fixed/path",
    "/old/{where:*}",
    "/old/new/{identity}",
    "/shop/{name}/{rest:*}",
)
TREE = RouteTree((RoutePattern.read(pattern), pattern) for pattern in PATTERNS)

FOUND: tuple[tuple[str, str | None, str | int, dict[str, str], str], ...] = (
    # the path, the route, the identity as sent, the other parts, the namespace
    ("/ocpp/CP1", "/ocpp/{identity}", "CP1", {}, ""),
    ("/ocpp/t1/CP1", "/ocpp/{tenant}/{identity}", "CP1", {"tenant": "t1"}, "t1"),
    ("/ocpp/acme/CP1", "/ocpp/acme/{identity}", "CP1", {}, ""),
    ("/ocpp/Acme/CP1", "/ocpp/{tenant}/{identity}", "CP1", {"tenant": "Acme"}, "Acme"),
    ("/ocpp/t1/s1/CP1", "/ocpp/{tenant}/{site}/{identity}", "CP1", {"tenant": "t1", "site": "s1"}, "t1/s1"),
    ("/ocpp/acme/s1/CP1", "/ocpp/{tenant}/{site}/{identity}", "CP1", {"tenant": "acme", "site": "s1"}, "acme/s1"),
    ("/ocpp/t1/spare/CP1", "/ocpp/{tenant}/spare/{identity}", "CP1", {"tenant": "t1"}, "t1"),
    ("/ocpp/t1/CP1/", "/ocpp/{tenant}/{identity}", "CP1", {"tenant": "t1"}, "t1"),
    ("/ocpp/t%2Fu/CP1", "/ocpp/{tenant}/{identity}", "CP1", {"tenant": "t/u"}, "t%2Fu"),
    ("/ocpp/t/a%2Fb", "/ocpp/{tenant}/{identity}", "a%2Fb", {"tenant": "t"}, "t"),
    ("/%6Fcpp/CP%31", "/ocpp/{identity}", "CP%31", {}, ""),
    ("/ocpp/%E9/CP1?x=/a/b", None, 400, {}, ""),
    ("/fixed/path", "/fixed/path", "", {}, ""),
    ("/", "/", "", {}, ""),
    ("/old/CP1", "/old/{where:*}", "CP1", {"where": ""}, ""),
    ("/old/new/CP1", "/old/new/{identity}", "CP1", {}, ""),
    ("/old/new/x/CP1", "/old/{where:*}", "CP1", {"where": "new/x"}, "new/x"),
    ("/old/a%2Fb/c/CP1", "/old/{where:*}", "CP1", {"where": "a%2Fb/c"}, "a%2Fb/c"),
    ("/shop/s/CP1", "/shop/{name}/{rest:*}", "CP1", {"name": "s", "rest": ""}, "s/"),
    ("wss://csms.example/ocpp/CP1?token=1", "/ocpp/{identity}", "CP1", {}, ""),
    ("/ocpp", None, 404, {}, ""),
    ("/ocpp/", None, 404, {}, ""),
    ("/other/CP1", None, 404, {}, ""),
    ("/OCPP/CP1", None, 404, {}, ""),
    ("//ocpp/CP1", None, 404, {}, ""),
    ("/ocpp//CP1", None, 404, {}, ""),
    ("/ocpp/a/b/c/d", None, 404, {}, ""),
    ("/old", None, 404, {}, ""),
    ("/ocpp/../CP1", None, 400, {}, ""),
    ("/ocpp/%2e%2E/CP1", None, 400, {}, ""),
    ("/old/a/../CP1", None, 400, {}, ""),
    ("/ocpp/%00/CP1", None, 400, {}, ""),
    ("/ocpp/%zz/CP1", None, 400, {}, ""),
    ("/ocpp/%E2%80%AE/CP1", None, 400, {}, ""),  # text after it would be shown from right to left
    (f"/ocpp/{'t' * 256}/CP1", None, 400, {}, ""),
    ("ocpp/CP1", None, 400, {}, ""),
    ("*", None, 400, {}, ""),
)


def outcome(path):
    found = TREE.match(path)
    if isinstance(found, Reject):
        return None, found.status, {}, ""
    return found.path.route, found.path.segment, dict(found.path.params), found.path.namespace


class TestAPath:
    @each("path, route, segment, params, namespace", FOUND)
    def test_matches_the_most_specific_route_from_the_left(self, path, route, segment, params, namespace):
        assert outcome(path) == (route, segment, params, namespace)

    def test_does_not_depend_on_the_order_in_which_routes_were_added(self):
        turned = RouteTree((RoutePattern.read(pattern), pattern) for pattern in reversed(PATTERNS))
        for path, *_ in FOUND:
            there, here = turned.match(path), TREE.match(path)
            assert there == here

    def test_of_another_arity_has_another_namespace(self):
        """Otherwise a station of one route could take the place of a station of another route."""
        assert outcome("/ocpp/a%2Fb/CP1")[3] != outcome("/ocpp/a/b/CP1")[3]
        assert outcome("/ocpp/a%252Fb/CP1")[3] != outcome("/ocpp/a%2Fb/CP1")[3]

    def test_of_very_many_segments_costs_no_more_than_the_routes(self):
        assert outcome("/ocpp" + "/a" * 100_000) == (None, 404, {}, "")


REFUSED = (
    ("ocpp", "begins with '/'"),
    ("", "begins with '/'"),
    ("/ocpp//{identity}", "segments of text"),
    ("/a{identity}", "segments of text"),
    ("/{identity}x", "segments of text"),
    ("/{1}", "segments of text"),
    ("/{}", "segments of text"),
    ("/..", "segments of text"),
    ("/%zz", "segments of text"),
    ("/{a}/{a}", "each name once"),
    ("/{rest:*}/{identity}", "only as the last segment"),
    ("/{identity:*}", "no {identity} with a tail"),
    ("/{identity}/{rest:*}", "no {identity} with a tail"),
)


class TestAPattern:
    @each("pattern, message", REFUSED)
    def test_is_refused(self, pattern, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            RoutePattern.read(pattern)

    def test_has_to_be_text(self):
        with pytest.raises(TypeError, match="expected a pattern as str, got int"):
            RoutePattern.read(mistyped(5))

    @pytest.mark.parametrize(("one", "other"), [("/a/{b}", "/a/{identity}/"), ("/x", "/%78"), ("/{a:*}", "/{b:*}")])
    def test_that_matches_the_same_paths_as_another_is_refused_and_both_are_named(self, one, other):
        with pytest.raises(ValueError, match=re.escape(f"{RoutePattern.read(one).text!r} matches the same paths")):
            RouteTree((RoutePattern.read(pattern), None) for pattern in (one, other))

    def test_is_joined_to_a_prefix(self):
        assert join_patterns("/ocpp/", "/{tenant}/{identity}/") == "/ocpp/{tenant}/{identity}"
        assert join_patterns("", "/x") == join_patterns("/", "/x") == "/x"
        with pytest.raises(ValueError, match="prefix without a tail"):
            join_patterns("/{rest:*}", "/x")
        with pytest.raises(ValueError, match="each name once"):
            join_patterns("/{a}", "/{a}")
