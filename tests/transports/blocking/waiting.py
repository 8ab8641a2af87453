"""Waiting in threads for what has to happen."""

import threading

import pytest

from tests.kinds import an

SECONDS = 50
"""How long a test waits for what has to happen."""


def event():
    """Make an event and a way to wait for it that fails instead of hanging."""
    happened = threading.Event()
    return happened.set, lambda: an(bool, happened.wait(SECONDS)) or pytest.fail("it did not happen")
