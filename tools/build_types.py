"""Generate the typed messages of each OCPP version from the schema bundles.

    python tools/build_types.py           write `ocpp_core/v16`, `ocpp_core/v201` and `ocpp_core/v21`
    python tools/build_types.py --check   write nothing; exit 1 if a file differs

`schemas/README.md` describes the bundles. `tools/typed/facts.py` adds what they do not state.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # a script has its own folder in the path instead
    sys.path.insert(0, str(ROOT))

from tools.typed.bundle import read_version  # noqa: E402 - needs the line above
from tools.typed.facts import VERSIONS  # noqa: E402
from tools.typed.messages import message_module  # noqa: E402
from tools.typed.models import model_module  # noqa: E402


def files() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file."""
    for protocol, facts in VERSIONS.items():
        version = read_version(protocol)
        yield f"ocpp_core/{facts.module}/__init__.py", message_module(version)
        yield f"ocpp_core/{facts.module}/models.py", model_module(version)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the files below `root`, or compare them. Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    check: bool = parser.parse_args(arguments).check
    stale = []
    for path, text in files():
        target = root / path
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8", newline="\n")
    if stale:
        sys.stdout.write(f"{'differs' if check else 'written'}: {', '.join(stale)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
