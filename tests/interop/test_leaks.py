"""A bounded sample of `make leaks`: after calls, connections and timeouts, every container has its starting size."""

from collections import deque
from types import MappingProxyType

import pytest

from tools.containers import container_sizes
from tools.leaks import Load, run_load
from tools.soak_sockets import BACKENDS


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_container_has_its_starting_size_afterwards(backend: str) -> None:
    outcome = run_load(backend, Load(messages=200, connects=10, timeouts=20, stations=1))
    assert outcome.differences == {}
    assert outcome.after["ConnectionRegistry._open"] == 1


class Holder:
    """An object of the library, as the search takes it."""

    __slots__ = ("listed", "mapped")

    def __init__(self) -> None:
        self.listed = [{"a": 1}, deque([1, 2])]
        self.mapped = MappingProxyType({"b": (lambda: self.listed)})


Holder.__module__ = "ocpp_holder"


def test_the_search_finds_containers_in_slots_containers_and_closures() -> None:
    sizes = container_sizes({"holder": Holder()})
    assert {name: size for name, size in sizes.items() if name.startswith("Holder")} == {
        "Holder.listed": 2,
        "Holder.listed[]": 3,
        "Holder.mapped": 1,
    }
