"""Options of a server that somebody else would have to obey: they are refused rather than silently ignored."""

from collections.abc import Mapping

from ._server import ServerOptions

__all__ = ["expect_defaults"]


def expect_defaults(options: ServerOptions, where: str, owners: Mapping[str, str]) -> None:
    """Raise ValueError for an option of `owners`, which says whose it is, that has another value than the default."""
    for name, delegate in owners.items():
        if getattr(options, name) != getattr(ServerOptions, name):
            raise ValueError(f"expected no {name} for a server {where}: {delegate}")
