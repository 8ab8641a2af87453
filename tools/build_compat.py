"""Generate the payload classes of `ocpp_transports.compat` from the schema bundles and tables of facts.

    python tools/build_compat.py           write ocpp_transports/compat/v16, v201 and v21
    python tools/build_compat.py --check   write nothing; exit 1 if a module differs

`tools/compat/facts.py` states the rules, and the tables beside it what deviates from them.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # a script has its own folder in the path instead
    sys.path.insert(0, str(ROOT))

from tools.compat.facts import PROTOCOLS, Version  # noqa: E402 - needs the line above
from tools.compat.render import modules  # noqa: E402

OUTPUT: Final = ROOT / "ocpp_transports" / "compat"


def build() -> Iterator[tuple[Path, str]]:
    """Yield path and text of each generated module."""
    for folder in PROTOCOLS:
        for name, text in modules(Version(folder)):
            yield OUTPUT / folder / f"{name}.py", text


def main() -> int:
    """Write the modules, or compare them with `--check`. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Generate the payload classes of ocpp_transports.compat.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a module differs")
    check: bool = parser.parse_args().check
    stale = []
    for path, text in build():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="\n")
    if stale:
        sys.stdout.write(f"{'differs' if check else 'written'}: {', '.join(stale)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
