"""The page about browsers: what it shows works as it stands, but for the address."""

import re
from pathlib import Path
from typing import Any

from pyodide.code import eval_code_async

SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class TestTheSnippetsOfThePage:
    async def test_run(self, lab):
        (snippet,) = SNIPPET.findall(Path("/page/browser.md").read_text(encoding="utf-8"))  # noqa: ASYNC240 - a file in the memory of the page
        shown = []
        names: dict[str, Any] = {"print": lambda *what: shown.append(what)}
        assert snippet.count('"ws://127.0.0.1:9000/ocpp"') == snippet.count('"CP1"') == 1
        await eval_code_async(snippet.replace("ws://127.0.0.1:9000", lab.csms).replace("CP1", lab.identity()), names)
        client = names["client"]
        try:
            assert shown[0] == ("ocpp1.6",)
            assert shown[1][0]["status"] == "Accepted"
            answer = await lab.ask("central.call", client.identity, "UnlockConnector", {"connectorId": 1})
            assert answer == {"payload": {"status": "Unlocked"}}
        finally:
            await client.close()
