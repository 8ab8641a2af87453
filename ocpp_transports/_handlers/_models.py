"""Objects that stand for a payload: models of this library, of pydantic and of msgspec.

Neither pydantic nor msgspec is imported here. Their classes are recognized by the attributes that both document.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol, Self, TypeAlias, TypeGuard, TypeVar, is_typeddict

from ocpp_core.errors import RPCError, create_rpc_error
from ocpp_core.typed.model import Model, RequestModel, ResponseModel
from ocpp_core.versions import ErrorCode

__all__ = [
    "AnyModel",
    "ForeignModel",
    "MsgspecStruct",
    "PydanticModel",
    "WireModel",
    "is_model",
    "is_payload_class",
    "is_request_model",
    "payload_of",
    "payload_of_result",
    "read_model",
    "request_of",
    "response_of",
]

_WireT_co = TypeVar("_WireT_co", covariant=True)


class PydanticModel(Protocol):
    """The methods of a pydantic `BaseModel` (version 2) that read and write payloads."""

    @classmethod
    def model_validate(cls, obj: Any, /) -> Self:
        """Return the model of a payload; raise a `ValidationError` for another one."""

    def model_dump(self, *, mode: str = ..., by_alias: bool = ..., exclude_none: bool = ...) -> dict[str, Any]:
        """Return the model as a payload."""


class MsgspecStruct(Protocol):
    """A `msgspec.Struct`, which `msgspec.convert` reads and `msgspec.to_builtins` writes."""

    __struct_fields__: ClassVar[tuple[str, ...]]


class WireModel(Protocol[_WireT_co]):
    """A model of this library, generic in the TypedDict of the same payload."""

    def to_wire(self) -> _WireT_co:
        """Return the model as a payload."""


ForeignModel: TypeAlias = PydanticModel | MsgspecStruct
"""A model of pydantic or msgspec."""
AnyModel: TypeAlias = WireModel[Mapping[str, Any]] | ForeignModel
"""An object of which a payload can be made."""

# The codes are those of strict mode for the same broken rules; see `ocpp_core/validation/_explain.py`.
_CODES: Final = (
    (re.compile(r"missing|too_short|too_long"), ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION),
    (re.compile(r".*_(type|parsing)"), ErrorCode.TYPE_CONSTRAINT_VIOLATION),
    (re.compile(r"extra_forbidden"), ErrorCode.FORMAT_VIOLATION),
)
_SAFE_STEP: Final = re.compile(r"[A-Za-z0-9_.\-]{1,50}")
_MAX_STEPS: Final = 10
_MAX_ERRORS: Final = 100
"""Errors that pydantic is asked to list: it lists all of them or none, and a hostile payload may have 100,000."""


def is_request_model(kind: object) -> TypeGuard[type[Any]]:
    """Return True for a class that `read_model` can make of the payload of a request."""
    return isinstance(kind, type) and (issubclass(kind, RequestModel) or _is_foreign(kind))


def is_payload_class(kind: object) -> bool:
    """Return True for a TypedDict and for a class of models, which are callable and no handlers."""
    return is_typeddict(kind) or (isinstance(kind, type) and (issubclass(kind, Model) or _is_foreign(kind)))


def is_model(value: object) -> bool:
    """Return True for an object of which `payload_of` makes a dict."""
    return isinstance(value, Model) or _is_foreign(type(value))


def _is_foreign(kind: type) -> bool:
    return _is_pydantic(kind) or _is_struct(kind)


def _is_pydantic(kind: type) -> bool:
    return callable(getattr(kind, "model_validate", None)) and callable(getattr(kind, "model_dump", None))


def _is_struct(kind: type) -> bool:
    return "msgspec" in sys.modules and isinstance(getattr(kind, "__struct_fields__", None), tuple)


def read_model(kind: type[Any], payload: dict[str, Any]) -> Any:
    """Return the model of a payload.

    Raises an `RPCError` for a payload that the model refuses. It has the code of the broken rule, and neither a value
    of the payload nor the text of the original exception, which may quote one.
    """
    if issubclass(kind, Model):
        return kind.from_wire(payload)
    return _read_struct(kind, payload) if _is_struct(kind) else _read_pydantic(kind, payload)


def _read_pydantic(kind: type[Any], payload: dict[str, Any]) -> Any:
    try:
        return kind.model_validate(payload)
    except ValueError as error:
        if not callable(getattr(error, "errors", None)):
            raise  # a mistake in a validator of the application
        refusal = _pydantic_refusal(kind, error)
    raise refusal  # outside the block: without the original exception as its context


def _pydantic_refusal(kind: type[Any], error: Any) -> RPCError:
    count = error.error_count()
    if count > _MAX_ERRORS:
        return create_rpc_error(ErrorCode.FORMAT_VIOLATION, f"payload violates {kind.__name__} {count} times")
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    rule = str(first["type"])
    codes = (code for pattern, code in _CODES if pattern.fullmatch(rule))
    code = next(codes, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION)
    return create_rpc_error(code, f"{_path(first['loc'])} violates {kind.__name__}: {rule}")


def _path(steps: Sequence[str | int]) -> str:
    """Return a path without the names that a peer may have made up."""
    shown = (str(step) if _SAFE_STEP.fullmatch(str(step)) else "*" for step in steps[:_MAX_STEPS])
    return ".".join(("payload", *shown))


def _read_struct(kind: type[Any], payload: dict[str, Any]) -> Any:
    msgspec: Any = sys.modules["msgspec"]
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError:
        pass  # its text, the only information, may quote the payload
    raise create_rpc_error(ErrorCode.TYPE_CONSTRAINT_VIOLATION, f"payload violates {kind.__name__}")


def payload_of(value: Any) -> dict[str, Any]:
    """Return a dict unchanged, and another mapping or a model as a dict. Raises TypeError for anything else."""
    payload = value if isinstance(value, dict) else _written(value)
    if not isinstance(payload, Mapping):
        raise TypeError(f"expected a dict or a model of one as payload, got {type(value).__name__}")
    return payload if isinstance(payload, dict) else dict(payload)


def _written(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_wire()
    if _is_struct(type(value)):
        return sys.modules["msgspec"].to_builtins(value)
    if _is_pydantic(type(value)):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return value


def request_of(value: Any, action: str) -> dict[str, Any]:
    """Return the payload of a request. Raises TypeError for the model of another one, and like `payload_of`."""
    _expect_model_of(value, RequestModel, action, "request")
    return payload_of(value)


def response_of(value: Any, action: str) -> dict[str, Any]:
    """Return the payload of a response. Raises TypeError for the model of another one, and like `payload_of`."""
    _expect_model_of(value, ResponseModel, action, "response")
    return payload_of(value)


def payload_of_result(result: Any, action: str) -> dict[str, Any]:
    """Return the payload of what a handler returned. Raises TypeError for what is none, and like `response_of`."""
    if result is None:
        return {}
    if not isinstance(result, Mapping) and not is_model(result):
        kind = type(result).__name__
        raise TypeError(f"expected a handler to return a dict, a model, None or NOREPLY, got {kind}")
    return response_of(result, action)


def _expect_model_of(value: Any, kind: type[Model[Any]], action: str, role: str) -> None:
    """Raise TypeError for the model of another action, or of the other payload of this one.

    The versions may differ: a handler may serve several with the models of one.
    """
    if isinstance(value, (RequestModel, ResponseModel)):
        message = getattr(value, "message_type", None)  # a vendor's model may have none
        if not isinstance(value, kind) or (message is not None and message.action != action):
            raise TypeError(f"expected a dict or a model of the {role} of {action}, got {type(value).__name__}")
