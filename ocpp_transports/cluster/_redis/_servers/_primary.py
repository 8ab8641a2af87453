"""Asks Sentinel which server is the primary."""

from typing import Any, Final

from ocpp_transports.cluster._redis._errors import NoServerError, reason
from ocpp_transports.cluster._redis._settings import RedisSettings

from ._client import open_client
from ._url import RedisAddress

__all__ = ["check_primary", "primary_of"]

_PART: Final = 4
"""A Sentinel may take this part of the timeout to connect and to answer: others may know the primary."""


async def primary_of(settings: RedisSettings, timeout: float) -> RedisAddress:
    """Return the address of the primary, from the first Sentinel that answers.

    Raises:
        NoServerError: No Sentinel answered, or none knows the service.
    """
    failure = NoServerError("there is no Sentinel")
    for sentinel in settings.where.addresses:
        try:
            return await _ask(settings, sentinel, timeout / _PART)
        except NoServerError as error:
            failure = error
        except Exception as error:  # also groups of them, from the tasks of coredis
            failure = NoServerError(f"the Sentinel at {sentinel}: {reason(error)}")
    raise failure


async def _ask(settings: RedisSettings, sentinel: RedisAddress, timeout: float) -> RedisAddress:
    service = settings.where.service
    async with open_client(settings, sentinel, settings.sentinel_credentials, timeout) as client:
        found = await client.sentinel_get_master_addr_by_name(service)
    if found is None:
        raise NoServerError(f"the Sentinel at {sentinel} knows no service {service!r}")
    return RedisAddress(*found)


async def check_primary(client: Any) -> None:
    """Raise NoServerError if a server is a replica: a Sentinel may name the old primary for some time."""
    if (await client.role()).role != "master":
        raise NoServerError("the primary that Sentinel names is a replica")
