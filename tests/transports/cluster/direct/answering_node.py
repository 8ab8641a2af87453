"""A node in a process of its own: it answers every frame with the same frame. Its arguments: node and address."""

import sys

import anyio

from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports.cluster._direct._address import StreamAddress
from ocpp_transports.cluster._direct._carrier import DirectCarrier
from ocpp_transports.cluster._direct._settings import DirectSettings


async def main(node: str, address: str) -> None:
    async with anyio.create_task_group() as tasks:

        def answer(sender: NodeId, frame: bytes) -> None:
            tasks.start_soon(carrier.send, sender, None, frame)

        log = Log(logger_of(True), "cluster", is_station=False)
        carrier = DirectCarrier(NodeId(node), DirectSettings(), log, answer, lambda _: None)
        print(await carrier.listen(StreamAddress.read(address)), flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
