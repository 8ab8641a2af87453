"""The settings that a CSMS may read and change: configuration keys of 1.6, variables of 2.x."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

__all__ = ["Change", "Configuration", "Key", "Option", "Setting", "Variable"]


@dataclass(frozen=True, slots=True)
class Setting:
    """The current state of a setting."""

    name: str
    """The key of 1.6, or the name of the variable of 2.x."""
    value: str
    """The value as text."""
    is_read_only: bool
    """True if a central system cannot change it."""
    unit: str = ""
    """The unit of the value; empty without one."""
    component: str = ""
    """The component of the variable (2.x)."""
    evse: int | None = None
    """The EVSE of the component (2.x); None for the whole station."""
    instance: str = ""
    """The instance of the variable (2.x); empty without one."""


class Option(Enum):
    """A setting that this station obeys, independent of its name in a version."""

    HEARTBEAT_INTERVAL = "seconds between heartbeats"
    CONNECTION_TIMEOUT = "seconds to plug in after authorization"
    SAMPLE_INTERVAL = "seconds between meter values of a transaction, 0 for none"
    SAMPLED_DATA = "measurands of these"
    STARTED_DATA = "measurands at the beginning of a transaction"
    ENDED_DATA = "measurands at the end of a transaction"
    ALIGNED_INTERVAL = "seconds between meter values by the clock, 0 for none"
    ALIGNED_DATA = "measurands of these, too"
    AUTHORIZE_REMOTE = "ask the CSMS about the token of a transaction that it starts"
    LOCAL_OFFLINE = "offline, begin for a token that the list or the cache accepts"
    PRE_AUTHORIZE = "do so online, too, without asking"
    UNKNOWN_OFFLINE = "offline, begin for an unknown token"
    CACHE_ENABLED = "store information from the CSMS about tokens"
    LIST_ENABLED = "use the local authorization list"
    STOP_ON_UNPLUG = "end the transaction when the car's side is unplugged"
    STOP_ON_INVALID = "end the transaction when the CSMS refuses its token"
    MESSAGE_ATTEMPTS = "how often a message about a transaction is tried"
    MESSAGE_INTERVAL = "seconds before it is tried again, times the attempts made"
    OFFLINE_THRESHOLD = "seconds offline after which the status of every connector is sent again"


class Key(NamedTuple):
    """The key of a setting. OCPP 1.6 uses only the name and ignores case."""

    name: str
    component: str = ""
    evse: int | None = None
    instance: str = ""
    connector: int | None = None

    @property
    def folded(self) -> "Key":
        """The key in lower case, for comparison."""
        return self._replace(name=self.name.lower(), component=self.component.lower(), instance=self.instance.lower())


class Change(Enum):
    """The result of an attempt to change a setting."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    READ_ONLY = "ReadOnly"
    UNKNOWN = "Unknown"


@dataclass(slots=True)
class Variable:
    """A setting with its allowed values.

    `kind` is a data type of 2.x. `values` are the allowed members of a list; if empty, all are allowed.
    """

    key: Key
    value: str | Callable[[], str]
    kind: str = "string"
    writable: bool = False
    unit: str = ""
    minimum: int = 0
    maximum: int = 2_147_483_647
    values: tuple[str, ...] = ()
    option: Option | None = None

    @property
    def text(self) -> str:
        """The current value."""
        return self.value() if callable(self.value) else self.value

    @property
    def setting(self) -> Setting:
        """The current state of the setting, without secrets."""
        key = self.key
        return Setting(key.name, self.text, not self.writable, self.unit, key.component, key.evse, key.instance)

    def takes(self, text: str) -> bool:
        """Return True if the value is allowed."""
        if self.kind == "boolean":
            return text.lower() in ("true", "false")
        if self.kind == "integer":
            return text.isascii() and text.isdecimal() and self.minimum <= int(text) <= self.maximum
        if self.kind in ("MemberList", "SequenceList"):
            return not self.values or all(item in self.values for item in items_of(text))
        return not self.values or text in self.values


def items_of(text: str) -> list[str]:
    """Split a list of values."""
    return [item.strip() for item in text.split(",") if item.strip()]


class Configuration:
    """The settings of a station in one version. After a change of an option, `changed` is called with it."""

    def __init__(self, variables: Iterable[Variable], changed: Callable[[Option | None], None]) -> None:
        self._variables = {variable.key.folded: variable for variable in variables}
        self._options = {variable.option: variable for variable in self._variables.values() if variable.option}
        self._changed = changed

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._variables.values())

    def find(self, key: Key) -> Variable | None:
        """Return a setting, or None if it is unknown."""
        return self._variables.get(key.folded)

    def has_component(self, key: Key) -> bool:
        """Return True if the component of the key has any setting."""
        wanted = key.folded
        return any((one.component, one.evse) == (wanted.component, wanted.evse) for one in self._variables)

    def change(self, key: Key, value: str) -> Change:
        """Change a setting if it exists, is writable and allows the value."""
        variable = self.find(key)
        if variable is None:
            return Change.UNKNOWN
        if not variable.writable:
            return Change.READ_ONLY
        if not variable.takes(value):
            return Change.REJECTED
        variable.value = value.lower() if variable.kind == "boolean" else value
        self._changed(variable.option)
        return Change.ACCEPTED

    def store(self, option: Option, value: str) -> None:
        """Set an option for another reason than a command of the CSMS."""
        variable = self._options.get(option)
        if variable is not None and variable.text != value:
            variable.value = value
            self._changed(option)

    def number(self, option: Option) -> int:
        """Return the value of a numeric option, or 0 if the version does not have it."""
        variable = self._options.get(option)
        return 0 if variable is None else int(variable.text)

    def is_on(self, option: Option) -> bool:
        """Return True if a boolean option is on."""
        variable = self._options.get(option)
        return variable is not None and variable.text == "true"

    def members(self, option: Option) -> list[str]:
        """Return the members of a list option."""
        variable = self._options.get(option)
        return [] if variable is None else items_of(variable.text)
