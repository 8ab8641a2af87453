"""Bytecode for the processes that a benchmark starts, also on a machine that forbids Python to write it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

__all__ = ["bytecode_kept"]


@contextmanager
def bytecode_kept() -> Iterator[None]:
    """Let the processes that are started in this block write bytecode, and read what an earlier one wrote.

    It is kept in a temporary folder and not beside the sources, so that the first process always compiles them: run
    each subject once before it is measured.
    """
    before = dict(os.environ)
    with TemporaryDirectory(prefix="bytecode-") as folder:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
