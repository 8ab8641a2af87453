"""The application that the workers of the tests run."""

import logging
import os
import time

from ocpp_transports import OCPPError, OCPPServer
from ocpp_transports.cluster import worker_number

logging.basicConfig(level=logging.WARNING)


def make_server():
    window = float(os.environ.get("CLOSE_WINDOW", "0"))
    server = OCPPServer(protocols=["ocpp1.6"], http=True, close_window=window, cluster=os.environ.get("REDIS"))
    server.http("/worker")(lambda _: (200, {}, [worker_number(), os.getpid(), *node_of(server)]))

    @server.handle("DataTransfer")
    async def transfer(ctx):
        """Answer with the process, or with what another station answers, to which the data is passed on."""
        if ctx.params["vendorId"] == "process":
            return {"status": "Accepted", "data": str(os.getpid())}
        if ctx.params["vendorId"] == "block":
            time.sleep(3600)  # noqa: ASYNC251  # the test wants it
        identity, _, data = ctx.params["data"].partition(" ")
        try:
            answer = await server.call(identity, "DataTransfer", {"vendorId": "passed", "data": data})
        except OCPPError as error:
            return {"status": "Rejected", "data": str(error)}
        return {"status": answer["status"]}

    return server


def node_of(server):
    """Return the name of the node and its epoch, and the address for other nodes."""
    return (*server._cluster._node.id.rsplit(".", 1), server._cluster._cluster.advertise)


async def make_server_later():
    return make_server()


def make_nothing():
    return "nothing"
