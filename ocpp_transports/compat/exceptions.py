"""The errors of a call: one class for each error code of OCPP-J.

The texts of `default_description` are sent on the wire. Descriptions and codes are those of OCPP-J 1.6 §4.2.3 (table 7)
in the form that the programs and stations of this interface expect.
"""

from typing import Any, ClassVar, Final

__all__ = [
    "FormatViolationError",
    "FormationViolationError",
    "GenericError",
    "InternalError",
    "NotImplementedError",
    "NotSupportedError",
    "OCPPError",
    "OccurenceConstraintViolationError",
    "OccurrenceConstraintViolationError",
    "PropertyConstraintViolationError",
    "ProtocolError",
    "ResponseLostError",
    "SecurityError",
    "TypeConstraintViolationError",
    "UnknownCallErrorCodeError",
    "ValidationError",
]


class OCPPError(Exception):
    """The base class of all errors that have an OCPP error code.

    `description` is a text and `details` a dict. A handler raises a subclass to answer with a CALLERROR; the base class
    itself has no code and is sent as GenericError.
    """

    code: ClassVar[str]
    """The error code on the wire; the base class has none."""
    default_description: ClassVar[str] = ""
    """The description if none is passed."""

    def __init__(self, description: str | None = None, details: Any = None) -> None:
        self.description: str = self.default_description if description is None else description
        """The errorDescription."""
        self.details: Any = {} if details is None else details
        """The errorDetails, a dict."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OCPPError) or code_of(self) != code_of(other):
            return False
        return (self.description, self.details) == (other.description, other.details)

    def __hash__(self) -> int:
        return hash((code_of(self), str(self.description)))  # details are a dict and have no hash

    def __repr__(self) -> str:
        return f"<{type(self).__name__} - description={self.description},  details={self.details}>"

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.description},  {self.details}"


def code_of(error: OCPPError) -> str:
    """Return the error code of an error, GenericError for a class without one."""
    return getattr(error, "code", GenericError.code)


class NotImplementedError(OCPPError):  # noqa: A001 - the name that programs import
    """The action is known, but there is no handler for it."""

    code = "NotImplemented"
    default_description = "Request Action is recognized but not supported by the receiver"


class NotSupportedError(OCPPError):
    """The OCPP version does not have the action."""

    code = "NotSupported"
    default_description = "Requested Action is not known by receiver"


class InternalError(OCPPError):
    """The receiver failed while it processed the action."""

    code = "InternalError"
    default_description = (
        "An internal error occurred and the receiver was not able to process the requested Action successfully"
    )


class ProtocolError(OCPPError):
    """The payload has not all required properties, or the message not all elements."""

    code = "ProtocolError"
    default_description = "Payload for Action is incomplete"


class SecurityError(OCPPError):
    """A security issue prevented the receiver from completing the action."""

    code = "SecurityError"
    default_description = (
        "During the processing of Action a security issue occurred preventing receiver from completing the "
        "Action successfully"
    )


class FormatViolationError(OCPPError):
    """The structure of the payload is wrong; the code of OCPP 2.0.1 and 2.1.

    It also catches the spelling of OCPP 1.6.
    """

    code = "FormatViolation"
    default_description = "Payload for Action is syntactically incorrect or structure for Action"


class FormationViolationError(FormatViolationError):
    """The structure of the payload is wrong; the code of OCPP 1.6 (errata 5.2).

    It also catches the spelling of OCPP 2.x in a received CALLERROR.
    """

    code = "FormationViolation"


class PropertyConstraintViolationError(OCPPError):
    """A property has a value that is not allowed."""

    code = "PropertyConstraintViolation"
    default_description = "Payload is syntactically correct but at least one field contains an invalid value"


class OccurrenceConstraintViolationError(OCPPError):
    """A property occurs too often or too rarely; the code of OCPP 2.1.

    It also catches the spelling of OCPP 1.6.
    """

    code = "OccurrenceConstraintViolation"
    default_description = (
        "Payload for Action is syntactically correct but at least one of the fields violates occurence constraints"
    )


class OccurenceConstraintViolationError(OccurrenceConstraintViolationError):
    """A property occurs too often or too rarely; the code of OCPP 1.6 (errata 5.1).

    It also catches the other spelling in a received CALLERROR.
    """

    code = "OccurenceConstraintViolation"


class TypeConstraintViolationError(OCPPError):
    """A property has a value of a wrong type, or a text that is too long."""

    code = "TypeConstraintViolation"
    default_description = (
        "Payload for Action is syntactically correct but at least one of the fields violates data type constraints "
        "(e.g. “somestring”: 12)"
    )


class GenericError(OCPPError):
    """Any other error."""

    code = "GenericError"
    default_description = "Any other error not all other OCPP defined errors"


class ValidationError(Exception):
    """A payload could not be validated, or violates the schema of `get_validator`; not an error of OCPP."""


class UnknownCallErrorCodeError(Exception):
    """The peer sent a CALLERROR with a code that no class has."""


class _ReceivedFormatError(FormationViolationError):
    code = FormatViolationError.code


class _ReceivedOccurrenceError(OccurenceConstraintViolationError):
    code = OccurrenceConstraintViolationError.code


# `except` asks for the class alone. Both spellings of a code are caught by either class, so the error of the newer
# spelling is an instance of the class of the older one, which is a subclass of the newer.
_ReceivedFormatError.__name__ = FormatViolationError.__name__
_ReceivedOccurrenceError.__name__ = OccurrenceConstraintViolationError.__name__
_RECEIVED: Final[dict[str, type[OCPPError]]] = {
    error.code: error
    for error in (
        FormationViolationError,
        OccurenceConstraintViolationError,
        _ReceivedFormatError,
        _ReceivedOccurrenceError,
    )
}


class ResponseLostError(ConnectionResetError, TimeoutError):
    """The connection ended or was replaced while a call waited for its response.

    A program that expects the timeout of a call catches it as TimeoutError. `__cause__` is what `recv` raised.
    """


def error_class(code: object) -> type[OCPPError] | None:
    """Return the class for a received error code, also one of your own that derives from `OCPPError` directly.

    None if no class has the code.
    """
    if isinstance(code, str) and code in _RECEIVED:
        return _RECEIVED[code]
    return next((error for error in OCPPError.__subclasses__() if getattr(error, "code", None) == code), None)


def cause_of(error: BaseException) -> object:
    """Return the cause in the details of an error, for the log: details may contain payloads. Else the error."""
    if not isinstance(error, OCPPError):
        return error
    return error.details.get("cause", "") if isinstance(error.details, dict) else ""
