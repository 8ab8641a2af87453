"""Runs the Python snippets of a Markdown page as a reader would: from top to bottom, and nothing that is not shown.

* All ```python blocks of a page share one namespace; `await` at top level works, all on one event loop of the page.
* On a page that names `python -m asyncio` they are pasted into such a console, where an empty line ends a statement of
  several lines, and only that.
* A block that runs an event loop itself (`asyncio.run(main())`, `server.run(…)` at the left margin) is a program: it
  must be complete.
* A program that waits for ever (`server.run(…)`, `server.serve_forever(…)`, `Event().wait()`, `sleep_forever()`) is a
  server: it runs as a process of its own, listens before the next block starts, and must still be alive at the end of
  the page.
* A comment after a `print(…)` or a `run(…)` on one line is its output: the page must print such a line. `...` in it
  stands for any text.
* Ports of the loopback interface (`127.0.0.1:9000`, `localhost:9000`, `listen(9000`, `server.run(9000`,
  `("127.0.0.1", 9000`) stand for free ones: each is replaced throughout the page.
* HTML comments, which readers do not see, give directions:

      <!-- alone -->                  the next block gets a namespace of its own
      <!-- not run: reason -->        the next block is only compiled
      <!-- tests -->                  the next block is part of one test file, which pytest runs with the plugin
"""

import ast
import asyncio
import io
import os
import re
import socket
import subprocess
import sys
from codeop import CommandCompiler
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import dataclass
from inspect import CO_COROUTINE
from pathlib import Path
from types import CodeType
from typing import Any
from unittest import mock

from tests.free_ports import free_port

ROOT = Path(__file__).parents[2]
CONSOLE = "`python -m asyncio`"
"""A page that names it promises that its blocks can be pasted there."""

_PARTS = re.compile(
    r"^```python\n(?P<code>.*?)^```$"
    r"|^<!-- (?P<alone>alone) -->$"
    r"|^<!-- (?P<tests>tests) -->$"
    r"|^<!-- not run: (?P<skip>[^\n]+) -->$",
    re.MULTILINE | re.DOTALL,
)
_SERVE = r"server\.(?:run|serve_forever)\("
_PORT = re.compile(
    rf"""(?:127\.0\.0\.1:|localhost:|listen\(|{_SERVE}|["'](?:127\.0\.0\.1|localhost)["'], )(\d{{4,5}})\b"""
)
_ENDLESS = re.compile(
    rf"Event\(\)\.wait\(\)|sleep_forever\(\)|^{_SERVE}|get_running_loop\(\)\.create_future\(\)", re.MULTILINE
)
_PROGRAM = re.compile(rf"^(?:(?:asyncio|trio|uvloop)\.run\(|{_SERVE})", re.MULTILINE)
_SHOWN = re.compile(r"^(?: *print\(.*\)|(?:asyncio|trio|uvloop)\.run\(.*\))  # (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A block of a page."""

    code: str
    line: int
    alone: bool = False
    runs: bool = True
    is_test: bool = False


def read(text: str) -> Iterator[Snippet]:
    """Find the snippets of a page, in order."""
    alone, runs, is_test = False, True, False
    for match in _PARTS.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["alone"]:
            alone = True
        elif match["skip"]:
            runs = False
        elif match["tests"]:
            is_test = True
        else:
            yield Snippet(match["code"], line, alone=alone, runs=runs, is_test=is_test)
            alone, runs, is_test = False, True, False


def ports(snippets: list[Snippet]) -> set[int]:
    """Find the ports that a page names."""
    return {int(number) for snippet in snippets for number in _PORT.findall(snippet.code)}


def unprinted(snippets: list[Snippet], output: str) -> list[str]:
    """Find the lines that snippets show as output and that were not printed."""
    shown = [line for snippet in snippets if snippet.runs for line in _SHOWN.findall(snippet.code)]
    printed = output.splitlines()
    return [line for line in shown if not any(map(_pattern(line).fullmatch, printed))]


def _pattern(shown: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, shown.split("..."))))


class Page:
    """One page being run."""

    def __init__(self, path: Path, scratch: Path) -> None:
        self._path = path
        self._scratch = scratch
        text = path.read_text(encoding="utf-8")
        self._snippets = list(read(text))
        self._is_for_a_console = CONSOLE in text
        self._ports: dict[int, int] = {}
        """The free port for each that the page names, while it runs."""
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._servers: list[Server] = []

    def run(self) -> None:
        """Run every snippet; raises what a snippet raises.

        Raises AssertionError for a server that did not live, and for output that is shown and was not printed.
        """
        with ExitStack() as reserved:
            self._ports = {number: reserved.enter_context(free_port()) for number in sorted(ports(self._snippets))}
            self._run_all()

    def _run_all(self) -> None:
        try:
            with asyncio.Runner() as runner, redirect_stdout(io.StringIO()) as output:
                for snippet in self._snippets:
                    if not snippet.is_test:
                        self._run(snippet, runner)
            self._run_tests()
            for server in self._servers:
                server.check()
            printed = output.getvalue() + "".join(server.output() for server in self._servers)
            assert unprinted(self._snippets, printed) == []
        finally:
            for server in self._servers:
                server.stop()

    def _run_tests(self) -> None:
        """Run the tests of the page as one file, whose lines are those of the page."""
        blocks = [snippet for snippet in self._snippets if snippet.is_test]
        if not blocks:
            return
        lines: list[str] = []
        for block in blocks:
            lines += [""] * (block.line - len(lines)) + block.code.splitlines()
        file = self._scratch / "test_page.py"
        file.write_text("\n".join(lines), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "ocpp_transports.laboratory.pytest", "-W", "error"]
        plain = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
        done = subprocess.run(
            [*command, str(file)], cwd=self._scratch, env=plain, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{self._path.name}, by the lines of the page:\n{done.stdout}{done.stderr}"

    def _run(self, snippet: Snippet, runner: asyncio.Runner) -> None:
        where = f"{self._path.name}:{snippet.line}"
        code = re.sub(r"\b\d{4,5}\b", lambda match: str(self._ports.get(int(match[0]), match[0])), snippet.code)
        if not snippet.runs:
            compile(code, where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        elif _ENDLESS.search(code):
            script = self._scratch / f"line_{snippet.line}.py"
            script.write_text(code, encoding="utf-8")
            port = next((int(number) for number in _PORT.findall(code)), 0)
            self._start(where, str(script), port)
        else:
            self._exec(code, where, snippet, runner)

    def _exec(self, code: str, where: str, snippet: Snippet, runner: asyncio.Runner) -> None:
        is_program = _PROGRAM.search(code) is not None
        namespace = {"__name__": "__main__"} if snippet.alone or is_program else self._namespace
        if self._is_for_a_console and not is_program:
            for statement in pasted(code, str(self._path), snippet.line):
                with mock.patch.object(sys, "displayhook"):
                    runner.run(evaluate(statement, namespace))
            return
        padded = "\n" * snippet.line + code  # so that a traceback names the line of the page
        compiled = compile(padded, str(self._path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if compiled.co_flags & CO_COROUTINE:
            runner.run(eval(compiled, namespace))
        else:
            exec(compiled, namespace)

    def _start(self, where: str, script: str, port: int) -> None:
        server = Server(where, script, self._scratch / f"server_{len(self._servers)}")
        self._servers.append(server)
        server.wait_for(port)


def pasted(code: str, path: str, line: int) -> Iterator[CodeType]:
    """Compile the statements of a block as the interactive console does; raises SyntaxError where that would."""
    compiler = CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    typed: list[str] = []
    for number, text in enumerate([*code.split("\n"), ""], line):
        typed.append(text)
        statement = compiler("\n" * (number - len(typed) + 1) + "\n".join(typed), path, "single")
        if statement is not None:
            yield statement
            typed.clear()
    assert not any(typed), f"{path}:{line} ends in the midst of a statement"


async def evaluate(statement: CodeType, namespace: dict[str, Any]) -> None:
    """Run a statement of the console, where the event loop is running."""
    result = eval(statement, namespace)
    if statement.co_flags & CO_COROUTINE:
        await result


class Server:
    """A process that serves a page until its end."""

    def __init__(self, where: str, script: str, record: Path) -> None:
        self._where = where
        self._output = record.with_suffix(".output")
        self._errors = record.with_suffix(".errors")
        command = [sys.executable, "-u", "-W", "error", script]
        with self._output.open("w") as stdout, self._errors.open("w") as stderr:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=stderr)

    def wait_for(self, port: int) -> None:
        """Wait until it listens; 0 is no port to wait for."""
        while port and not accepts(port):
            self.check()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)

    def check(self) -> None:
        """Raise AssertionError unless it lives."""
        assert self._process.poll() is None, f"{self._where} ended early:\n{self._errors.read_text(encoding='utf-8')}"

    def output(self) -> str:
        """Return what it has printed."""
        return self._output.read_text(encoding="utf-8")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def accepts(port: int) -> bool:
    """Whether somebody listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
