"""Compiles the checks of strict mode without blocking the event loop."""

from anyio import to_thread

from ._socket import SocketOptions

__all__ = ["warm_up_in_thread"]


async def warm_up_in_thread(options: SocketOptions) -> None:
    """Compile the checks of these options in a worker thread; checks compiled already take no time."""
    if options.warm_up and options.validators:
        await to_thread.run_sync(_compile, options, abandon_on_cancel=True)


def _compile(options: SocketOptions) -> None:
    methods = options.strict_mode_methods
    for validator in options.validators.values():
        validator.warm_up(None if methods is None else [action for action in methods if validator.has(action)])
