"""The schema bundles of the standard protocols."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, TypeAlias

__all__ = ["BUNDLED", "Schema", "read_bundle"]

Schema: TypeAlias = dict[str, Any]

BUNDLED: Final = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
"""The subprotocols that have a bundle."""


def read_bundle(protocol: str, package: Traversable | None = None) -> Schema:
    """Return the bundle of a protocol.

    It has `protocol`, `actions` (action -> kind -> schema) and their shared `definitions`. It is searched inside the
    package (wheel, zip) and then next to it (editable install, source tree). `package` defaults to the installed
    `ocpp_core`. Raises FileNotFoundError, which names both paths.
    """
    package = files("ocpp_core") if package is None else package
    places = [package.joinpath("schemas", f"{protocol}.json"), package.joinpath("..", "schemas", f"{protocol}.json")]
    for place in places:
        if place.is_file():
            bundle: Schema = json.loads(place.read_text(encoding="utf-8"))
            return bundle
    raise FileNotFoundError(f"expected the schema bundle of {protocol} as {places[0]} or {places[1]}, got neither")
