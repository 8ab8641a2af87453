"""The session of a station that returns, on a server: it follows whoever authenticated, and fresh values win."""

from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocpp_transports import OCPPServer, SecurityProfile
from tests.transports.pairs import client_of, first, serving

pytestmark = pytest.mark.anyio


class Central:
    """A server of profile 1 that remembers sessions."""

    def __init__(self, server, listener):
        self.server = server
        self.listener = listener

    @asynccontextmanager
    async def station(self, **options):
        """Connect CP1; yields the server's handle, and waits for its end.

        A station that is replaced must not return: it would replace the newcomer, and take the session.
        """
        options = {"security_profile": SecurityProfile.BASIC, "password": "secret-secret-secret", **options}
        async with client_of(self.listener, reconnect=False, **options) as client:
            async with self.server.events("client") as arrivals:
                await client.connect()
                handle = await first(arrivals)
            async with handle.events("close") as closes:
                yield handle
                await client.close()
                await first(closes)


@asynccontextmanager
async def central(**options):
    known = {"CP1": "secret-secret-secret"}
    defaults = {"security_profile": SecurityProfile.BASIC, "credentials": known, "session_ttl": 60}
    async with serving(**{**defaults, **options}) as (server, listener):
        yield Central(server, listener)


class TestTheSession:
    async def test_returns_with_the_station(self):
        async with central() as csms:
            async with csms.station() as earlier:
                earlier.session["transaction"] = 7
            assert csms.server.stats().kept_sessions == 1
            async with csms.station() as second:
                assert second is not earlier
                assert second.session == {"transaction": 7}
                assert csms.server.stats().kept_sessions == 0

    async def test_of_a_connection_that_is_replaced_goes_to_the_newcomer(self):
        async with central() as csms, csms.station() as earlier:
            earlier.session["transaction"] = 7
            async with csms.station() as second:
                assert second.session == {"transaction": 7}
                second.session["transaction"] = 8
            async with csms.station() as third:
                assert third.session == {"transaction": 8}

    async def test_yields_to_what_middleware_and_auth_set_now(self):
        """A station that was moved to another tenant must not stay in the old one."""
        tenants = iter("ab")

        async def middleware(ctx, proceed):
            ctx.session["tenant"] = next(tenants)
            await proceed()

        def auth(accept, reject, handshake):
            accept(session={"address": handshake.remote_address})

        async with central(connection_middleware=[middleware], auth=auth) as csms:
            async with csms.station() as earlier:
                earlier.session.update(address="stale", transaction=7)
            async with csms.station() as second:
                assert second.session == {"tenant": "b", "address": "127.0.0.1", "transaction": 7}

    async def test_is_not_given_to_another_principal_of_the_identity(self):
        def auth(accept, reject, handshake):
            accept(identity="SHARED")

        async with central(
            credentials={"CP1": "secret-secret-secret", "CP2": "secret-secret-secret"}, auth=auth
        ) as csms:
            async with csms.station() as earlier:
                earlier.session["of"] = earlier.identity, "CP1"
            async with csms.station(identity="CP2") as other:
                assert (other.identity, other.session) == ("SHARED", {})
            async with csms.station() as again:
                assert again.session == {"of": ("SHARED", "CP1")}

    async def test_is_forgotten_when_the_server_closes_and_when_the_option_is_turned_off(self):
        async with central() as csms:
            for forget in (lambda: csms.server.reconfigure(session_ttl=0), csms.server.close):
                csms.server.reconfigure(session_ttl=60)
                async with csms.station() as station:
                    station.session["transaction"] = 7
                assert csms.server.stats().kept_sessions == 1
                result: Any = forget()
                if result is not None:
                    await result
                assert csms.server.stats().kept_sessions == 0

    async def test_is_not_given_to_a_station_that_was_the_same_until_the_case_of_identities_counted(self):
        both = {"CP1": "secret-secret-secret", "cp1": "secret-secret-secret"}
        async with central(credentials=both, ignore_identity_case=True) as csms:
            async with csms.station() as upper:
                upper.session["transaction"] = 7
            csms.server.reconfigure(ignore_identity_case=False)
            async with csms.station(identity="cp1") as lower:
                assert lower.session == {}

    async def test_is_new_for_each_connection_by_default(self):
        async with central(session_ttl=0) as csms:
            async with csms.station() as earlier:
                earlier.session["transaction"] = 7
            async with csms.station() as second:
                assert second.session == {}


async def test_a_server_that_would_keep_none_says_so():
    with pytest.raises(ValueError, match="session_ttl with security profile 0: stations prove nothing"):
        OCPPServer(session_ttl=60)
    OCPPServer(session_ttl=60, unauthenticated_sessions=True)
