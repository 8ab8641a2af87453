"""Everything that clients of the cases connect to, on loopback ports that the page knows beforehand."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import SocketAttribute

from tests.browser.central import Central
from tests.browser.puppet import Puppet

__all__ = ["PASSWORD", "OtherEnd", "running"]

PASSWORD = "pä55:wörd/%?#"
GUARDED, PUPPETS = 8, 24  # origins


@dataclass(frozen=True)
class OtherEnd:
    """Where things are, and what a case may command: `central.*` and `puppet.*`."""

    places: dict[str, Any]
    commands: dict[str, Callable[..., Awaitable[Any]]]

    @property
    def allowed(self) -> list[str]:
        """The origins that the page's Content-Security-Policy has to allow: all but the barred one."""
        kept = [self.places[name] for name in ("csms", "refused", "unsafe")]
        return [*kept, *self.places["guarded"], *self.places["puppets"]]


def _commands(prefix: str, target: object) -> dict[str, Callable[..., Awaitable[Any]]]:
    names = (name for name in vars(type(target)) if not name.startswith("_") and name != "serve")
    return {f"{prefix}.{name}": getattr(target, name) for name in names}


@asynccontextmanager
async def running() -> AsyncIterator[OtherEnd]:
    """Run all servers."""
    central, guarded, puppet = Central(), Central(security_profile=1, credentials=lambda _: PASSWORD), Puppet()
    async with central.server, guarded.server, AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        listeners = [await anyio.create_tcp_listener(local_host="127.0.0.1") for _ in range(PUPPETS)]
        for listener in listeners:
            await stack.enter_async_context(listener)
            tasks.start_soon(listener.serve, puppet.serve)
        with socket.socket() as refusing:
            refusing.bind(("127.0.0.1", 0))  # and never listens: its port stays ours and refuses
            places = {
                "csms": _url((await central.server.listen(0, "127.0.0.1")).port),
                "barred": _url((await central.server.listen(0, "127.0.0.1")).port),
                "guarded": [_url((await guarded.server.listen(0, "127.0.0.1")).port) for _ in range(GUARDED)],
                "puppets": [_url(listener.extra(SocketAttribute.local_port)) for listener in listeners],
                "refused": _url(refusing.getsockname()[1]),
                "unsafe": _url(1),
                "password": PASSWORD,
            }
            commands = {
                **_commands("central", central),
                **_commands("guarded", guarded),
                **_commands("puppet", puppet),
            }
            yield OtherEnd(places, commands)
        tasks.cancel_scope.cancel()


def _url(port: int) -> str:
    return f"ws://127.0.0.1:{port}"
