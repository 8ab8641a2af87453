"""Attack a server with hostile stations, and measure the effect on other stations.

    python tools/siege.py                                          every attack and load on each event loop
    python tools/siege.py --loop uvloop --attackers 8 --seconds 30 calls pings
    python tools/siege.py --loop trio half-open reconnects

Server, attackers and twenty healthy stations run in separate processes. Each healthy station calls Heartbeat twenty
times per second. Each line compares its latencies under attack with those just before the attack. Machines differ, so
look at the ratio.

An attack lasts for `--seconds` (`tools/attacks.py`). `memory` is the growth of the server, `sent` the bytes that the
attackers sent, `cpu` the share of a processor that the server used.

A load is bounded in count (`tools/loads.py`) and runs twice. `memory` is the growth of the server from the end of the
first round to the end of the second, `fds` of its descriptors from the beginning to the end. `right` is the number of
peers or messages that were treated as they must be, and `logged` the number of exceptions in the server's log.
"""

import argparse
import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from threading import Thread
from typing import Final

from ocpp_transports import Handshake, OCPPClient, OCPPServer, utc_now
from tools.attacks import ATTACKS, run
from tools.loads import LOADS, REFUSED

__all__ = ["admit", "main"]

_LOOPS: Final = ("asyncio", "uvloop", "trio")
_HEALTHY: Final = 20
_PAUSE: Final = 0.05
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _serve(loop: str) -> None:
    """Run the server until standard input ends. The first line of the output is its port."""
    import anyio  # keeps the attackers' process small

    async def serve() -> None:
        logging.getLogger("ocpp_ws_io").addHandler(_Exceptions())
        server = OCPPServer(protocols=["ocpp1.6"], strict_mode=True, compression=True, auth=admit)
        server.handle("Heartbeat", lambda _: {"currentTime": utc_now()})
        server.handle("DataTransfer", lambda _: {"status": "Accepted"})
        async with server:
            print((await server.listen(0, "127.0.0.1")).port, flush=True)
            await anyio.to_thread.run_sync(sys.stdin.read)
        print(_Exceptions.seen, flush=True)

    backend = "trio" if loop == "trio" else "asyncio"
    options = {"use_uvloop": loop == "uvloop"} if backend == "asyncio" else {}
    anyio.run(serve, backend=backend, backend_options=options)


class _Exceptions(logging.Handler):
    """Counts the records of exceptions, and shows the first of them."""

    seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is None and record.levelno < logging.ERROR:
            return
        _Exceptions.seen += 1
        if _Exceptions.seen == 1:
            print(self.format(record), file=sys.stderr, flush=True)


def admit(accept: Callable[[], None], reject: Callable[[], None], handshake: Handshake) -> None:
    """Accept all stations but those that a load has named to be refused."""
    if handshake.identity.startswith(REFUSED):
        reject()
    else:
        accept()


def _load(name: str, port: int) -> None:
    """Run a load, and print how many were treated as they must be."""
    print(LOADS[name].run(port, LOADS[name].count))


def _attack(name: str, port: int, attackers: int, seconds: float) -> None:
    """Attack with threads, and print the number of sent bytes."""
    totals = [0] * attackers
    until = time.monotonic() + seconds

    def attack(number: int) -> None:
        def count(sent: int) -> None:
            totals[number] += sent

        run(ATTACKS[name], port, f"BAD{number}", until, count)

    threads = [Thread(target=attack, args=[number]) for number in range(attackers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(totals))


async def _latencies(port: int, is_over: Callable[[], bool]) -> list[float]:
    """Return the latencies of the healthy stations, in seconds."""
    taken: list[float] = []
    now = asyncio.get_running_loop().time

    async def station(number: int) -> None:
        client = OCPPClient(f"GOOD{number}", f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"], logging=False)
        async with client:
            await client.connect()
            while not is_over():
                begin = now()
                await client.call("Heartbeat", {})
                taken.append(now() - begin)
                await asyncio.sleep(_PAUSE)

    await asyncio.gather(*(station(number) for number in range(_HEALTHY)))
    return taken


class _Process:
    """Memory and processor time of the server, from the kernel."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    @property
    def memory(self) -> float:
        """Resident MiB."""
        return int((self._folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def cpu(self) -> float:
        """Seconds of processor time."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def settled_descriptors(self) -> int:
        """Return the number of open descriptors once it has not changed for half a second, within ten seconds."""
        seen = [0]
        while len(set(seen[-5:])) > 1 or len(seen) < 6:
            seen.append(len(list((self._folder / "fd").iterdir())))
            if len(seen) > 100:
                break
            time.sleep(0.1)
        return seen[-1]


def _spawn(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, env=_ENVIRONMENT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _after(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def _ended(process: "subprocess.Popen[str]") -> Callable[[], bool]:
    return lambda: process.poll() is not None


class _Server:
    """The server's process, and what it has logged once it has ended."""

    def __init__(self, loop: str) -> None:
        self._process = _spawn("--serve", loop)
        self.port = int(self._line())
        self.use = _Process(self._process.pid)
        self.logged = 0

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self.logged = int(self._line() or 0)
        self._process.wait(60)
        self._process.stdout.close()


@contextmanager
def _serving(loop: str) -> Iterator[_Server]:
    server = _Server(loop)
    try:
        yield server
    finally:
        server.close()


def _besiege(loop: str, name: str, attackers: int, seconds: float) -> str:
    """Run an attack against a new server; return its line."""
    with _serving(loop) as server:
        before = asyncio.run(_latencies(server.port, _after(seconds)))
        memory, cpu, begin = server.use.memory, server.use.cpu, time.monotonic()
        besieger = _spawn("--attack", name, str(server.port), str(attackers), str(seconds + 1))
        during = asyncio.run(_latencies(server.port, _after(seconds)))
        grown, used = server.use.memory - memory, (server.use.cpu - cpu) / (time.monotonic() - begin)
        sent = int(besieger.communicate(timeout=seconds + 60)[0])
    return _line(loop, name, before, during, f"{grown:6.1f} MiB {sent / 2**20:8.1f} MiB {100 * used:5.0f} %")


def _burden(loop: str, name: str, seconds: float) -> str:
    """Run a load against a new server, twice; return its line."""
    with _serving(loop) as server:
        before = asyncio.run(_latencies(server.port, _after(seconds)))
        descriptors, during, right = server.use.settled_descriptors(), list[float](), 0
        grown = 0.0
        for _ in range(2):
            memory = server.use.memory
            burden = _spawn("--load", name, str(server.port))
            during += asyncio.run(_latencies(server.port, _ended(burden)))
            right += int(burden.communicate()[0])
            server.use.settled_descriptors()
            grown = server.use.memory - memory
        left = server.use.settled_descriptors() - descriptors
    share = f"{right}/{2 * LOADS[name].count}"
    return _line(loop, name, before, during, f"{grown:6.1f} MiB {left:4} {share:>15} {server.logged:6}")


def _line(loop: str, name: str, before: list[float], during: list[float], rest: str) -> str:
    figures = [median(before), quantiles(before, n=100)[98], median(during), quantiles(during, n=100)[98]]
    shown = " ".join(f"{1000 * figure:9.2f}" for figure in figures)
    return f"{loop:8} {name:16} {shown} {figures[3] / figures[1]:7.1f} {rest}"


_HEADER: Final = "loop     {:16}  p50 alone p99 alone p50 under p99 under   ratio     memory {}"


def main(arguments: list[str] | None = None) -> None:
    """Run the selected attacks and loads, or all, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join((*ATTACKS, *LOADS))}")
    parser.add_argument("--loop", choices=_LOOPS, action="append", help="an event loop (all)")
    parser.add_argument("--attackers", type=int, default=1, help="hostile connections of an attack")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds with and without attack (5)")
    parser.add_argument("--serve", choices=_LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--attack", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in {**ATTACKS, **LOADS}]:
        parser.error(f"expected some of {', '.join((*ATTACKS, *LOADS))}, got {', '.join(unknown)}")
    if chosen.serve:
        _serve(chosen.serve)
    elif chosen.attack:
        name, port, attackers, seconds = chosen.attack
        _attack(name, int(port), int(attackers), float(seconds))
    elif chosen.load:
        _load(chosen.load[0], int(chosen.load[1]))
    else:
        _besiege_all(chosen.names or [*ATTACKS, *LOADS], chosen)


def _besiege_all(names: list[str], chosen: argparse.Namespace) -> None:
    loops = chosen.loop or _LOOPS
    attacks = [(loop, name) for loop in loops for name in names if name in ATTACKS]
    loads = [(loop, name) for loop in loops for name in names if name in LOADS]
    if attacks:
        print(_HEADER.format("attack", "        sent    cpu"))
    for loop, name in attacks:
        print(_besiege(loop, name, chosen.attackers, chosen.seconds), flush=True)
    if loads:
        print(_HEADER.format("load", " fds           right logged"))
    for loop, name in loads:
        print(_burden(loop, name, chosen.seconds), flush=True)


if __name__ == "__main__":
    main()
