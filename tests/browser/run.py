"""One run: a browser opens the page once, the page runs every case, and each test asks for the result of its own.

A browser may crash by a fault of its own, rarely: then another one runs all cases once more, and only then.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Condition
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.browser import other_end
from tests.browser.case_files import FOLDER, Case
from tools.web import browsers, site
from tools.web.distribution import PYODIDE, PYODIDE_FILES, lock_file

__all__ = ["Result", "Run", "run_cases"]

PAGE = Path(__file__).parent / "page"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "browser.md"
SILENCE = 60.0
"""Seconds without a result after which the page hangs: many times what it takes to start, or gives to a case."""
CRASH = 1.0
"""Seconds without a result after which a crash of the browser is looked for."""

# What Chromium writes for each entry of the page's console, its own among them: "[...CONSOLE...] "text", source: ...".
_ENTRY = re.compile(r'^\[[^\]\n]*CONSOLE[^\]\n]*\] "(.*?)", source: ', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Result:
    """What happened to a case."""

    error: str | None
    seconds: float
    complaints: tuple[str, ...]
    """What went to the console, was thrown in a listener or rejected without anyone looking."""
    log: tuple[str, ...]

    def verdict(self, case: Case) -> str | None:
        """Say what is wrong, None if nothing is."""
        stray = [text for text in self.complaints if not any(re.search(it, text) for it in case.expected_console)]
        report = "\n".join([*([self.error] if self.error else []), *(f"complaint: {text}" for text in stray)])
        if case.failure is not None:
            return None if re.search(case.failure, report) else f"expected to fail by {case.failure}, got: {report}"
        return "\n".join([report, *self.log]) if report else None


class Run:
    """The results of the page, and why there are no more."""

    def __init__(self, *, has_log: bool) -> None:
        self._changed = Condition()
        self._posted: dict[str, dict[str, Any]] = {}
        self._over: dict[str, Any] | None = None
        self._problem: str | None = None
        self._has_log = has_log
        self._last = time.monotonic()
        self.browser: browsers.Browser | None = None
        self.has_crashed = False
        """Whether a crash of the browser ended it."""

    def result(self, case: Case) -> Result:
        """Return a case's result. Fails, with what is known, if the page did not deliver it."""
        name = str(case)
        facts = self._wait(lambda: self._posted.get(name), f"result of {name}")
        began = self._order(name)
        entries = self._entries(began, f"end of case {name}") if self._has_log else []
        return Result(facts["error"], facts["seconds"], (*facts["complaints"], *entries), tuple(facts["log"]))

    def leftovers(self) -> list[str]:
        """Return what the page complained about outside its cases, once it has ended."""
        over = self._wait(lambda: self._over, "end of all cases")
        names = list(self._posted)
        first, last = (f"end of case {names[-1]}" if names else None), "all cases have ended"
        entries = self._entries(first, last) if self._has_log else []
        return [*([over["failure"]] if over["failure"] else []), *over["complaints"], *entries]

    def finish(self) -> None:
        """Wait until the page has ended, or never will: what is missing then is told to those who ask for it."""
        try:
            self.leftovers()
        except AssertionError as error:
            self._problem = str(error)
            self.has_crashed = self.browser is not None and (self.browser.has_ended or self.browser.has_crashed)

    def _order(self, name: str) -> str | None:
        """Name the log entry after which those of a case begin."""
        names = list(self._posted)
        at = names.index(name)
        return f"end of case {names[at - 1]}" if at else None

    def _entries(self, first: str | None, last: str) -> list[str]:
        """Wait for this entry in the browser's log; those before it."""

        def found() -> list[str] | None:
            entries = _ENTRY.findall(self.browser.output) if self.browser else []
            return entries[: entries.index(last)] if last in entries else None

        entries: list[str] = self._wait(found, f"log entry: {last}")
        return entries[entries.index(first) + 1 :] if first is not None else entries

    def _wait(self, find: Callable[[], Any], what: str) -> Any:
        with self._changed:
            while (found := find()) is None:
                self._check(what)
                self._changed.wait(0.05)
        return found

    def _check(self, what: str) -> None:
        """Raise AssertionError if what is waited for will not come."""
        problem = self._problem or self._new_problem()
        if problem is not None:
            raise AssertionError(f"no {what}: {problem}")

    def _new_problem(self) -> str | None:
        silent = time.monotonic() - self._last
        if self.browser is None or self.browser.has_ended:
            problem = "the browser ended by itself"
        elif silent > CRASH and self.browser.has_crashed:
            problem = "the browser crashed"
        elif silent > SILENCE:
            problem = f"nothing came from the page for {SILENCE:g} s"
        elif self._over is not None and self._over["failure"]:
            problem = f"the page failed: {self._over['failure']}"
        else:
            return None
        output = self.browser.output[-4000:] if self.browser else ""
        return f"{problem}; {len(self._posted)} cases ended before.\n{output}"

    # For the site

    def post_result(self, facts: dict[str, Any]) -> None:
        """Take a result from the page."""
        with self._changed:
            self._posted[facts["case"]] = facts
            self._last = time.monotonic()
            self._changed.notify_all()

    def post_over(self, facts: dict[str, Any]) -> None:
        """Take from the page that it has ended, well or not."""
        with self._changed:
            self._over = facts
            self._last = time.monotonic()
            self._changed.notify_all()


def _ask(portal: BlockingPortal, end: other_end.OtherEnd, facts: dict[str, Any]) -> dict[str, Any]:
    """Run a command of a case at the other end."""
    try:
        command = end.commands[facts["command"]]
        return {"result": portal.call(partial(command, *facts["arguments"], **facts["options"]))}
    except Exception as error:  # the case is told, and fails
        return {"failure": f"{type(error).__name__}: {error}"}


def _files(wheels: Sequence[Path], plan: bytes) -> dict[str, Path | bytes]:
    return {
        **{f"/pyodide/{name}": PYODIDE / name for name in PYODIDE_FILES},
        **{f"/wheels/{wheel.name}": wheel for wheel in wheels},
        "/pyodide-lock.json": lock_file(*wheels).encode(),
        "/page.html": PAGE / "page.html",
        "/page.mjs": PAGE / "page.mjs",
        "/worker.mjs": PAGE / "worker.mjs",
        "/plan.json": plan,
    }


def _plan(cases: Sequence[Case], places: dict[str, Any]) -> bytes:
    sources = [*PAGE.glob("*.py"), *FOLDER.glob("*.py"), DOCUMENTATION]
    files = {path.name: path.read_text(encoding="utf-8") for path in sources}
    return json.dumps({"cases": [str(case) for case in cases], "places": places, "files": files}).encode()


def _policy(origins: Sequence[str]) -> str:
    """Allow what a page with Python and OCPP needs, and nothing else."""
    connect = " ".join(["'self'", *origins])
    return f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src {connect}; img-src data:"


def run_cases(name: str, cases: Sequence[Case], wheels: Sequence[Path], folder: Path) -> Run:
    """Have a browser run these cases; the first of the wheels is ours."""
    run = _run_once(name, cases, wheels, folder / "first")
    return _run_once(name, cases, wheels, folder / "second") if run.has_crashed else run


def _run_once(name: str, cases: Sequence[Case], wheels: Sequence[Path], folder: Path) -> Run:
    folder.mkdir()
    run = Run(has_log=name == "chromium")
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal("asyncio"))
        end = stack.enter_context(portal.wrap_async_context_manager(other_end.running()))
        posts: dict[str, Callable[[Any], Any]] = {
            "/result": run.post_result,
            "/over": run.post_over,
            "/ask": partial(_ask, portal, end),
        }
        files = _files(wheels, _plan(cases, end.places))
        url = stack.enter_context(site.serving(site.Site(files, posts, _policy(end.allowed))))
        run.browser = stack.enter_context(browsers.running(name, f"{url}/page.html", folder))
        run.finish()
    return run
