"""Attack a server with hostile stations, and measure the effect on other stations.

    python tools/siege.py                                          every attack on each event loop, with one connection
    python tools/siege.py --loop uvloop --attackers 8 --seconds 30 calls pings

Server, attackers and twenty healthy stations run in separate processes. Each healthy station calls Heartbeat twenty
times per second. Each line compares its latencies under attack with those just before the attack. Machines differ, so
look at the ratio. `memory` is the growth of the server, `sent` the bytes that the attackers sent, `cpu` the share of a
processor that the server used.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from threading import Thread
from typing import Final

from ocpp_transports import OCPPClient, OCPPServer, utc_now
from tools.attacks import ATTACKS, run

__all__ = ["main"]

_LOOPS: Final = ("asyncio", "uvloop", "trio")
_HEALTHY: Final = 20
_PAUSE: Final = 0.05
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _serve(loop: str) -> None:
    """Run the server until standard input ends. The first line of the output is its port."""
    import anyio  # keeps the attackers' process small

    async def serve() -> None:
        server = OCPPServer(protocols=["ocpp1.6"], strict_mode=True, compression=True, logging=False)
        server.handle("Heartbeat", lambda _: {"currentTime": utc_now()})
        server.handle("DataTransfer", lambda _: {"status": "Accepted"})
        async with server:
            print((await server.listen(0, "127.0.0.1")).port, flush=True)
            await anyio.to_thread.run_sync(sys.stdin.read)

    backend = "trio" if loop == "trio" else "asyncio"
    options = {"use_uvloop": loop == "uvloop"} if backend == "asyncio" else {}
    anyio.run(serve, backend=backend, backend_options=options)


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


async def _latencies(port: int, seconds: float) -> list[float]:
    """Return the latencies of the healthy stations, in seconds."""
    taken: list[float] = []
    now = asyncio.get_running_loop().time
    until = now() + seconds

    async def station(number: int) -> None:
        client = OCPPClient(f"GOOD{number}", f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"], logging=False)
        async with client:
            await client.connect()
            while now() < until:
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


def _spawn(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, env=_ENVIRONMENT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _besiege(loop: str, name: str, attackers: int, seconds: float) -> str:
    server = _spawn("--serve", loop)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        process = _Process(server.pid)
        before = asyncio.run(_latencies(port, seconds))
        memory, cpu, begin = process.memory, process.cpu, time.monotonic()
        besieger = _spawn("--attack", name, str(port), str(attackers), str(seconds + 1))
        during = asyncio.run(_latencies(port, seconds))
        grown, used = process.memory - memory, (process.cpu - cpu) / (time.monotonic() - begin)
        sent = int(besieger.communicate(timeout=seconds + 60)[0])
    finally:
        server.stdin.close()
        server.wait(60)
        server.stdout.close()
    return _line(loop, name, before, during, f"{grown:6.1f} MiB {sent / 2**20:8.1f} MiB {100 * used:5.0f} %")


def _line(loop: str, name: str, before: list[float], during: list[float], rest: str) -> str:
    figures = [median(before), quantiles(before, n=100)[98], median(during), quantiles(during, n=100)[98]]
    shown = " ".join(f"{1000 * figure:9.2f}" for figure in figures)
    return f"{loop:8} {name:10} {shown} {figures[3] / figures[1]:7.1f} {rest}"


def main(arguments: list[str] | None = None) -> None:
    """Run the selected attacks, or all, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", help=f"some of: {', '.join(ATTACKS)}")
    parser.add_argument("--loop", choices=_LOOPS, action="append", help="an event loop (all)")
    parser.add_argument("--attackers", type=int, default=1, help="hostile connections")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds with and without attack (5)")
    parser.add_argument("--serve", choices=_LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--attack", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.attacks if name not in ATTACKS]:
        parser.error(f"expected attacks of {', '.join(ATTACKS)}, got {', '.join(unknown)}")
    if chosen.serve:
        _serve(chosen.serve)
    elif chosen.attack:
        name, port, attackers, seconds = chosen.attack
        _attack(name, int(port), int(attackers), float(seconds))
    else:
        print("loop     attack     p50 alone p99 alone p50 under p99 under   ratio    memory         sent    cpu")
        for loop in chosen.loop or _LOOPS:
            for name in chosen.attacks or ATTACKS:
                print(_besiege(loop, name, chosen.attackers, chosen.seconds), flush=True)


if __name__ == "__main__":
    main()
