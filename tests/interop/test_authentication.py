"""Stations that must not come in, over real sockets: each gets an HTTP answer that tells nothing."""

import anyio
import pytest

from tests.interop.raw import (
    LEAKS,
    basic,
    connected,
    hello,
    knock,
    leaving_the_good_one,
    refused,
    serves_a_good_station,
)
from tests.transports.pairs import SECONDS, first, serving, station_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_left")]


SECRET = "the vault's combination is 12-34-56"


GOOD = basic("CP1", b"pa:ss\x00\xff")


class TestCredentials:
    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param([], id="none"),
            pytest.param([basic("CP1", b"pa:ss\x00\xfe")], id="a wrong password"),
            pytest.param([basic("CP1", b"")], id="an empty password"),
            pytest.param([basic("CP2", b"pa:ss\x00\xff")], id="another station's name"),
            pytest.param([GOOD, GOOD], id="twice"),
            pytest.param([("Authorization", "Basic")], id="the word Basic"),
            pytest.param([("Authorization", "Basic Q1AxOnBhc3M*")], id="no base64"),
            pytest.param([("Authorization", "Basic Q1Ax")], id="a name without a password"),
            pytest.param([("Authorization", "Bearer " + "x" * 2000)], id="a bearer token"),
            pytest.param([("Authorization", "Basic \xff\xfe")], id="bytes beyond ASCII"),
        ],
    )
    async def test_that_are_not_right_are_401_with_a_challenge(self, headers):
        credentials = {"CP1": b"pa:ss\x00\xff"}
        async with serving(security_profile=1, credentials=credentials) as (server, listener):
            answer = await knock(listener.port, hello("/ocpp/CP1", *headers))
            assert (answer.status, answer.body) == (401, "Unauthorized")
            assert answer.headers["www-authenticate"].startswith("Basic ")
            async with connected(listener.port) as raw:
                await raw.send(hello("/ocpp/CP1", GOOD))
                assert (await station_of(server)).handshake.password == b"pa:ss\x00\xff"

    async def test_of_an_unknown_station_are_401_even_with_the_empty_password(self):
        async with serving(security_profile=1, credentials=lambda identity: None) as (_, listener):
            answer = await knock(listener.port, hello("/ocpp/CP9", basic("CP9", b"")))
            assert answer.status == 401

    async def test_that_cannot_be_looked_up_are_500_without_a_word_of_why(self):
        async def look_up(identity):
            raise LookupError(SECRET)

        options = {"security_profile": 1, "credentials": look_up, "logging": False}
        async with serving(**options) as (server, listener), server.events("error") as errors:
            answer = await knock(listener.port, hello("/ocpp/CP1", GOOD))
            assert answer.status == 500
            assert not [leak for leak in LEAKS if leak in answer.body]
            assert str((await first(errors)).error) == SECRET


def raising(accept, reject, handshake):
    raise RuntimeError(SECRET)


async def raising_later(accept, reject, handshake):
    await anyio.lowlevel.checkpoint()
    raise KeyError(SECRET)


def accepting_and_raising(accept, reject, handshake):
    accept()
    raise RuntimeError(SECRET)


def accepting_what_was_not_offered(accept, reject, handshake):
    accept(protocol="ocpp2.1")


FAILING = [
    raising,
    raising_later,
    accepting_and_raising,
    accepting_what_was_not_offered,
    lambda accept, reject, handshake: None,
    lambda accept, reject, handshake: reject(4001),
    lambda accept, reject, handshake: reject(200),
]


FAILING_IDS = ["raises", "raises later", "raises after all", "unoffered", "undecided", "no status", "a success"]


class TestAuth:
    @pytest.mark.parametrize("auth", FAILING, ids=FAILING_IDS)
    async def test_that_fails_is_500_without_a_word_of_why(self, auth):
        async with serving(auth=leaving_the_good_one(auth), logging=False) as (server, listener):
            answer = await refused(server, listener, hello())
            assert (answer.status, answer.body) == (500, "Internal Server Error")

    @pytest.mark.parametrize("status", [400, 403, 404, 429, 503, 599])
    async def test_refuses_by_the_status_it_likes(self, status):
        auth = leaving_the_good_one(lambda accept, reject, handshake: reject(status, "Käse\r\nX-Injected: 1"))
        async with serving(auth=auth) as (server, listener):
            answer = await refused(server, listener, hello())
            assert answer.status == status
            assert answer.body == "Käse\r\nX-Injected: 1"
            assert "x-injected" not in answer.headers

    async def test_that_decides_too_late_is_408_and_changes_nothing(self):
        decided = anyio.Event()

        async def auth(accept, reject, handshake):
            try:
                await anyio.sleep_forever()
            finally:
                accept()
                decided.set()

        async with serving(auth=leaving_the_good_one(auth), handshake_timeout=0.1) as (server, listener):
            assert (await knock(listener.port, hello())).status == 408
            with anyio.fail_after(SECONDS):
                await decided.wait()
            server.reconfigure(handshake_timeout=SECONDS)
            await serves_a_good_station(server, listener)
            assert server.get_client("CP1") is None

    async def test_of_a_peer_that_left_ends_and_gives_its_place_back(self):
        """Else a server would be full of stations that are nowhere, for as long as `auth` may take."""
        asked, ended = anyio.Event(), anyio.Event()

        async def auth(accept, reject, handshake):
            asked.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        async with serving(auth=leaving_the_good_one(auth), max_handshakes=1) as (server, listener):
            async with connected(listener.port) as raw, server.events("upgrade_aborted") as refusals:
                await raw.send(hello())
                with anyio.fail_after(SECONDS):
                    await asked.wait()
                answer = await knock(listener.port, hello("/ocpp/CP2"))
                assert (answer.status, answer.headers["retry-after"]) == (503, "10")
                assert (await first(refusals)).status == 503
                await raw.reset()
                with anyio.fail_after(SECONDS):
                    await ended.wait()
            await serves_a_good_station(server, listener)
