"""Where profiles come from: the collections of the library, files and code."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeAlias

from .profiles import QuirkProfile
from .reading import read_profiles

__all__ = ["COLLECTIONS", "Quirks", "load_quirks", "read_quirks", "shipped_profiles"]

Quirks: TypeAlias = str | PathLike[str] | QuirkProfile | Iterable[str | PathLike[str] | QuirkProfile]
"""What the option `quirks` takes."""
COLLECTIONS: Final = ("known", "common")
"""The collections: `known` has the models of station that were named, `common` the mistakes of many makes."""


@cache
def shipped_profiles(collection: str) -> tuple[QuirkProfile, ...]:
    """Return the profiles of a collection, in their order; read once. Raises ValueError for an unknown collection."""
    if collection not in COLLECTIONS:
        raise ValueError(f"expected one of {', '.join(COLLECTIONS)}, got {collection!r}")
    text = files("ocpp_core.tolerance").joinpath(f"{collection}.toml").read_text(encoding="utf-8")
    return read_profiles(text, source=f"the {collection} profiles")


def load_quirks(
    source: str | PathLike[str], *, repairs: Mapping[str, Callable[[str], str]] | None = None
) -> tuple[QuirkProfile, ...]:
    """Return the profiles of a collection of the library or of a file, in their order.

    Args:
        source: `known`, `common`, or the path of a file in TOML.
        repairs: Functions of your own by the names that the file uses for them in `mend_text`.

    Raises:
        ValueError: The file does not describe profiles; the message names the profile and the key.
        OSError: The file cannot be read.
    """
    if source in COLLECTIONS:
        return shipped_profiles(str(source))
    try:
        text = Path(source).read_text(encoding="utf-8-sig")  # editors of Windows write a mark first
    except FileNotFoundError as error:  # a misspelled collection is taken for a file
        expected = f"expected {', '.join(COLLECTIONS)} or the path of a file"
        raise FileNotFoundError(error.errno, expected, str(source)) from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: expected UTF-8, which byte {error.start} is not") from error
    return read_profiles(text, source=str(source), repairs=repairs)


def read_quirks(given: Any) -> tuple[QuirkProfile, ...]:
    """Return the profiles that the option names. Raises what `load_quirks` raises, and TypeError for another value."""
    if isinstance(given, (str, PathLike, QuirkProfile)):
        given = (given,)
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"expected quirks as profiles, paths or {' or '.join(COLLECTIONS)}, got {given!r}")
    profiles: list[QuirkProfile] = []
    for each in given:
        if isinstance(each, QuirkProfile):
            profiles.append(each)
        elif isinstance(each, (str, PathLike)):
            profiles.extend(load_quirks(each))
        else:
            raise TypeError(f"expected quirks as profiles, paths or {' or '.join(COLLECTIONS)}, got {each!r}")
    return tuple(profiles)
