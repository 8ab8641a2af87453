"""The schemas by which messages are checked: those of the OCA, as far as the package `ocpp` has not changed them.

Programs and stations rely on its changes: it accepts the unit Hertz in MeterValues of OCPP 1.6, requires a value there,
and permits longer certificates in OCPP 2.0.1.
"""

from copy import deepcopy
from typing import Any, Final

from ocpp_core.config import Kind
from ocpp_core.validation import SchemaValidator, load_validator

__all__ = ["load_rules"]

_KINDS: Final[tuple[Kind, ...]] = ("call", "result")


def load_rules(protocol: str) -> SchemaValidator:
    """Return the validator of a protocol; it does not check the formats of date-times and URIs."""
    validator = load_validator(protocol, formats=False)
    if protocol == "ocpp1.6":
        schemas = _schemas_of(validator, "MeterValues")
        values = schemas["call"]["properties"]["meterValue"]
        samples = values["items"]["properties"]["sampledValue"]
        values["minItems"] = samples["minItems"] = 1
        samples["items"]["properties"]["unit"]["enum"].append("Hertz")
        return validator.extend({"MeterValues": schemas})
    if protocol == "ocpp2.0.1":
        schemas = _schemas_of(validator, "Get15118EVCertificate")
        schemas["result"]["properties"]["exiResponse"]["maxLength"] = 7500
        return validator.extend({"Get15118EVCertificate": schemas})
    return validator


def _schemas_of(validator: SchemaValidator, action: str) -> dict[str, Any]:
    return {kind: deepcopy(validator.schema(kind, action)) for kind in _KINDS}
