"""An outbound call as the application made it, and the forms of its arguments."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from ocpp_core.action_names import Role
from ocpp_core.inputs import StartCall
from ocpp_core.typed.model import ResponseModel

from ._call_options import DEFAULTS, CallOptions, read_options
from ._directions import expect_sent
from ._objects import read_object

__all__ = ["CallRequest", "read_request"]


class CallRequest(NamedTuple):
    """A call as the application made it: `protocol` is None unless the call is for that version only."""

    protocol: str | None
    action: str
    params: Mapping[str, Any]
    options: CallOptions
    urgent: bool = False
    response: type[ResponseModel[Any]] | None = None
    """The model of the response, if the request was one."""

    def command(self, token: int) -> StartCall:
        """Return the engine's command for one attempt."""
        options = self.options
        return StartCall(
            token,
            self.action,
            self.params,
            timeout=options.timeout,
            ttl=options.ttl,
            message_id=options.message_id,
            validate=options.validate,
            protocol=self.protocol,
            urgent=self.urgent,
        )

    def expect_sent(self, role: Role, spoken: Collection[str]) -> None:
        """Raise ValueError if only the peer of `role` sends the action in these subprotocols."""
        if not self.options.custom:
            expect_sent(role, self.action, spoken if self.protocol is None else (self.protocol,))


def read_request(args: tuple[Any, ...], options: Mapping[str, Any], *, urgent: bool = False) -> CallRequest:
    """Read `(message)`, `(request model)`, `(action[, params])` or `(protocol, action[, params])`, and the options.

    Raises TypeError for anything else, and the errors of `CallOptions`.
    """
    params: Any = args[-1] if args else None
    names, params = (args[:-1], params) if isinstance(params, Mapping) else (args, {})
    response = None
    if not (0 < len(names) < 3 and isinstance(names[0], str) and isinstance(names[-1], str) and all(names)):
        names, params, response = read_object(args)
    protocol = names[0] if len(names) == 2 else None
    return CallRequest(protocol, names[-1], params, read_options(options) if options else DEFAULTS, urgent, response)
