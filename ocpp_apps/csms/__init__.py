"""A central system (CSMS) that accepts every request and commands stations.

`Csms` is the central system for all versions. `Console` runs commands from lines of text.
"""

from .console import HELP, Console
from .csms import Csms

__all__ = ["HELP", "Console", "Csms"]
