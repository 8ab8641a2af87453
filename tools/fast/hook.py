"""Build hook that adds the compiled modules to the wheel, if the environment asks for them.

Without `OCPP_WS_IO_COMPILED=1` it does nothing, and the wheel is the one for all platforms.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["Compiled"]

_REQUIRED = ["mypy>=2.4,<2.5", "setuptools>=65"]
"""What compiles; the requirement of mypy is that of the group `dev`."""


class Compiled(BuildHookInterface[Any]):
    """The hook that hatchling calls, see `[tool.hatch.build.targets.wheel.hooks.custom]`."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what an isolated build installs first."""
        return _REQUIRED if _is_asked_for() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add the extension modules beside the sources; an editable installation gets none."""
        if not _is_asked_for() or version == "editable":
            return
        folder = Path(self.root, "build", "fast", sys.implementation.cache_tag or "unknown", "compiled")
        optimization = os.environ.get("OCPP_WS_IO_OPTIMIZATION", "3")
        command = (sys.executable, "-m", "tools.fast", folder, "--optimization", optimization)
        subprocess.run(command, cwd=self.root, check=True, stdout=sys.stderr)
        library = folder / "lib"
        extensions = [path for path in library.rglob("*") if path.is_file()]
        build_data["force_include"].update({str(path): str(path.relative_to(library)) for path in extensions})
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _is_asked_for() -> bool:
    return os.environ.get("OCPP_WS_IO_COMPILED", "") == "1"
