"""Take new screenshots of the charging station's page: `docs/images/station-*.png`."""

import sys
import tempfile
from pathlib import Path

from anyio.from_thread import start_blocking_portal

sys.path.insert(0, str(Path(__file__).parents[1]))

from ocpp_apps.csms import Csms
from tools.web.assembly import POLICY, assemble
from tools.web.devtools import chromium
from tools.web.gallery import ready, set_scene, take
from tools.web.site import Site, serving

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main() -> int:
    """Serve the page, and write the screenshots. Returns the exit status."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as site,
        tempfile.TemporaryDirectory() as profile,
        start_blocking_portal() as portal,
    ):
        csms = Csms()
        with portal.wrap_async_context_manager(csms.server):
            port = portal.call(csms.server.listen, 9000, "127.0.0.1").port
            files = assemble(Path(site), csms=f"ws://127.0.0.1:{port}/ocpp")
            with (
                serving(Site(files, {}, POLICY)) as url,
                chromium(Path(profile)) as browser,
                browser.tab(f"{url}/") as tab,
            ):
                ready(tab)
                set_scene(tab)
                for name, picture in take(tab):
                    (IMAGES / f"{name}.png").write_bytes(picture)
                    print(f"docs/images/{name}.png: {len(picture) // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
