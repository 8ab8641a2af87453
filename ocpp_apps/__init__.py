"""Programs built on the library: a simulated station, a central system and a demo.

`python -m ocpp_apps` lists them.
"""

from ocpp_core._version import __version__

__all__ = ["__version__"]
