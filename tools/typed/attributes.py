"""Attributes of members: snake_case, with OCPP's abbreviations as words."""

import re
from collections.abc import Iterable
from typing import Final

from ocpp_core.typed.model import Model, RequestModel, ResponseModel

__all__ = ["attribute_name", "attributes_of"]

WORDS: Final = (("EMAIDs", "Emaids"), ("CSMSURL", "CsmsUrl"), ("V2X", "V2x"), ("SoC", "Soc"), ("SoH", "Soh"))
"""Abbreviations that the rule would divide or join -> a word."""
START: Final = {"soC": "soc", "soH": "soh"}
"""Names that begin in the middle of an abbreviation."""
BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
TAKEN: Final = {name for cls in (Model, RequestModel, ResponseModel) for name in dir(cls)} | {"member", "wire"}
"""Names that a model has already."""


def attribute_name(name: str) -> str:
    """Return the attribute of a property, e.g. `evse_id` of `evseId`.

    Raises ValueError if a model cannot have it.
    """
    spelled = START.get(name, name)
    for abbreviation, word in WORDS:
        spelled = spelled.replace(abbreviation, word)
    attribute = BOUNDARY.sub("_", spelled).lower()
    if attribute in TAKEN:
        raise ValueError(f"expected an attribute that a model does not have already, got {attribute!r}")
    return attribute


def attributes_of(names: Iterable[str]) -> dict[str, str]:
    """Return the attributes of an object's properties by their names.

    Raises ValueError if two would be the same.
    """
    found: dict[str, str] = {}
    for name in names:
        if found.setdefault(attribute_name(name), name) != name:
            raise ValueError(f"expected another attribute for {name!r} than for {found[attribute_name(name)]!r}")
    return {name: attribute for attribute, name in found.items()}
