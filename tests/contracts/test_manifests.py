"""The manifests and units of the guides can be parsed, and agree with the program beside them and its defaults."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from ocpp_transports._options._server import ServerOptions

PAGE = (Path(__file__).parents[2] / "docs/cluster-deploy.md").read_text(encoding="utf-8")
CLOSING = 20 + ServerOptions.drain_timeout + ServerOptions.close_timeout
"""Seconds that the program of the page may take to close, with its `close_window` of 20 s."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def documents() -> list[str]:
    return [each for block in blocks("yaml") for each in block.split("---\n")]


@pytest.mark.parametrize("document", documents())
def test_every_manifest_has_the_structure_of_yaml(document: str) -> None:
    """A line is a key, with or without a value, or an item; deeper lines follow only a line that opens a block."""
    first, *_ = lines = [line for line in document.splitlines() if line.strip()]
    before = len(first) - len(first.lstrip())
    opens = True
    for line in lines:
        matched = re.fullmatch(r"( *)((?:- )?)(?:([\w.-]+):(?: (\S.*))?|(\{.*\}))", line)
        assert matched, line
        indent, item, key, value, flow = matched.groups()
        assert len(indent) % 2 == 0, line
        assert len(indent) <= before or opens, f"deeper without a reason: {line}"
        for text in (value or "", flow or ""):
            assert all(text.count(a) == text.count(b) for a, b in ("{}", "[]")), line
        before, opens = len(indent) + len(item), (key is not None and value is None) or bool(item)


@pytest.mark.parametrize("document", documents())
def test_every_manifest_is_yaml(document: str) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; the structure is checked above")
    assert isinstance(yaml.safe_load(document), dict)


def test_whole_manifests_name_their_kind() -> None:
    kinds = re.findall(r"^kind: (\w+)$", "\n".join(blocks("yaml")), re.MULTILINE)
    assert kinds == ["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"]


def test_the_pod_has_the_time_to_close() -> None:
    (grace,) = re.findall(r"terminationGracePeriodSeconds: (\d+)", PAGE)
    (wait,) = re.findall(r'command: \["sleep", "(\d+)"\]', PAGE)
    assert int(grace) > int(wait) + CLOSING


def test_the_unit_has_the_time_to_close() -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read_string(blocks("ini")[0])
    assert unit.sections() == ["Unit", "Service", "Install"]
    assert unit.getint("Service", "TimeoutStopSec") > CLOSING
