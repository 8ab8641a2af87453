"""Controls Chromium over its DevTools protocol: pages, keys, viewports, screenshots, console."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from . import browsers

__all__ = ["Chromium", "Tab", "chromium"]

_PATIENCE: Final = 30.0
_PAUSE: Final = 0.01
_PLAIN: Final[dict[str, Any]] = {"max_size": None, "ping_interval": None}
"""The browser is local. Background pings would draw from `random`, which Hypothesis detects."""
_KEYS: Final = {"Enter": (13, "\r"), "Tab": (9, ""), " ": (32, " "), "ArrowRight": (39, ""), "Escape": (27, "")}


class Tab:
    """One page. `complaints` lists its console errors, exceptions and failed requests."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self._has_crashed = False
        self.complaints: list[str] = []
        for domain in ("Inspector", "Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result. Raises RuntimeError if the browser rejects it or has crashed."""
        self._check()
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=_PATIENCE))
            self._note(message)
            self._check()
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result

    def _check(self) -> None:
        if self._has_crashed:
            raise RuntimeError("the page crashed: a fault of the browser")

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Inspector.targetCrashed":
                self._has_crashed = True
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description", details["text"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(
                    " ".join(str(item.get("value", item.get("description"))) for item in params["args"])
                )
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(params["entry"]["text"])

    def go(self, url: str) -> None:
        """Open a page."""
        self.send("Page.navigate", url=url)

    def look(self, expression: str) -> Any:
        """Evaluate JavaScript. Raises RuntimeError if it throws."""
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(f"{expression}: {done['exceptionDetails']['exception']['description']}")
        return done["result"].get("value")

    def text(self, selector: str) -> str:
        """Return the text of an element, or "" if there is none."""
        return str(self.look(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    def wait(self, expression: str, seconds: float = _PATIENCE) -> Any:
        """Wait until a JavaScript expression is true, and return its value. Raises TimeoutError."""
        return self.until(lambda: self.look(expression), expression, seconds)

    def until(self, found: Callable[[], Any], what: str, seconds: float = _PATIENCE) -> Any:
        """Wait until a function returns a true value, and return it. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while not (value := found()):
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come true within {seconds:g} s; complaints: {self.complaints}")
            time.sleep(_PAUSE)
        return value

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key as a keyboard does."""
        code, text = _KEYS[key] if key in _KEYS else (ord(key.upper()), key)
        event = {"key": key, "windowsVirtualKeyCode": code, "text": text, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **event)
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text: str) -> None:
        """Replace the text of the focused field by typing."""
        self.look("document.activeElement.select?.()")
        self.send("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click an element. Raises RuntimeError if there is none."""
        self.look(f"document.querySelector({json.dumps(selector)}).click()")

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the viewport in CSS pixels, and the colour scheme."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.send("Emulation.setScrollbarsHidden", hidden=True)
        wishes = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.send("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, *, whole: bool = False) -> bytes:
        """Return a PNG of the viewport, or of the whole page."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])


class Chromium:
    """A running browser."""

    def __init__(self, port: int, root: ClientConnection) -> None:
        self._port = port
        self._root = root

    @contextmanager
    def tab(self, url: str = "about:blank") -> Iterator[Tab]:
        """Open a tab, and close it at the end."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        with connect(f"ws://127.0.0.1:{self._port}/devtools/page/{target}", **_PLAIN) as socket:
            tab = Tab(socket)
            tab.go(url)
            yield tab
        self._ask("Target.closeTarget", targetId=target)

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._root.send(json.dumps({"id": 1, "method": method, "params": params}))
        while True:
            message: dict[str, Any] = json.loads(self._root.recv(timeout=_PATIENCE))
            if message.get("id") == 1:
                result: dict[str, Any] = message["result"]
                return result


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """Run a controllable Chromium, with its profile in an empty folder."""
    with browsers.running("chromium", "about:blank", folder, "--remote-debugging-port=0") as process:
        port, path = _address(process, folder / "profile" / "DevToolsActivePort")
        with connect(f"ws://127.0.0.1:{port}{path}", **_PLAIN) as root:
            yield Chromium(port, root)


def _address(process: browsers.Browser, file: Path) -> tuple[int, str]:
    """Return the port that the browser chose, and the path of its DevTools."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and not process.has_ended:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        if len(lines) == 2:
            return int(lines[0]), lines[1]
        time.sleep(_PAUSE)
    raise RuntimeError(f"the browser did not start: {process.output[-2000:]}")
