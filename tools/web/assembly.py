"""Assembles the charging station's page: its files, Python for the browser, and wheels."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile

from .distribution import PYODIDE, PYODIDE_FILES, build_wheel, kept_wheel, lock_file

__all__ = ["PATIENCE", "POLICY", "Files", "assemble", "write"]

Files: TypeAlias = dict[str, Path | bytes]
"""Files by path."""

PATIENCE: Final = 60.0
"""Seconds without progress until the start of Python fails."""
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; "
    "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy under which the page works."""

_WEB: Final = Path(__file__).parents[2] / "web" / "station"
_STATIC: Final = ("index.html", "style.css", "loader.js", "icon.svg")
_PACKAGE: Final = "station_page"
_FETCHED: Final = (".json", ".wasm", ".whl", ".zip")
"""Files whose bytes the page counts during the start. The browser loads scripts itself."""


def assemble(folder: Path, *, csms: str | None = None, patience: float = PATIENCE) -> Files:
    """Collect the files of the page. The wheels are built in an empty folder.

    `csms` is the address that the form offers at first. Raises RuntimeError if a dependency is not installed.
    """
    kept = kept_wheel("fastjsonschema")
    if kept is None or not PYODIDE.is_dir():
        raise RuntimeError("expected Pyodide from npm and the kept wheel of fastjsonschema: run `make setup`")
    (folder / "built").mkdir()
    wheels = (_page_wheel(folder), build_wheel(folder / "built"), kept)
    files: Files = {
        **{f"/{name}": _WEB / name for name in _STATIC},
        **{f"/pyodide/{name}": PYODIDE / name for name in PYODIDE_FILES},
        **{f"/wheels/{wheel.name}": wheel for wheel in wheels},
        "/pyodide-lock.json": lock_file(*wheels).encode(),
    }
    site = {
        "lock": "pyodide-lock.json",
        "packages": ["station-page"],
        "bytes": sum(_size(content) for name, content in files.items() if name.endswith(_FETCHED)),
        "csms": csms,
        "patience": patience,
    }
    return {**files, "/site.json": json.dumps(site).encode()}


def write(files: Mapping[str, Path | bytes], folder: Path) -> None:
    """Write the files into a folder, for any web server."""
    for name, content in files.items():
        path = folder / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _page_wheel(folder: Path) -> Path:
    """Return a wheel of the page's own modules. It is not published, so it needs no build system."""
    info = f"{_PACKAGE}-1.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {_PACKAGE}\nVersion: 1\n"
    wheel = "Wheel-Version: 1.0\nGenerator: assembly\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    path = folder / f"{_PACKAGE}-1-py3-none-any.whl"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for module in sorted((_WEB / "page").glob("*.py")):
            archive.write(module, f"{_PACKAGE}/{module.name}")
        for name, text in {"METADATA": metadata, "WHEEL": wheel, "RECORD": ""}.items():
            archive.writestr(f"{info}/{name}", text)
    return path
