"""The errors a user meets."""

import builtins

from ocpp_core import errors
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionFailedError,
    ConnectionLostError,
    OCPPError,
    RPCError,
    RPCFormatViolationError,
    RPCGenericTransportError,
    RPCInternalError,
    TimeoutError,
    UnexpectedHttpResponse,
    WebsocketUpgradeError,
    create_rpc_error,
)
from tests.kinds import mistyped
from tests.tables import each

CLASSES = {
    "GenericError": errors.RPCGenericError,
    "NotImplemented": errors.RPCNotImplementedError,
    "NotSupported": errors.RPCNotSupportedError,
    "InternalError": errors.RPCInternalError,
    "ProtocolError": errors.RPCProtocolError,
    "SecurityError": errors.RPCSecurityError,
    "FormationViolation": errors.RPCFormationViolationError,
    "FormatViolation": errors.RPCFormatViolationError,
    "PropertyConstraintViolation": errors.RPCPropertyConstraintViolationError,
    "OccurrenceConstraintViolation": errors.RPCOccurrenceConstraintViolationError,
    "OccurenceConstraintViolation": errors.RPCOccurrenceConstraintViolationError,
    "TypeConstraintViolation": errors.RPCTypeConstraintViolationError,
    "MessageTypeNotSupported": errors.RPCMessageTypeNotSupportedError,
    "RpcFrameworkError": errors.RPCFrameworkError,
}


class TestReceivedErrors:
    @each("code", CLASSES)
    def test_get_the_class_of_their_code_in_any_spelling(self, code):
        error = create_rpc_error(code, "why", {"k": 1}, remote=True)
        assert type(error) is CLASSES[code]
        assert (error.code, error.description, error.details, error.remote) == (code, "why", {"k": 1}, True)

    @each("code", ["VendorError", "", "genericerror"])
    def test_of_unknown_codes_keep_the_code(self, code):
        error = create_rpc_error(code, "why", {"k": 1})
        assert type(error) is RPCError
        assert (error.code, error.description, error.details) == (code, "why", {"k": 1})

    def test_keep_an_empty_description(self):
        assert create_rpc_error("NotImplemented", "").description == ""

    def test_say_code_and_description(self):
        assert str(create_rpc_error("VendorError", "why")) == "VendorError: why"
        assert str(create_rpc_error("VendorError")) == "VendorError"


class TestRaisedErrors:
    @each("cls", dict.fromkeys(CLASSES.values()))
    def test_know_their_code(self, cls):
        error = cls("why", {"k": 1})
        assert CLASSES[error.code] is cls
        assert (error.description, error.details, error.remote) == ("why", {"k": 1}, False)

    def test_have_a_description_that_says_more_than_the_code_where_there_is_one(self):
        assert RPCInternalError().description == "An internal error occurred while the action was processed"

    def test_hold_their_own_copy_of_the_details(self):
        details = {"k": 1}
        error = RPCError("VendorError", "why", details)
        details["k"] = 2
        assert error.details == {"k": 1}

    def test_take_anything_as_description(self):
        """`raise RPCInternalError(cause)` in a handler is a slip that must not cost the answer."""
        assert RPCInternalError(mistyped(KeyError("x"))).description == "'x'"

    def test_without_a_code_are_generic(self):
        assert RPCError().code == "GenericError"


class TestFamilies:
    @each(
        ("error", "family"),
        [
            (TimeoutError("late"), builtins.TimeoutError),
            (ConnectionLostError("gone", sent=True), RPCGenericTransportError),
            (ConnectionFailedError("refused"), ConnectionError),
            (WebsocketUpgradeError("bad key"), ConnectionFailedError),
            (UnexpectedHttpResponse(401), ConnectionFailedError),
            (create_rpc_error("FormationViolation"), RPCFormatViolationError),
            (create_rpc_error("FormatViolation"), errors.RPCFormationViolationError),
        ],
    )
    def test_allow_to_catch_by_what_went_wrong(self, error, family):
        assert isinstance(error, family)

    def test_have_one_base(self):
        public = [getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)]
        assert all(issubclass(cls, OCPPError) for cls in public)

    @each("sent", [True, False])
    def test_tell_whether_the_peer_may_have_acted(self, sent):
        kinds = ConnectionLostError, ClosedError, CallCancelledError, TimeoutError
        assert {kind("x", sent=sent).sent for kind in kinds} == {sent}

    def test_a_lost_connection_does_not_read_like_an_answer(self):
        assert str(ConnectionLostError("not connected", sent=False)) == "not connected"

    def test_a_dropped_call_was_never_sent(self):
        assert CallDroppedError("full").sent is False

    def test_an_unexpected_response_has_status_and_headers(self):
        error = UnexpectedHttpResponse(503, (("retry-after", "5"),))
        assert (error.status, error.headers, str(error)) == (
            503,
            (("retry-after", "5"),),
            "the server refused the WebSocket: expected HTTP status 101, got 503",
        )
