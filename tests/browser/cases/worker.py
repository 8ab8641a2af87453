"""A dedicated worker: where a station goes whose timers have to keep their time while the tab is hidden."""

import asyncio

import js
from lab import limited_to
from pyodide.ffi import create_proxy, to_js

STATION = """
from ocpp_transports.browser import BrowserOCPPClient

client = BrowserOCPPClient("{identity}", "{endpoint}", protocols=["ocpp1.6"])
client.handle("Reset", lambda context: {{"status": "Accepted"}})
said = [await client.connect()]
answer = await client.call("BootNotification", {{"chargePointVendor": "Acme", "chargePointModel": "One"}})
said.append(answer["status"])
said.append(str((await client.close(1001, "enough")).code))
" ".join(said)
"""


class TestInAWorker:
    @limited_to(30)
    async def test_a_station_runs_as_in_a_page(self, lab):
        identity, answered = lab.identity(), asyncio.get_running_loop().create_future()
        options = to_js({"type": "module"}, dict_converter=js.Object.fromEntries)
        worker = js.Worker.new("/worker.mjs", options)
        listener = create_proxy(lambda event: answered.set_result(event.data))
        worker.addEventListener("message", listener)
        try:
            worker.postMessage(STATION.format(identity=identity, endpoint=lab.csms))
            assert await answered == "ocpp1.6 Accepted 4001"
        finally:
            worker.terminate()
            worker.removeEventListener("message", listener)
            listener.destroy()
        assert await lab.ask("central.end", identity) == [4001, "enough"]
