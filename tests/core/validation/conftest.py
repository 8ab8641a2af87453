"""The validators of standard protocols, made once a file."""

import pytest

from ocpp_core.validation import SchemaValidator, load_validator


@pytest.fixture(scope="module")
def v16() -> SchemaValidator:
    return load_validator("ocpp1.6")


@pytest.fixture(scope="module")
def v21() -> SchemaValidator:
    return load_validator("ocpp2.1")
