"""Compiles the checks of strict mode without blocking the event loop."""

import anyio

from ocpp_core.config import is_checking, rules_in

from ._socket import SocketOptions

__all__ = ["warm_up_in_thread"]


async def warm_up_in_thread(options: SocketOptions) -> None:
    """Compile the checks of these options in a worker thread; checks compiled already take no time."""
    if options.warm_up and options.validators:
        await anyio.to_thread.run_sync(_compile, options, abandon_on_cancel=True)


def _compile(options: SocketOptions) -> None:
    for protocol, validator in options.validators.items():
        rules = rules_in(protocol, options.validation_rules)
        validator.warm_up([action for action in validator.actions if is_checking(rules, action)])
