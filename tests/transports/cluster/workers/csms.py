"""The application that the workers of the tests run."""

import logging

from ocpp_transports import OCPPServer, utc_now

logging.basicConfig(level=logging.WARNING)


def make_server():
    server = OCPPServer(protocols=["ocpp1.6"])
    server.handle("Heartbeat", lambda _: {"currentTime": utc_now()})
    return server


async def make_server_later():
    return make_server()


def make_nothing():
    return "nothing"
