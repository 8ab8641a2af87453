"""The declaration of a setting: its default, and the numbers that it accepts."""

from dataclasses import field, fields
from math import inf
from sys import float_info
from typing import TYPE_CHECKING, TypeVar

from ocpp_core._dataclasses import dataclass

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Range", "expect_declared", "number"]

_Number = TypeVar("_Number", bound=float | None)


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a setting accepts."""

    least: float
    most: float = inf
    excludes_least: bool = False
    unit: str = ""

    def __str__(self) -> str:
        """Return the range for errors and the documentation: `>= 1 CALLs`, `> 0 seconds`, `0 to 9`."""
        if self.most != inf:
            return f"{self.least:.15g} to {self.most:.15g} {self.unit}".rstrip()
        return f"{'>' if self.excludes_least else '>='} {self.least:.15g} {self.unit}".rstrip()

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.least <= value <= self.most:
            return False
        if float_info.max < value < inf:  # an integer to which no time can be added
            return False
        return value > self.least or not self.excludes_least


def number(
    default: _Number,
    *,
    least: float = 0,
    above: float | None = None,
    most: float = inf,
    unit: str = "seconds",
) -> _Number:
    """Return a dataclass field for a number with its default and its range, for `expect_declared`.

    The range begins at `least`, or just above `above`. If the default is None, None is accepted as well.
    """
    allowed = Range(least, most, unit=unit) if above is None else Range(above, most, excludes_least=True, unit=unit)
    return field(default=default, metadata={"range": allowed})


def expect_declared(settings: "DataclassInstance") -> None:
    """Raise for the first number or bool of a dataclass that differs from its declaration.

    Raises ValueError for a number out of its range, and for a fraction or `inf` if the type is `int`, which would fail
    only when it is used. Raises TypeError for a value that is not a bool if the type is `bool`: `"no"` must not count
    as True.
    """
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.type is bool and not isinstance(value, bool):
            raise TypeError(f"expected {each.name} as bool, got {value!r}")
        allowed: Range | None = each.metadata.get("range")
        if allowed is None or (value is None and each.default is None):
            continue
        if value not in allowed:
            raise ValueError(f"expected {each.name} {allowed}, got {value!r}")
        if each.type is int and not isinstance(value, int):
            raise ValueError(f"expected {each.name} {allowed} as an integer, got {value!r}")
