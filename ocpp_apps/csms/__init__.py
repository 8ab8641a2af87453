"""A central system (CSMS) that accepts everything, and commands stations of every version.

`Csms` is the central system; `Console` commands its stations by lines of text.
"""

from .console import HELP, Console
from .csms import Csms

__all__ = ["HELP", "Console", "Csms"]
