"""Central systems of several processes.

`serve` runs a server in several processes of one machine, which share a port.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ._workers._serving import serve
    from ._workers._supervisor import WorkersError

__all__ = ["WorkersError", "serve"]


_PLACES: Final = {"WorkersError": "_workers._supervisor", "serve": "_workers._serving"}

if not TYPE_CHECKING:  # type checkers would accept every name

    def __getattr__(name: str) -> Any:
        """Load a name when it is first used: a server that is a node of a cluster needs no processes."""
        if name in _PLACES:
            return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
