"""The profiles of the library: deviations that were reported in public."""

from functools import cache
from importlib.resources import files
from typing import Final

from .profiles import QuirkProfile
from .reading import read_profiles

__all__ = ["COLLECTIONS", "shipped_profiles"]

COLLECTIONS: Final = ("known", "common")
"""The collections: `known` has the models of station that were named, `common` the mistakes of many makes."""


@cache
def shipped_profiles(collection: str) -> tuple[QuirkProfile, ...]:
    """Return the profiles of a collection, in their order; read once. Raises ValueError for an unknown collection."""
    if collection not in COLLECTIONS:
        raise ValueError(f"expected one of {', '.join(COLLECTIONS)}, got {collection!r}")
    text = files("ocpp_core.tolerance").joinpath(f"{collection}.toml").read_text(encoding="utf-8")
    return read_profiles(text, source=f"the {collection} profiles")
