"""A cluster of real processes under faults: servers with stations, a Redis, and calls from everywhere.

    python -m tests.transports.cluster.trial                          3 servers, 9,000 stations, both carriers
    python -m tests.transports.cluster.trial --stations 300 --carrier direct

Each process writes down what it does. Meanwhile a server is killed and started again, one stands still for longer than
its lease, Redis stands still, Redis loses all data, and stations connect a second time. At the end each call must have
one outcome, no call may have run twice or against its outcome "unsent", no two servers may have believed in a station
for longer than a lease, and no key may be left in Redis after all have left.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.free_ports import free_port
from tests.transports.cluster.redis.redis_server import RedisServer, redis_server

from .journal import lines_of
from .judging import Verdict, judge
from .plan import Plan

__all__ = ["main", "run_trial"]

_PACKAGE: Final = "tests.transports.cluster.trial"
_SERVERS: Final = 3
_PATIENCE: Final = 120.0
"""Seconds for what a busy machine does slowly."""


class _Trial:
    def __init__(self, folder: Path, plan: Plan, redis: RedisServer) -> None:
        self.killed: set[str] = set()
        self._folder = folder
        self._plan = plan
        self._redis = redis
        self._processes: list[subprocess.Popen[bytes]] = []
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all processes, and wait until most stations are connected."""
        for place in range(_SERVERS):
            self._start_node(place)
        half = self._plan.stations // 2
        self._start("stations", 0, half)
        self._start("stations", half, self._plan.stations)
        self._start("client")
        self._until(lambda: self._connected() >= self._plan.stations, "all stations are connected")

    def faults(self) -> None:
        """Cause one fault after the other, with pauses in which all is repaired."""
        lease = self._plan.lease
        time.sleep(lease)
        self._report("a server is killed")
        self._kill_node(0)
        time.sleep(2 * lease)
        self._start_node(0)
        time.sleep(lease)
        self._report("a server stands still")
        self._nodes[1].send_signal(signal.SIGSTOP)
        time.sleep(2 * lease)
        self._nodes[1].send_signal(signal.SIGCONT)
        time.sleep(2 * lease)
        self._report("Redis stands still")
        self._redis.stop()
        time.sleep(2)
        self._redis.wake()
        time.sleep(lease)
        self._report("Redis loses its data")
        self._redis.kill()
        self._redis.start()
        time.sleep(2 * lease)
        self._report("stations connect a second time")
        second = self._start("stations", 0, self._plan.stations // 10)
        time.sleep(lease)
        second.kill()
        time.sleep(2 * lease)

    def end(self) -> None:
        """Let the calls settle, the stations leave, and the servers close; then end what is left."""
        (self._folder / "stop").touch()
        self._until(self._are_settled, "all calls have an outcome")
        (self._folder / "leave").touch()
        for process in self._processes:
            process.wait(_PATIENCE)
        (self._folder / "end").touch()
        for process in self._nodes.values():
            process.wait(_PATIENCE)

    def drop(self) -> None:
        """End all processes at once."""
        for process in (*self._processes, *self._nodes.values()):
            if process.poll() is None:
                process.kill()
                process.wait(_PATIENCE)

    def left(self) -> list[str]:
        """Return what is in Redis that nothing needs any more: leases, entries of stations, streams without an end."""
        keys = self._redis.lines("KEYS", "*")[1:]
        owners = [key for key in keys if key.endswith(b":own")]
        entries = [field for key in owners for field in self._redis.lines("HKEYS", key)[1:] if field.startswith(b"=")]
        others = [key for key in keys if key not in owners and self._redis("TTL", key) == b":-1" and key != b"ocpp:v"]
        leases = [key for key in keys if key.startswith(b"ocpp:node:")]
        return [each.decode() for each in (*entries, *others, *leases)]

    def _start(self, what: str, *arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"{_PACKAGE}.{what}", str(self._folder), *map(str, arguments)]
        output = (self._folder / "output").open("ab")
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ})
        output.close()
        if what != "node":
            self._processes.append(process)
        return process

    def _start_node(self, place: int) -> None:
        self._nodes[place] = process = self._start("node", place)
        name = f"node{place}-{process.pid}"
        self._until(lambda: bool(lines_of(self._folder, f"{name}.node")), f"{name} is ready")

    def _kill_node(self, place: int) -> None:
        process = self._nodes[place]
        self.killed.add(f"node{place}-{process.pid}")
        process.kill()
        process.wait(_PATIENCE)

    def _connected(self) -> int:
        held: set[str] = set()
        for words in lines_of(self._folder, "*.node"):
            if words[1] == "believes":
                held.add(words[2])
        return len(held)

    def _are_settled(self) -> bool:
        lines = lines_of(self._folder, "*.node") + lines_of(self._folder, "*.calls")
        return sum(words[1] == "settled" for words in lines) >= _SERVERS + 1

    def _until(self, is_over: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE
        while not is_over():
            if time.monotonic() > until:
                raise TimeoutError(f"expected that {what}; the processes wrote:\n{self._written()}")
            time.sleep(0.5)

    def _written(self) -> str:
        return (self._folder / "output").read_text(errors="replace")[-2000:]

    def _report(self, what: str) -> None:
        print(f"  {time.strftime('%X')} {what}", flush=True)


def run_trial(folder: Path, *, stations: int, lease: float, is_direct: bool) -> Verdict:
    """Run a trial in an empty folder."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        ports = tuple(stack.enter_context(free_port()) for _ in range(_SERVERS))
        advertised = tuple(f"unix://{folder}/{place}.sock" for place in range(_SERVERS)) if is_direct else ()
        plan = Plan(stations, lease, redis.url, ports, advertised)
        plan.write(folder)
        trial = _Trial(folder, plan, redis)
        stack.callback(trial.drop)
        trial.start()
        trial.faults()
        trial.end()
        verdict = judge(folder, lease, trial.killed)
        verdict.broken.extend(f"{each} is left in Redis" for each in trial.left())
        return verdict


def main() -> int:
    """Run the command line; return 1 if something broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=9000, help="on all servers together")
    parser.add_argument("--lease", type=float, default=9.0, help="seconds")
    parser.add_argument("--carrier", choices=["redis", "direct"], action="append", help="both by default")
    options = parser.parse_args()
    broken = 0
    for carrier in options.carrier or ["redis", "direct"]:
        with TemporaryDirectory() as folder:
            print(f"{options.stations} stations, calls over {carrier}", flush=True)
            verdict = run_trial(
                Path(folder), stations=options.stations, lease=options.lease, is_direct=carrier == "direct"
            )
            print(verdict)
            for each in verdict.broken[:20]:
                print(f"BROKEN: {each}")
            broken += len(verdict.broken)
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
