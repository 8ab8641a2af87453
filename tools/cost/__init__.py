"""What the hot path costs as counts that repeat exactly: instructions and calls for each message, never a time.

`tools/count_cost.py` prints and rewrites the table of counts, `tests/contracts/test_cost.py` holds the code to it.
"""

from tools.cost.counting import Cost, Counter, Place
from tools.cost.scenarios import SCENARIOS
from tools.cost.table import HERE, Table, expected, judge, read_table, write_table

__all__ = [
    "HERE",
    "SCENARIOS",
    "Cost",
    "Counter",
    "Place",
    "Table",
    "expected",
    "judge",
    "read_table",
    "write_table",
]
