"""Starts servers and loads on separate processors, in rounds over all servers."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from benchmarks.builds import Build, Builds
from benchmarks.contestants import Contestant, RunningServer, start
from benchmarks.process import pinned_to, split_processors

__all__ = ["Results", "Runner", "say"]

_HERE: Final = Path(__file__).parent
_TIMEOUT: Final = 300.0
"""Seconds until a measurement fails and the benchmark is void."""


class Results:
    """The results of each subject, round by round."""

    def __init__(self) -> None:
        self._rounds: defaultdict[str, list[dict[str, float]]] = defaultdict(list)

    def add(self, key: str, result: dict[str, float]) -> None:
        """Add the result of one round."""
        self._rounds[key].append(result)

    def __contains__(self, key: str) -> bool:
        """Return True if this subject was measured."""
        return key in self._rounds

    def values(self, key: str, name: str, *, scale: float = 1.0) -> list[float]:
        """Return one value per round, or none if it was not measured for this subject."""
        return [result[name] * scale for result in self._rounds.get(key, ()) if name in result]


class Runner:
    """Starts servers and loads."""

    def __init__(self, log: IO[str], builds: Builds | None = None) -> None:
        """Write the errors of servers into a log, and run builds of this library besides this tree if there are any."""
        self._log = log
        self._builds = builds or Builds()
        self._server_cpus, self._load_cpus = split_processors()

    def missing(self, contestant: Contestant) -> str | None:
        """Return the reason why a server cannot run on this machine, or None if it can."""
        return contestant.uninstalled or self._builds.missing(contestant.build)

    def absent(self, contestants: Iterable[Contestant]) -> list[str]:
        """Return a note for each server that cannot run on this machine."""
        reasons = ((one, self.missing(one)) for one in contestants)
        return [f"Not measured: {one.title} ({reason})." for one, reason in reasons if reason]

    def rounds(self, contestants: Sequence[Contestant], count: int) -> Iterator[Contestant]:
        """Yield all available servers in each round. Each round starts with another one."""
        for note in self.absent(contestants):
            say(f"  {note}")
        present = [contestant for contestant in contestants if not self.missing(contestant)]
        for number in range(count):
            shift = number % len(present)
            for contestant in present[shift:] + present[:shift]:
                say(f"  round {number + 1} of {count}: {contestant.title}")
                yield contestant

    @contextmanager
    def serving(self, contestant: Contestant, *arguments: str) -> Iterator[RunningServer]:
        """Run a server during a `with` block."""
        environment = self._builds.environment(contestant.build)
        with start(contestant, self._log, self._server_cpus, arguments, environment) as server:
            yield server

    def load(self, server: RunningServer, mode: str, **options: Any) -> dict[str, float]:
        """Measure a server with the load generator."""
        text = json.dumps({"port": server.port, "pid": server.pid, **options})
        return self.script("load.py", mode, text)

    def script(self, name: str, *arguments: str, build: Build = Build.TREE) -> dict[str, float]:
        """Run a script on the processor of the load. Returns the JSON object that it prints."""
        command, environment = [sys.executable, str(_HERE / name), *arguments], self._builds.environment(build)
        with pinned_to(self._load_cpus):
            run = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT, check=True, env=environment
            )
        result: dict[str, float] = json.loads(run.stdout)
        return result


def say(text: str) -> None:
    """Print the progress to standard error."""
    print(text, file=sys.stderr, flush=True)
