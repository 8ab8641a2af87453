"""Runs mypyc and the C compiler."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import setuptools
from mypyc.build import mypycify

from .copies import copy_sources, path_of

__all__ = ["build"]

ROOT: Final = Path(__file__).resolve().parents[2]
_SETTINGS: Final = """\
[mypy]
follow_imports = silent
ignore_missing_imports = true
explicit_package_bases = true
cache_dir = {cache}
"""


def build(folder: Path, modules: Sequence[str], *, optimization: int) -> Path:
    """Compile modules below `folder`, and return the folder of the extension modules.

    Args:
        folder: A folder for the copies, the C code and the results.
        modules: The names of the modules.
        optimization: The level of the C compiler, 0 to 3.
    """
    folder = folder.resolve()
    sources, cache = folder / "sources", folder / "cache"
    for old in ("sources", "c", "objects", "lib"):  # the cache of mypy is kept
        shutil.rmtree(folder / old, ignore_errors=True)
    sources.mkdir(parents=True)
    copy_sources(ROOT, sources, modules)
    settings = folder / "mypy.ini"
    settings.write_text(_SETTINGS.format(cache=cache), encoding="utf-8")
    os.chdir(sources)  # mypyc names modules by their paths from here
    arguments = [str(path_of(module)) for module in modules]
    extensions = mypycify(
        ["--config-file", str(settings), *arguments],
        opt_level=str(optimization),
        debug_level="0",
        group_name="ocpp_ws_io",
        target_dir=str(folder / "c"),
    )
    for extension in extensions if os.name == "posix" else ():
        extension.extra_compile_args.append("-Wno-all")  # warnings about generated code take gcc half of its time
    distribution = setuptools.Distribution({"name": "ocpp", "ext_modules": extensions})
    command = distribution.get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "objects")
    command.parallel = os.cpu_count()
    distribution.run_command("build_ext")
    return folder / "lib"
