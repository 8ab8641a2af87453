"""Build the documentation site into build/site: pages, llms.txt, llms-full.txt and api.txt. `make site` runs it.

python tools/build_site.py            prepare the pages and build the site, strictly
python tools/build_site.py --pages    only prepare the pages, in build/pages
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # a script has its own folder in the path instead
    sys.path.insert(0, str(ROOT))

from tools.documentation.links import linked_page  # noqa: E402 - needs the line above
from tools.documentation.machine_text import texts  # noqa: E402 - needs the line above
from tools.documentation.pages import assets, pages  # noqa: E402

PAGES: Final = ROOT / "build/pages"
SITE: Final = ROOT / "build/site"


def prepare() -> None:
    """Write the pages, and the files that lie beside them, for zensical."""
    shutil.rmtree(PAGES, ignore_errors=True)
    made = pages()
    for name, text in made.items():
        write(PAGES / name, linked_page(text) if name.startswith("reference/") else text)
    for name, text in texts(made).items():
        write(PAGES / name, text)
    for path in assets():
        copy = PAGES / path.relative_to(ROOT / "docs")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def write(path: Path, text: str) -> None:
    """Write a file, and its folder if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the pages and run zensical. Returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", action="store_true", help="only prepare the pages")
    only_pages = parser.parse_args(arguments).pages
    prepare()
    if only_pages:
        return 0
    shutil.rmtree(SITE, ignore_errors=True)
    built = subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=ROOT, check=False)
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
