"""The supervisor's side: the table of the registry, and the streams to the nodes.

A node is alive as long as its stream lasts, so the table needs no leases: the stream of a process that is killed ends
at once. What a node has claimed is removed then.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import astuple
from logging import Logger
from math import inf
from secrets import token_hex
from socket import socket
from typing import Any, Final, NamedTuple

from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.registry.table import RegistryTable

from ._packets import BUCKETS, LENGTH, SENT, Packet, length_of, read_packet, write_packet

__all__ = ["Hub"]

_GONE: Final = "the node has ended"
_FULL: Final = "the node does not read its frames"
_MOST_UNREAD: Final = 4 * 1024 * 1024
"""Bytes that wait for a node that does not read; further frames are not sent."""


class _Member(NamedTuple):
    """A node that is alive."""

    address: str | None
    """Where the other nodes can connect to it."""
    writer: asyncio.StreamWriter


class Hub:
    """Answers the requests of the workers, and passes their frames on."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._table = RegistryTable(BUCKETS, token_hex(8), lease=inf)
        self._nodes: dict[NodeId, _Member] = {}

    async def serve(self, stream: socket) -> None:
        """Serve a worker until it ends its stream."""
        reader, writer = await asyncio.open_connection(sock=stream)
        worker = _Worker(self, writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    length = length_of(await reader.readexactly(LENGTH))
                    worker.obey(read_packet(await reader.readexactly(length)))
                    await writer.drain()
        except (ValueError, TypeError) as error:
            self._log.error("cannot read what a worker sends: %s; its stream is closed", error)
        finally:
            worker.leave()
            writer.close()

    def join(self, node: NodeId, address: str | None, writer: asyncio.StreamWriter) -> None:
        """Count a node as alive."""
        self._nodes[node] = _Member(address, writer)

    def leave(self, node: NodeId) -> None:
        """Remove a node and its claims, and report its end to the others."""
        if self._nodes.pop(node, None) is None:
            return
        self._table.remove(node)
        for each in self._nodes.values():
            if not each.writer.is_closing():
                each.writer.write(write_packet(0, "lost", node))

    def pass_on(self, sender: NodeId, receiver: NodeId, frame: bytes) -> str:
        """Write a frame to the stream of a node; return SENT, or the reason why not."""
        member = self._nodes.get(receiver)
        if member is None or member.writer.is_closing():
            return _GONE
        if member.writer.transport.get_write_buffer_size() > _MOST_UNREAD:
            return _FULL
        member.writer.write(write_packet(0, "frame", sender, frame=frame))
        return SENT

    def answer(self, node: NodeId, line: list[Any]) -> Any:
        """Return the result of a request to the registry. Raises ValueError for any other."""
        table = self._table
        match line:
            case ["claim", str(identity)]:
                return astuple(table.claim(identity, node, time.time_ns() // 1000))
            case ["release", str(identity), int(fence)]:
                return table.release(identity, node, fence)
            case ["restore", str(identity), int(fence)]:
                return astuple(table.restore(identity, node, fence))
            case ["renew"]:
                member = self._nodes.get(node)
                return astuple(table.renew(node, None if member is None else member.address, 0))
            case ["check", list(identities)]:
                return [None if each is None else astuple(each) for each in table.check(identities)]
            case ["find", str(identity)]:
                found = table.find(identity, 0)
                return None if found is None else astuple(found)
            case ["watch", str(identity), int() | float() as seconds]:
                found = table.watch(identity, node, time.monotonic(), seconds)
                return None if found is None else astuple(found)
            case ["stations", list(buckets)] if all(number in range(BUCKETS) for number in buckets):
                return {identity: astuple(each) for identity, each in table.stations_of(buckets, 0).items()}
            case _:
                raise ValueError("expected a request to the registry")


class _Worker:
    """One stream, and the node behind it once that is open."""

    def __init__(self, hub: Hub, writer: asyncio.StreamWriter) -> None:
        self._hub = hub
        self._writer = writer
        self._node = NodeId("")

    def obey(self, packet: Packet) -> None:
        """Answer one request. Raises ValueError for anything else."""
        result: Any = None
        match packet.line:
            case ["open", str(node), None | str() as address]:
                self.leave()
                self._node = NodeId(node)
                self._hub.join(self._node, address, self._writer)
                result = self._hub.answer(self._node, ["renew"])
            case ["close"]:
                self.leave()
            case ["send", str(receiver)]:
                result = self._hub.pass_on(self._node, NodeId(receiver), packet.frame)
            case line:
                result = self._hub.answer(self._node, line)
        self._writer.write(write_packet(packet.number, result))

    def leave(self) -> None:
        """Remove its node, if it has one."""
        self._hub.leave(self._node)
