"""Measure speed and memory, print the table, and write docs/benchmarks.md.

python benchmarks/run.py               # about ten minutes; also: make bench
python benchmarks/run.py --quick       # seconds, to see that everything runs; its figures mean nothing
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from benchmarks import engine
from benchmarks.contestants import CONTESTANTS, Contestant, pinned_to, start
from benchmarks.report import Figure, Measurements, Target, render

__all__ = ["main"]

_HERE: Final = Path(__file__).parent
_PAGE: Final = _HERE.parent / "docs" / "benchmarks.md"
_STACK: Final = "from ocpp_core import ServerStack"
"""The facade is lazy: this loads what `import ocpp_core` does not."""
_LOAD_TIMEOUT: Final = 300.0
"""Seconds one measurement may take; then the benchmark is void."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as the command line says."""
    options = _parse(arguments)
    if not sys.platform.startswith("linux"):
        sys.exit("The benchmarks read /proc, which only Linux has.")
    _raise_descriptor_limit()
    measured = Measurements(
        command=options.command,
        connections=options.connections,
        idle_connections=options.idle_connections,
        seconds=options.seconds,
        pinned=_processors() >= 2,
        load_average=os.getloadavg()[0],
        node=_node_version(),
    )
    with tempfile.NamedTemporaryFile("w", prefix="benchmarks-", suffix=".log", delete=False) as log:
        _measure_servers(measured, options, log)
    Path(log.name).unlink()  # kept only where something failed
    _measure_engine(measured, quick=options.quick)
    page = render(measured, CONTESTANTS)
    print(page)
    if options.output is not None:
        options.output.write_text(page, encoding="utf-8")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a bounded smoke run that writes no page by itself")
    parser.add_argument("--rounds", type=int, help="rounds over all servers (5)")
    parser.add_argument("--seconds", type=float, help="seconds measured a server and round (3)")
    parser.add_argument("--connections", type=int, help="connections in closed loop (50)")
    parser.add_argument("--idle-connections", type=int, help="connections for the memory figure (2000)")
    parser.add_argument("--output", type=Path, help="where the page is written (docs/benchmarks.md)")
    options = parser.parse_args(arguments)
    for name, full, quick in (
        ("rounds", 5, 1),
        ("seconds", 3.0, 0.3),
        ("connections", 50, 5),
        ("idle_connections", 2000, 50),
        ("output", _PAGE, None),
    ):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    options.command = " ".join(["python benchmarks/run.py", *(sys.argv[1:] if arguments is None else arguments)])
    return options


def _measure_servers(measured: Measurements, options: argparse.Namespace, log: IO[str]) -> None:
    present = []
    for contestant in CONTESTANTS:
        if reason := contestant.missing:
            measured.missing.append((contestant, reason))
        else:
            present.append(contestant)
    for number in range(options.rounds):
        shift = number % len(present)  # nobody is always the first
        for contestant in present[shift:] + present[:shift]:
            _measure_server(measured, contestant, options, log)
            _say(f"round {number + 1}: {contestant.title}: {measured.cost_us[contestant.key][-1]:.0f} µs a message")


def _measure_server(measured: Measurements, contestant: Contestant, options: argparse.Namespace, log: IO[str]) -> None:
    server_cpus, load_cpus = _split_processors()
    with start(contestant, log, server_cpus) as server, pinned_to(load_cpus):
        settle = min(1.0, options.seconds)
        idle = _load("idle", server.port, server.pid, connections=options.idle_connections, settle=settle)
    with start(contestant, log, server_cpus) as server, pinned_to(load_cpus):
        busy = _load(
            "busy",
            server.port,
            server.pid,
            connections=options.connections,
            warmup=min(1.0, options.seconds),
            seconds=options.seconds,
        )
    measured.add(contestant.key, busy, idle)


def _load(mode: str, port: int, pid: int, **options: float) -> dict[str, float]:
    command = [sys.executable, str(_HERE / "load.py"), mode, str(port), str(pid)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=_LOAD_TIMEOUT, check=True)
    result: dict[str, float] = json.loads(run.stdout)
    return result


def _measure_engine(measured: Measurements, *, quick: bool) -> None:
    repeats = 1 if quick else 7
    pairs = 200 if quick else 10_000
    _say("the engine alone")
    for title, measure in (("answers", engine.answering), ("asks", engine.asking)):
        without_json, whole = measure(pairs, repeats)
        pair = f"Session that {title}, a CALL and its CALLRESULT"
        measured.figures.append(Figure(f"{pair}, JSON work subtracted", "µs", without_json, Target(20)))
        measured.figures.append(Figure(f"{pair}, JSON work included", "µs", whole))
    month = "Laboratory, 30 virtual days with 8,640 calls"
    pinging = None if quick else engine.month(1, ping_interval=30.0)
    start_up = "beyond a bare interpreter"
    measured.figures += [
        Figure(f"{month}, pings off", "s", engine.month(min(repeats, 3)), Target(1)),
        Figure(f"{month} and about 345,600 pings and pongs", "s", pinging),
        Figure(f"`import ocpp_core`, {start_up}", "ms", engine.import_time("import ocpp_core", repeats), Target(100)),
        Figure(f"`{_STACK}`, {start_up}", "ms", engine.import_time(_STACK, repeats)),
        Figure("`tests/core`", "s", None if quick else engine.core_tests(), Target(2)),
    ]


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _split_processors() -> tuple[list[int], list[int]]:
    """Give the server and the load a processor each where there are two: neither then waits for the other."""
    processors = sorted(os.sched_getaffinity(0))
    return (processors[:1], processors[1:]) if len(processors) >= 2 else ([], [])


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _node_version() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    return "Node " + subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
