"""Payloads as objects with attributes: the base classes of the generated models.

The classes of the standard messages are generated: `ocpp_core.v16.models`, `ocpp_core.v201.models` and
`ocpp_core.v21.models`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import Field, field, make_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, cast, dataclass_transform

from .message import Message
from .reading import NotConforming, items_reader, mapping, missing, scalar_reader

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for type checkers only: typing's has no default before Python 3.13

    WireT_co = TypeVar("WireT_co", bound=Mapping[str, Any], default=Mapping[str, Any], covariant=True)
    ResponseModelT_co = TypeVar("ResponseModelT_co", bound="ResponseModel[Any] | None", default=Any, covariant=True)
else:
    from typing import TypeVar

    WireT_co = TypeVar("WireT_co", covariant=True)
    ResponseModelT_co = TypeVar("ResponseModelT_co", covariant=True)

__all__ = ["Member", "Model", "ModelType", "RequestModel", "ResponseModel", "ResponseModelT_co", "WireT_co", "member"]

_REQUIRED: Final = object()
_HIDDEN: Final = "***"


class Member:
    """A member of a model: its attribute, its name on the wire, and how its values are read and written."""

    __slots__ = ("attribute", "read", "required", "secret", "wire", "write")

    def __init__(self, wire: str, kind: Any, *, required: bool, secret: bool) -> None:
        self.attribute = ""
        self.wire = wire
        self.required = required
        self.secret = secret
        many, element = (True, kind[0]) if isinstance(kind, list) else (False, kind)
        model: type[Model[Any]] | None = element if issubclass(element, Model) else None
        read = scalar_reader(element) if model is None else model._read
        self.read = items_reader(read) if many and read is not None else read
        self.write = None if model is None else partial(_write_all if many else _write, model)


def member(wire: str, kind: Any, *, default: Any = _REQUIRED, secret: bool = False) -> Any:
    """Declare a member of a model.

    Args:
        wire: its name on the wire.
        kind: `str`, `int`, `float`, `bool`, `dict`, `object` for any value, a model, or a list of one of these.
        default: None if the member may be absent.
        secret: True if `repr` must not show the value.
    """
    return Member(wire, kind, required=default is _REQUIRED, secret=secret)


def _write(model: "type[Model[Any]]", value: object) -> Any:
    if not isinstance(value, model):
        raise TypeError(f"expected a {model.__name__}, got {type(value).__name__}")
    return value.to_wire()


def _write_all(model: "type[Model[Any]]", values: Iterable[object]) -> list[Any]:
    return [_write(model, value) for value in values]


class _DataclassFields:
    """Makes `dataclasses.fields`, `replace` and `asdict` work: describes the members when first asked."""

    def __get__(self, instance: "Model[Any] | None", owner: "type[Model[Any]]") -> "dict[str, Field[Any]]":
        names = [*(each.attribute for each in owner._members), "extra"]
        alike: Any = make_dataclass(owner.__name__, [(name, Any, field(default=None)) for name in names], kw_only=True)
        owner.__dataclass_fields__ = alike.__dataclass_fields__
        return owner.__dataclass_fields__


@dataclass_transform(kw_only_default=True, field_specifiers=(member,))
class ModelType(type):
    """Makes slots of the members that the body of a model declares.

    A dataclass could do this too, but `@dataclass(slots=True)` takes as long for one class as this for twenty.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> "ModelType":
        """Return the class of a model."""
        own = {key: value for key, value in namespace.items() if isinstance(value, Member)}
        for attribute, declared in own.items():
            declared.attribute = attribute
            del namespace[attribute]
        if own:
            namespace["_members"] = tuple(own.values())
        namespace.setdefault("__slots__", tuple(own))
        return super().__new__(cls, name, bases, namespace)


class Model(Generic[WireT_co], metaclass=ModelType):
    """An object of OCPP with an attribute for each member; optional members that are absent are None.

    The arguments of the constructor are the members, by keyword; it raises TypeError for a missing and for an unknown
    one. Models are dataclasses for `dataclasses.fields`, `replace` and `asdict`.
    """

    __slots__ = ("extra",)
    _members: ClassVar[tuple[Member, ...]] = ()

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
        extra: Mapping[str, Any] | None = None
        """Members of a payload that its schema does not have, as they were received; `to_wire` writes them too."""
    else:
        __dataclass_fields__ = _DataclassFields()

    def __init__(self, **values: Any) -> None:
        self.extra = values.pop("extra", None)
        for each in self._members:
            value = values.pop(each.attribute, _REQUIRED if each.required else None)
            if value is _REQUIRED:
                raise TypeError(f"expected {each.attribute} as an argument of {type(self).__name__}")
            setattr(self, each.attribute, value)
        if values:
            raise TypeError(f"expected members of {type(self).__name__}, got {', '.join(values)}")

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
        except NotConforming as problem:
            raise problem.public() from None

    def to_wire(self) -> WireT_co:
        """Return the payload, without the members that are None.

        Raises TypeError if a member is no model where one is expected.
        """
        payload = {} if self.extra is None else dict(self.extra)
        for each in self._members:
            value = getattr(self, each.attribute)
            if value is not None:
                payload[each.wire] = value if each.write is None else each.write(value)
        return cast("WireT_co", payload)

    @classmethod
    def _read(cls, value: Any) -> Self:
        payload = mapping(value)
        model = cls.__new__(cls)
        known = 0
        for each in cls._members:
            found = payload.get(each.wire)
            try:
                if found is not None:
                    known += 1
                    if each.read is not None:
                        found = each.read(found)
                elif each.required:
                    raise missing()
            except NotConforming as problem:
                problem.steps.append(f".{each.wire}")
                raise
            setattr(model, each.attribute, found)
        model.extra = cls._unknown(payload) if len(payload) > known else None
        return model

    @classmethod
    def _unknown(cls, payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
        names = {each.wire for each in cls._members}
        return {name: value for name, value in payload.items() if name not in names} or None

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._attributes())

    __hash__ = None  # type: ignore[assignment]  # its members can change

    def __repr__(self) -> str:
        secret = {each.attribute for each in self._members if each.secret} | {"extra"}
        values = ((name, getattr(self, name)) for name in self._attributes())
        shown = (f"{name}={_HIDDEN if name in secret else repr(value)}" for name, value in values if value is not None)
        return f"{type(self).__name__}({', '.join(shown)})"

    def _attributes(self) -> tuple[str, ...]:
        return (*(each.attribute for each in self._members), "extra")


class RequestModel(Model[WireT_co], Generic[WireT_co, ResponseModelT_co]):
    """The payload of a CALL or SEND, which knows its message and the model of its response."""

    __slots__ = ()

    message_type: ClassVar[type[Message[Any, Any]]]
    """The message that has this payload; it knows action, protocol and sender."""
    response_type: ClassVar["type[ResponseModel[Any]] | None"]
    """The model of the response; None for a SEND."""


class ResponseModel(Model[WireT_co]):
    """The payload of a response, which knows the message that it answers."""

    __slots__ = ()

    message_type: ClassVar[type[Message[Any, Any]]]
    """The message that has this response."""
