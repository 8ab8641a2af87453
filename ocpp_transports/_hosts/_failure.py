"""One error for all reasons why an attempt to connect fails."""

from ocpp_core.errors import ConnectionFailedError

__all__ = ["failure"]


def failure(error: BaseException, target: str = "the server", reason: str | None = None) -> ConnectionFailedError:
    """Return the error that reports a failed attempt, chained to its cause.

    `reason` replaces the text of the cause if it says more. A ConnectionFailedError is returned unchanged.
    """
    if isinstance(error, ConnectionFailedError):
        return error
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error  # anyio wraps the error with the reason
    said = reason or str(cause) or "the connection broke"  # a reset during a TLS handshake has no text
    failed = ConnectionFailedError(f"no connection to {target}: {said}")
    failed.__cause__ = error
    return failed
