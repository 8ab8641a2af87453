"""What the log shows of a message: no secrets, and no more of it than a peer may make the library search."""

import json

import pytest

from ocpp_transports.compat._handling._shown import Shown
from ocpp_transports.compat.messages import unpack

SECRET = [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "secret"}]
LARGE = [2, "1", "DataTransfer", {"idTag": "secret", "data": "x" * 100_000}]


@pytest.mark.parametrize("shown", [json.dumps(SECRET), json.dumps(SECRET).encode(), unpack(json.dumps(SECRET))])
def test_secrets_are_hidden(shown) -> None:
    assert "ChangeConfiguration" in str(Shown(shown))
    assert "secret" not in str(Shown(shown))


@pytest.mark.parametrize("shown", [json.dumps(LARGE), unpack(json.dumps(LARGE))])
def test_of_a_large_message_the_beginning_is_shown_and_its_length(shown) -> None:
    text = str(Shown(shown))
    assert "DataTransfer" in text
    assert "secret" not in text
    assert len(text) < 70_000
    assert text.endswith(" characters)")
