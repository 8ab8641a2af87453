"""Payloads as objects with attributes: the base classes of the generated models.

The classes of the standard messages are generated: `ocpp_core.v16.models`, `ocpp_core.v201.models` and
`ocpp_core.v21.models`.
"""

from collections.abc import Mapping
from dataclasses import Field, field, make_dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, dataclass_transform

from ._methods import methods_of
from ._reading import NotConforming, is_scalar, mapping, missing, read_items, scalar_reader
from .message import Message

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for type checkers only: typing's has no default before Python 3.13

    WireT_co = TypeVar("WireT_co", bound=Mapping[str, Any], default=Mapping[str, Any], covariant=True)
    ResponseModelT_co = TypeVar("ResponseModelT_co", bound="ResponseModel[Any] | None", default=Any, covariant=True)
else:
    from typing import TypeVar

    WireT_co = TypeVar("WireT_co", covariant=True)
    ResponseModelT_co = TypeVar("ResponseModelT_co", covariant=True)

__all__ = [
    "Model",
    "ModelMember",
    "ModelType",
    "RequestModel",
    "ResponseModel",
    "ResponseModelT_co",
    "WireT_co",
    "member",
]

_REQUIRED: Final = object()
_HIDDEN: Final = "***"


class ModelMember:
    """A member of a model: its attribute, its name on the wire and its type."""

    __slots__ = ("attribute", "element", "many", "required", "secret", "wire")

    def __init__(self, wire: str, kind: Any, *, required: bool, secret: bool) -> None:
        self.attribute: str = ""
        self.wire: str = wire
        self.many: bool = isinstance(kind, list)
        self.element: Any = kind[0] if self.many else kind
        self.required: bool = required
        self.secret: bool = secret

    def read(self, value: Any) -> Any:
        """Return a value as the member has it. Raises NotConforming, which has the path."""
        try:
            if value is None:
                raise missing()
            one = self.element._explained if issubclass(self.element, Model) else scalar_reader(self.element)
            return read_items(one, value) if self.many else one(value)
        except NotConforming as problem:
            problem.steps.append(f".{self.wire}")
            raise

    def write(self, value: Any) -> Any:
        """Return the payload of a model. Raises TypeError for anything else."""
        if not isinstance(value, self.element):
            raise TypeError(f"expected a {self.element.__name__}, got {type(value).__name__}")
        return value.to_wire()


def member(wire: str, kind: Any, *, default: Any = _REQUIRED, secret: bool = False) -> Any:
    """Declare a member of a model.

    Args:
        wire: its name on the wire.
        kind: `str`, `int`, `float`, `bool`, `dict`, `object` for any value, a model, or a list of one of these.
        default: None if the member may be absent.
        secret: True if `repr` must not show the value.

    Raises:
        TypeError: `kind` is none of these.
        ValueError: `default` is not None.
    """
    element = kind[0] if isinstance(kind, list) and len(kind) == 1 else kind
    if not isinstance(element, type) or not (is_scalar(element) or issubclass(element, Model)):
        raise TypeError(f"expected a kind of JSON value, a model, or a list of one of them, got {kind!r}")
    if default is not _REQUIRED and default is not None:
        raise ValueError(f"expected None as default, got {default!r}")
    return ModelMember(wire, kind, required=default is _REQUIRED, secret=secret)


class _DataclassFields:
    """Describes the members to `dataclasses.fields`, `replace` and `asdict`."""

    def __get__(self, instance: "Model[Any] | None", owner: "type[Model[Any]]") -> "dict[str, Field[Any]]":
        names = [*(each.attribute for each in owner._members), "extra"]
        alike: Any = make_dataclass(owner.__name__, [(name, Any, field(default=None)) for name in names], kw_only=True)
        owner.__dataclass_fields__ = alike.__dataclass_fields__
        return owner.__dataclass_fields__


@dataclass_transform(kw_only_default=True, field_specifiers=(member,))
class ModelType(type):
    """Makes slots of the members that the body of a model declares.

    `@dataclass(slots=True)` would do this too, in nine times the time.
    """

    _members: tuple[ModelMember, ...]
    _methods: dict[str, Any]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> "ModelType":
        """Return the class of a model."""
        own = {key: value for key, value in namespace.items() if isinstance(value, ModelMember)}
        for attribute, declared in own.items():
            declared.attribute = attribute
            del namespace[attribute]
        if own:
            inherited = next((base._members for base in bases if isinstance(base, ModelType)), ())
            namespace["_members"] = (*inherited, *own.values())
            namespace = _UNWRITTEN | namespace  # what a base has knows the members of the base alone
        namespace.setdefault("__slots__", tuple(own))
        return super().__new__(cls, name, bases, namespace)

    def _written(cls, name: str) -> Any:
        """Return a method for the members of the class.

        The class gets all such methods when the first one is needed.
        """
        if "_methods" not in vars(cls):
            cls._methods = methods_of(cls._members)
            for each, method in cls._methods.items():
                method.__qualname__ = f"{cls.__qualname__}.{each}"
                if vars(cls).get(each) in {None, _UNWRITTEN[each]}:  # else it is the program's own
                    setattr(cls, each, classmethod(method) if each == "_read" else method)
        return cls._methods[name]


class Model(Generic[WireT_co], metaclass=ModelType):
    """An object of OCPP with an attribute for each member.

    An optional member that is absent is None. The constructor takes the members by keyword and raises TypeError for a
    missing and for an unknown one. Models are dataclasses for `dataclasses.fields`, `replace` and `asdict`.
    """

    __slots__ = ("extra",)
    _members: ClassVar[tuple[ModelMember, ...]] = ()

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
        extra: Mapping[str, Any] | None = None
        """Members of a payload that its schema does not have, as they were received; `to_wire` writes them too."""
    else:
        __dataclass_fields__ = _DataclassFields()

    def __init__(self, **values: Any) -> None:
        type(self)._written("__init__")(self, **values)

    @classmethod
    def from_wire(cls, payload: Mapping[str, Any]) -> Self:
        """Return the model of a payload.

        Types are checked and limits are not: strict mode does that. A string that an enumeration does not list is
        kept, and null is taken for an absent member. Members that the schema does not have are in `extra`.

        Raises:
            RPCOccurrenceConstraintViolationError: a required member is absent or null.
            RPCTypeConstraintViolationError: a value has another type than its member.
        """
        try:
            return cls._read(payload)
        except NotConforming:
            pass  # without its path, which is searched for outside, so that a traceback shows no value
        try:
            return cls._explained(payload)
        except NotConforming as problem:
            raise problem.public() from None

    def to_wire(self) -> WireT_co:
        """Return the payload, without the members that are None.

        Raises TypeError if a member is no model where one is expected.
        """
        payload: WireT_co = type(self)._written("to_wire")(self)
        return payload

    @classmethod
    def _read(cls, value: Any) -> Self:
        model: Self = cls._written("_read")(cls, value)
        return model

    @classmethod
    def _explained(cls, value: Any) -> Self:
        """Read a payload member by member. Raises NotConforming, which has the path."""
        payload = mapping(value)
        for each in cls._members:
            if each.required or payload.get(each.wire) is not None:
                each.read(payload.get(each.wire))
        return cls._read(value)

    @classmethod
    def _unknown(cls, payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
        names = {each.wire for each in cls._members}
        return {name: value for name, value in payload.items() if name not in names} or None

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._attributes())

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # its members can change

    def __repr__(self) -> str:
        secret = {each.attribute for each in self._members if each.secret} | {"extra"}
        values = ((name, getattr(self, name)) for name in self._attributes())
        shown = (f"{name}={_HIDDEN if name in secret else repr(value)}" for name, value in values if value is not None)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __replace__(self, /, **changes: Any) -> Self:
        """Return a copy with other members, for `copy.replace`."""
        return replace(self, **changes)

    def _attributes(self) -> tuple[str, ...]:
        return (*(each.attribute for each in self._members), "extra")


_UNWRITTEN: Final = {name: vars(Model)[name] for name in ("__init__", "_read", "to_wire", "__dataclass_fields__")}
"""What a class has until it has its own."""


class RequestModel(Model[WireT_co], Generic[WireT_co, ResponseModelT_co]):
    """The payload of a CALL or SEND, with its message and response model."""

    __slots__ = ()

    message_type: ClassVar[type[Message[Any, Any]]]
    """The message that has this payload; it knows action, protocol and sender."""
    response_type: ClassVar["type[ResponseModel[Any]] | None"]
    """The model of the response; None for a SEND."""


class ResponseModel(Model[WireT_co]):
    """The payload of a response, with the message that it answers."""

    __slots__ = ()

    message_type: ClassVar[type[Message[Any, Any]]]
    """The message that has this response."""
