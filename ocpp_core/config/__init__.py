"""The limits and policies of the engines, frozen and validated on construction.

Times are in seconds and sizes in bytes, unless stated otherwise; `inf` means no limit.
"""

from ._client import ClientConfig, UpgradeTarget
from ._declared import Range, expect_declared, number
from ._link import Compression, LinkConfig
from ._session import IdFactory, InboundLimit, SessionConfig
from ._tolerance import AppliedQuirk, Mended, Tolerance
from ._validation import (
    CheckPayload,
    Flow,
    StrictMode,
    ValidationMode,
    ValidationRule,
    expect_rules,
    is_checking,
    rules_in,
)
from ._validator import BrokenRule, Effect, FindRemedy, Kind, Remedy, Validator, Violation

__all__ = [
    "AppliedQuirk",
    "BrokenRule",
    "CheckPayload",
    "ClientConfig",
    "Compression",
    "Effect",
    "FindRemedy",
    "Flow",
    "IdFactory",
    "InboundLimit",
    "Kind",
    "LinkConfig",
    "Mended",
    "Range",
    "Remedy",
    "SessionConfig",
    "StrictMode",
    "Tolerance",
    "UpgradeTarget",
    "ValidationMode",
    "ValidationRule",
    "Validator",
    "Violation",
    "expect_declared",
    "expect_rules",
    "is_checking",
    "number",
    "rules_in",
]
