"""All limits of a server that admission enforces: places, rates, and the lag of the event loop."""

from collections.abc import Callable

from ocpp_core.admission.step import Step
from ocpp_core.limits import SharedBuckets
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._server._stations._registry import ConnectionRegistry

from ._address_rate import AddressRate
from ._places import Places
from ._rates import HandshakeRates
from ._shedding import Shedding

__all__ = ["Limits"]


class Limits:
    """The counters of a server, which outlive a change of its options; `make_rates` makes those of handshakes."""

    def __init__(
        self,
        runtime: SocketRuntime,
        registry: ConnectionRegistry,
        make_rates: Callable[[float, float], SharedBuckets] = SharedBuckets,
    ) -> None:
        self.places: Places = Places(registry)
        """Handshakes that wait, and connected stations."""
        self.shedding: Shedding = Shedding(runtime)
        """Refuses newcomers while the event loop is late."""
        self._rates = HandshakeRates(runtime.now, make_rates)
        self.address_rate: AddressRate | None = None
        """The buckets that the connections of one address share; None without `address_rate`."""

    def set_options(self, options: ServerOptions) -> None:
        """Use the rate of an address from now on."""
        self.address_rate = AddressRate.of(options.address_rate, options.address_burst, self.address_rate)

    def before(self, options: ServerOptions, *, asks: bool) -> tuple[Step, ...]:
        """Use these limits from now on; return the first steps of a handshake.

        `asks` is True if a handshake may have to wait for the application.
        """
        return (
            *self.shedding.limit_to(options.lag_limit),
            *self.places.before(options, asks=asks),
            *self._rates.before(options),
        )
