"""Runs the cases one after the other in the page's event loop, and posts what happened to each."""

import asyncio
import gc
import importlib
import json
import logging
import time
import traceback
from pathlib import Path

import js
from lab import Laboratory, post

LIMIT = 10.0  # seconds a case may take


_LONGEST_LINE = 4000
"""Characters of a record that are posted: some cases send messages of megabytes."""


class Records(logging.Handler):
    """Keeps what is logged during a case."""

    def __init__(self):
        super().__init__()
        self._lines = []
        self.setFormatter(logging.Formatter("%(relativeCreated)d %(levelname)s %(name)s: %(message)s"))

    def emit(self, record):
        """Keep a record; asyncio's errors are those that nobody waits for, and complaints."""
        self._lines.append(self.format(record)[:_LONGEST_LINE])
        if record.name == "asyncio" and record.levelno >= logging.ERROR:
            js.console.error(self._lines[-1])

    def take(self):
        """Return the lines since last time."""
        lines, self._lines = self._lines, []
        return lines


async def run_all():
    """Run the cases of the plan, in its order."""
    records = Records()
    logging.getLogger().addHandler(records)
    logging.getLogger("ocpp_ws_io").setLevel(logging.DEBUG)
    plan = json.loads(Path("/page/plan.json").read_text(encoding="utf-8"))  # noqa: ASYNC240 - a file in the memory of the page
    gc.freeze()  # what is there now stays: the collection after each case need not look at it
    for case in plan["cases"]:
        began = time.monotonic()
        error = await failure_of(case, Laboratory(plan["places"]))
        gc.collect()  # now, so that complaints about what a case left behind are its own
        await asyncio.sleep(0)
        facts = {"seconds": time.monotonic() - began, "complaints": js.takeComplaints().to_py(), "log": records.take()}
        await post("/result", {"case": case, "error": error, **facts})
        js.console.log(f"end of case {case}")


async def failure_of(case, lab):
    """Run a case and return how it failed, None if it did not."""
    file, section, name = case.split("::")
    try:
        body = getattr(getattr(importlib.import_module(file), section)(), name)
        try:
            async with asyncio.timeout(getattr(body, "limit", LIMIT)):
                await body(lab)
        finally:
            async with asyncio.timeout(LIMIT):
                await lab.tidy()
    except Exception as error:
        return "".join([*traceback.format_exception(error), *values_around(error, name)])
    return None


def values_around(error, name):
    """Show the case's own variables: here no assertion is rewritten to show them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == name:
            for variable, value in frame.f_locals.items():
                yield f"    {variable} = {repr(value)[:1000]}\n"
