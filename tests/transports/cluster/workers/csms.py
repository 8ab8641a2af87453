"""The application that the workers of the tests run."""

import logging
import os

from ocpp_transports import OCPPError, OCPPServer

logging.basicConfig(level=logging.WARNING)


def make_server():
    server = OCPPServer(protocols=["ocpp1.6"])

    @server.handle("DataTransfer")
    async def transfer(ctx):
        """Answer with the process, or with what another station answers."""
        if ctx.params["vendorId"] == "process":
            return {"status": "Accepted", "data": str(os.getpid())}
        try:
            answer = await server.call(ctx.params["data"], "ClearCache", {})
        except OCPPError as error:
            return {"status": "Rejected", "data": str(error)}
        return {"status": answer["status"]}

    return server


async def make_server_later():
    return make_server()


def make_nothing():
    return "nothing"
