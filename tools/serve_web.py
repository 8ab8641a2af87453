"""Serve the charging station's page and a central system for it, both on loopback only.

`--write FOLDER` writes the page instead, for another web server.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio
from anyio import to_thread

sys.path.insert(0, str(Path(__file__).parents[1]))

from ocpp_apps.command_line import print_any_text
from ocpp_apps.csms import HELP, Console, Csms
from tools.web.assembly import POLICY, assemble, write
from tools.web.site import Site, serving


def main(arguments: Sequence[str]) -> int:
    """Serve until interrupted, or until `quit`. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the page (8000)")
    parser.add_argument("--csms-port", type=int, default=9000, help="port of the central system (9000)")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the page into a folder and end")
    options = parser.parse_args(arguments)
    print_any_text()
    try:
        with tempfile.TemporaryDirectory() as folder:
            if options.write:
                write(assemble(Path(folder)), options.write)
            else:
                anyio.run(_serve, Path(folder), options.port, options.csms_port)
    except (OSError, RuntimeError) as error:
        print(f"cannot serve the page: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass  # the user ends the program
    return 0


async def _serve(folder: Path, port: int, csms_port: int) -> None:
    csms = Csms()
    console = Console(csms)
    async with csms.server:
        listener = await csms.server.listen(csms_port, "127.0.0.1")
        address = f"ws://127.0.0.1:{listener.port}/ocpp"
        files = await to_thread.run_sync(lambda: assemble(folder, csms=address))
        with serving(Site(dict(files), {}, POLICY), port) as url:
            print(f"The station:        {url}/\nThe central system: {address}\n", flush=True)
            await (_prompt(console) if sys.stdin.isatty() else anyio.sleep_forever())


async def _prompt(console: Console) -> None:
    """Run commands from standard input until `quit` or its end."""
    print(f"Commands:\n{HELP}\n")
    while True:
        line = await to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        if not line or line.strip() == "quit":
            return
        if line.strip():
            print(await console.command(line))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
