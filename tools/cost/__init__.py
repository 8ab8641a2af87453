"""The cost of the hot path in counts that repeat exactly: instructions and calls per message.

`tools/count_cost.py` prints and rewrites the table of counts, and `tests/contracts/test_cost.py` compares it with the
code. `tools/count_trips.py` prints the calls in order, and `tests/contracts/test_trips.py` limits their number.
"""

from .counting import Cost, Counter, Place
from .scenarios import SCENARIOS
from .table import HERE, Table, expected, judge, read_table, write_table
from .tracing import Call, Tracer, Trip
from .trips import LIMITS, Limit, take_trips

__all__ = [
    "HERE",
    "LIMITS",
    "SCENARIOS",
    "Call",
    "Cost",
    "Counter",
    "Limit",
    "Place",
    "Table",
    "Tracer",
    "Trip",
    "expected",
    "judge",
    "read_table",
    "take_trips",
    "write_table",
]
