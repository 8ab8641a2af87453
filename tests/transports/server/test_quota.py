"""Bounds of sockets, of handshakes that wait for their decision, and of stations: each by itself."""

from math import inf

import anyio
import pytest
import trustme

from ocpp_transports import TLSOptions, UnexpectedHttpResponse
from ocpp_transports._logging._repeats import WRITTEN
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._admitting._quota import Quota, SocketGate, owner_of
from ocpp_transports.channel import UpgradeOffer
from tests.transports.pairs import SECONDS, client_of, knock, serving, station_of, upgrade

WRONG = upgrade("/ocpp/CP1", "Authorization: Basic Q1AxOndyb25n")  # CP1:wrong


class TestTheOwnerOfAnAddress:
    @pytest.mark.parametrize(
        ("one", "other", "is_same"),
        [
            ("192.0.2.1", "192.0.2.1", True),
            ("192.0.2.1", "192.0.2.2", False),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("::ffff:192.0.2.1", "192.0.2.1", True),
            ("fe80::1%eth0", "fe80::2%eth1", True),
            ("not:an:address", "not:an:address", True),
            (None, None, True),
            ("testclient", "other", False),
            ("x" * 64 + "y", "x" * 64 + "z", True),
        ],
    )
    def test_is_a_host_or_an_ipv6_network_of_64_bits(self, one, other, is_same):
        assert (owner_of(one) == owner_of(other)) is is_same


class TestCounting:
    def test_is_by_owner_and_in_all(self):
        quota = Quota()
        for delegate in ("a", "a", "b"):
            assert not quota.is_used_up(delegate, 3, 2)
            quota.enter(delegate)
        assert (quota.is_used_up("a", inf, 2), quota.is_used_up("b", inf, 2)) == (True, False)
        assert quota.is_used_up("c", 3, inf)
        quota.leave("a")
        assert not quota.is_used_up("a", 3, 2)

    def test_keeps_nothing_of_those_who_left(self):
        quota = Quota()
        for number in range(100):
            quota.is_used_up(str(number), 1, 1)
            quota.enter(str(number))
            quota.leave(str(number))
        assert quota.total == len(quota._by_owner) == 0


class TestTheGate:
    @pytest.mark.parametrize(
        ("limit", "limit_by_address", "reason"),
        [
            (1, inf, "1 sockets are open (max_sockets)"),
            (inf, 1, "1 sockets of one address are open (max_sockets_per_address)"),
        ],
    )
    def test_tells_whom_it_turns_away_and_by_which_limit(self, limit, limit_by_address, reason):
        told = []
        gate = SocketGate(lambda address, reason: told.append((address, reason)))
        gate.limit, gate.limit_by_address = limit, limit_by_address
        leave = gate.admit("192.0.2.1")
        assert leave is not None
        assert gate.admit("192.0.2.1") is None
        assert told == [("192.0.2.1", reason)]
        leave()
        assert gate.admit("192.0.2.1") is not None


class TestTheDefaults:
    def test_leave_one_address_half_of_the_handshakes(self):
        options = ServerOptions(max_handshakes=100)
        assert options.handshake_limit_by_address == 50
        assert ServerOptions(max_handshakes=1).handshake_limit_by_address == 1
        assert ServerOptions(max_handshakes=100, max_handshakes_per_address=7).handshake_limit_by_address == 7

    def test_have_room_for_every_station_behind_one_address(self):
        options = ServerOptions(max_connections=1000, max_handshakes=100)
        assert (options.socket_limit, options.socket_limit_by_address) == (1100, 1050)
        assert (ServerOptions().socket_limit, ServerOptions().socket_limit_by_address) == (inf, inf)
        given = ServerOptions(max_sockets=5, max_sockets_per_address=3)
        assert (given.socket_limit, given.socket_limit_by_address) == (5, 3)


@pytest.mark.anyio
class TestHandshakes:
    async def test_without_right_credentials_keep_nobody_out(self):
        """However slow the credentials are: what waits for them is no station."""
        asked, crowded, answer = [], anyio.Event(), anyio.Event()

        async def credentials(identity):
            asked.append(identity)
            if len(asked) == 20:
                crowded.set()
            if len(asked) <= 20:
                await answer.wait()
            return "secret"

        rules = {"security_profile": 1, "credentials": credentials, "max_connections": 1}
        async with serving(**rules) as (_, listener), anyio.create_task_group() as strangers:
            for _ in range(20):
                strangers.start_soon(knock, listener, WRONG)
            with anyio.fail_after(SECONDS):
                await crowded.wait()
            async with client_of(listener, security_profile=1, password="secret") as client:
                assert await client.connect() == "ocpp1.6"
            answer.set()

    @pytest.mark.parametrize("rule", [{"max_handshakes": 2}, {"max_handshakes_per_address": 2}])
    async def test_beyond_their_bound_are_503_whoever_asks(self, rule):
        asked, crowded, answer = [], anyio.Event(), anyio.Event()

        async def auth(accept, reject, handshake):
            asked.append(handshake.identity)
            if len(asked) == 2:
                crowded.set()
            await answer.wait()
            reject(403)

        rules = {"max_handshakes_per_address": 2, **rule}
        async with serving(auth=auth, **rules) as (_, listener), anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(knock, listener, upgrade())
            with anyio.fail_after(SECONDS):
                await crowded.wait()
            status, headers, body = await knock(listener, upgrade())
            assert (status, headers["retry-after"], body) == (503, "10", "Busy")
            assert (await knock(listener, upgrade("/")))[0] == 503  # unread: what costs nothing comes first
            answer.set()
        async with serving(auth=auth, **rules) as (_, listener):
            for _ in range(5):  # one after the other they are not too many
                assert (await knock(listener, upgrade()))[0] == 403

    async def test_are_counted_by_address(self):
        """Others than the crowded address get their turn."""
        held = anyio.Event()

        async def auth(accept, reject, handshake):
            if handshake.remote_address == "192.0.2.1":
                await held.wait()
            accept()

        async def offer(number, address):
            target = f"/ocpp/CP{number}"
            answer = await server.incoming(UpgradeOffer(target, (), ["ocpp1.6"], remote_address=address)).decision()
            answers.append((number, getattr(answer, "status", 101)))
            if len(answers) == 3:
                crowded.set()

        answers: list[tuple[int, int]] = []
        crowded = anyio.Event()
        rules = {"max_handshakes": 4, "max_handshakes_per_address": 2}
        async with serving(auth=auth, **rules) as (server, _), anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(offer, number, "192.0.2.1")
            with anyio.fail_after(SECONDS):
                await crowded.wait()
            assert [status for _, status in answers] == [503, 503, 503]
            await offer(9, "192.0.2.2")
            assert answers[-1] == (9, 101)
            held.set()


@pytest.mark.anyio
class TestAFullServer:
    async def test_tells_no_stranger_who_is_online(self):
        rules = {"security_profile": 1, "credentials": {"CP1": "secret", "CP2": "secret"}, "max_connections": 1}
        async with (
            serving(**rules) as (_, listener),
            client_of(listener, security_profile=1, password="secret") as client,
            client_of(listener, "CP2", security_profile=1, password="secret") as other,
        ):
            await client.connect()
            for target in ("/ocpp/CP1", "/ocpp/CP2", "/ocpp/CP3"):
                assert (await knock(listener, upgrade(target)))[::2] == (401, "Unauthorized")
            assert (await knock(listener, WRONG))[0] == 401
            with pytest.raises(UnexpectedHttpResponse) as refused:
                await other.connect()
            assert refused.value.status == 503


@pytest.mark.anyio
class TestSockets:
    @pytest.mark.parametrize("rule", ["max_sockets", "max_sockets_per_address"])
    async def test_beyond_their_bound_are_closed_unread_and_harm_no_other(self, rule, caplog):
        async with serving(**{rule: 3}) as (server, listener), client_of(listener) as client:
            await client.connect()
            silent = [await anyio.connect_tcp("127.0.0.1", listener.port) for _ in range(2)]  # half-open
            for _ in range(WRITTEN + 1):
                with anyio.fail_after(SECONDS), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    async with await anyio.connect_tcp("127.0.0.1", listener.port) as turned_away:
                        await turned_away.receive()
            assert len([line for line in caplog.messages if "too_many_sockets" in line]) == WRITTEN
            assert len(server.clients) == 1
            for stream in silent:
                await stream.aclose()
            await _until_there_is_room(listener)

    async def test_of_replaced_connections_count_until_they_are_closed(self):
        async with serving(max_sockets=2) as (server, listener), client_of(listener) as client:
            await client.connect()
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as newer:
                await newer.send(upgrade())
                assert (await newer.receive()).startswith(b"HTTP/1.1 101 ")
                station = await station_of(server)
                await client.close(force=True)
                await _until_there_is_room(listener)
                assert server.get_client("CP1") is station

    async def test_may_be_more_from_now_on(self):
        async with (
            serving(max_sockets=1) as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port),
        ):
            server.reconfigure(max_sockets=inf)
            assert (await knock(listener, b"nonsense\r\n\r\n"))[0] == 400

    async def test_whose_tls_handshake_fails_are_counted_no_longer(self):
        issued = trustme.CA().issue_cert("127.0.0.1")
        tls = TLSOptions(cert=issued.cert_chain_pems[0].bytes(), key=issued.private_key_pem.bytes())
        async with serving(tls=tls) as (server, listener):
            for _ in range(3):
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                    await stream.send(b"nonsense\r\n\r\n")
            async with client_of(listener, scheme="wss", tls=TLSOptions(verify=False)) as client:
                await client.connect()
                with anyio.fail_after(SECONDS):
                    while server._acceptor.gate._quota.total != 1:  # noqa: ASYNC110 - nobody tells of it
                        await anyio.sleep(0.01)


async def _until_there_is_room(listener):
    """Ask until one more socket is served; closing takes its time."""
    with anyio.fail_after(SECONDS):
        while True:
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                try:
                    await stream.send(b"nonsense\r\n\r\n")
                    if (await stream.receive()).startswith(b"HTTP/1.1 400 "):
                        return
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    await anyio.sleep(0.01)
