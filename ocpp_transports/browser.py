"""The client in a browser: a charging station in a page or worker, under Pyodide.

It uses the browser's own WebSocket.
"""

from collections.abc import Sequence
from typing import Unpack

from ocpp_core.client import ClientEngine
from ocpp_core.inputs import ClientInput, TransportFailed

from ._browser._javascript import JsPage
from ._browser._runtime import BrowserRuntime
from ._browser._socket import BrowserSocket
from ._driver._driver import Driver
from ._driver._interfaces import InputSink, MessageInput, Runtime
from ._options._browser import BrowserOptions
from ._options._connection import BUNDLED_PROTOCOLS
from ._options._keywords import BrowserChanges, BrowserKeywords
from ._peer._client import ClientCommand, ClientPeer

__all__ = ["BrowserOCPPClient"]


class BrowserOCPPClient(ClientPeer):
    """A charging station in a browser, with the methods, events and errors of `OCPPClient`.

        client = BrowserOCPPClient("CP1", "wss://csms.example/ocpp", protocols=["ocpp1.6"])
        await client.connect()
        await client.call("Heartbeat", {})

    A page cannot set headers, hold certificates or send pings: `headers`, `tls`, `security_profile` and the options of
    pings, compression and message size are missing. There are these differences:

    * `password` goes into the URL, as user information. Browsers send it only when the server asks for it with a 401
      and `WWW-Authenticate: Basic` (RFC 9110 §15.5.2), as `OCPPServer` does, and may keep it for that origin.
    * A page does not learn why a connection failed: the error is a plain `ConnectionFailedError`.
    * A page may close with 1000 and 3000 to 4999 only. Any other code is sent, and reported, with 3000 added.
    * `close(force=True)` leaves the socket to the browser, ignores its further events, and reports 1006.
    * `offline_queue` is a bool or a `MemoryStore`: a page keeps the messages of `enqueue` in memory.
    * In strict mode each check is compiled when it is first needed: a page has no thread to do it ahead.
    * `connect` raises RuntimeError outside a browser.

    Args:
        identity: The identity of the station, the last segment of the URL.
        endpoint: The URL of the central system, `ws://` or `wss://`, without the identity.
        protocols: The subprotocols, in order of preference; by default all that are bundled, newest first.

    Raises:
        ValueError: An option has a value that is not allowed.
        TypeError: An option has the wrong type.
    """

    _options: BrowserOptions

    def __init__(
        self,
        identity: str,
        endpoint: str,
        *,
        protocols: Sequence[str] = BUNDLED_PROTOCOLS,
        **options: Unpack[BrowserKeywords],
    ) -> None:
        super().__init__(identity, BrowserOptions.read(identity, endpoint, protocols, options))

    def reconfigure(self, **options: Unpack[BrowserChanges]) -> None:
        """Change options: those of calls at once, those of connecting at the next attempt.

        Raises the same errors as the constructor, and then changes nothing.
        """
        self._reconnect_by(self._options.changed(options))

    # For the base class

    def _start_engine(
        self, *, in_block: bool
    ) -> tuple[Runtime, ClientEngine, Driver[ClientCommand]]:  # asyncio needs no block
        page, runtime = JsPage(self._log.failed), BrowserRuntime(self._log)
        engine = self._make_message_engine(runtime.sources)

        def dial(
            driver: InputSink[MessageInput | TransportFailed], attempt: int, subprotocols: Sequence[str]
        ) -> BrowserSocket:
            return BrowserSocket(driver, attempt, runtime, self._options).dial(page, subprotocols)

        driver: Driver[ClientInput] = Driver(engine, runtime, self._delegate, dialer=dial)
        return runtime, engine, driver
