"""The Markdown files below `docs/`."""

from pathlib import Path
from typing import Final

__all__ = ["ROOT", "source_pages"]

ROOT: Final = Path(__file__).resolve().parents[2]


def source_pages() -> list[str]:
    """Return the paths of all Markdown files below `docs/`, relative to it."""
    return sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
