"""What the hot path costs as counts that repeat exactly: instructions and calls for each message, never a time.

`tools/count_cost.py` prints and rewrites the table of counts, `tests/contracts/test_cost.py` holds the code to it.
`tools/count_trips.py` prints the calls in their order, `tests/contracts/test_trips.py` holds their number to limits.
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
