"""The cost of models compared with plain dicts, in processor time.

python benchmarks/models.py [--repeats 7] [--rounds 5000] [--standard-library]
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.accelerators import STANDARD_LIBRARY, hide_if_asked

hide_if_asked()

from benchmarks.traffic import BOOT, KINDS, METER_VALUES  # noqa: E402 - after the accelerators are hidden
from ocpp_core import v16, v201  # noqa: E402 - after the accelerators are hidden
from ocpp_core._json import dumps  # noqa: E402 - after the accelerators are hidden
from ocpp_core.messages import decode  # noqa: E402 - after the accelerators are hidden
from ocpp_core.typed.model import Model  # noqa: E402 - after the accelerators are hidden
from ocpp_core.versions import OCPP16  # noqa: E402 - after the accelerators are hidden

_EVENT: Final = next(params for kind in KINDS.values() for action, params in kind.cycle if action == "TransactionEvent")
MESSAGES: Final[tuple[tuple[type[Model[Any]], dict[str, Any]], ...]] = (
    (v16.models.BootNotificationRequest, BOOT),
    (v16.models.MeterValuesRequest, METER_VALUES),
    (v201.models.TransactionEventRequest, _EVENT),
)


def best(run: Callable[[], object], rounds: int, repeats: int) -> float:
    """Return the least microseconds of processor time for one call of `run`."""
    return min(_timed(run, rounds) for _ in range(repeats)) / rounds * 1e6


def _timed(run: Callable[[], object], rounds: int) -> float:
    start = time.process_time()
    for _ in range(rounds):
        run()
    return time.process_time() - start


def steps_of(model: type[Model[Any]], payload: dict[str, Any]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is measured of a message."""
    text, made = json.dumps([2, "0123456789", "Action", payload]), model.from_wire(payload)
    yield "decode the message", lambda: decode(text, OCPP16.message_types)
    yield "encode the payload", lambda: dumps(payload)
    yield "from_wire", lambda: model.from_wire(payload)
    yield "to_wire", made.to_wire
    arguments = {name: getattr(made, name) for name in model.__slots__ if getattr(made, name) is not None}
    yield "constructor", lambda: model(**arguments)


def measure(rounds: int, repeats: int) -> dict[str, dict[str, float]]:
    """Return the microseconds of each step, by message."""
    return {
        model.__name__: {step: best(run, rounds, repeats) for step, run in steps_of(model, payload)}
        for model, payload in MESSAGES
    }


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(STANDARD_LIBRARY, action="store_true", help="hide the extra `speed`")
    options = parser.parse_args()
    for name, steps in measure(options.rounds, options.repeats).items():
        print(name)
        for step, microseconds in steps.items():
            print(f"  {step:20} {microseconds:6.2f} µs")


if __name__ == "__main__":
    main()
