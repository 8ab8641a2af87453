"""What cannot apply to the compiled wheel; every other test passes on it too (`make test-fast`)."""

from typing import Final

__all__ = ["FIXTURES", "INAPPLICABLE"]

_COUNTS = "it counts what the interpreter executes, and the hot path is not interpreted"
_REPLACES = "it replaces a method of a compiled class, which compiled callers do not look up"
_CONSTANT = "it replaces a constant of a compiled module, which the compiled code does not look up"
_SOURCES = "it is about the tree and not about what is installed"

INAPPLICABLE: Final = {
    "tests/contracts/test_cost.py": _COUNTS,
    "tests/contracts/test_trips.py": _COUNTS,
    "tests/contracts/test_docs.py::TestTheGeneratedPages": _SOURCES,
    "tests/contracts/test_repository.py": _SOURCES,
    "tests/contracts/test_site.py": _SOURCES,
    "tests/contracts/test_size.py": _SOURCES,
    "tests/contracts/test_wheel.py": _SOURCES,
    "tests/core/recording/test_recording.py::TestAnException::test_of_a_fault_is_raised_again": _REPLACES,
    "tests/typing/test_samples.py::test_the_library_itself_gives_its_users_no_errors": _SOURCES,
    "tests/transports/laboratory/test_pytest_plugin.py::test_writes_the_recordings_of_a_failure": _REPLACES,
}
"""The beginnings of the names of tests, and why each is skipped."""

FIXTURES: Final = {"impatient": _CONSTANT}
"""Fixtures whose tests are skipped, and why."""
