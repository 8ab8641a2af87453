"""Quirks: payloads and texts that break the rules, beside every profile of the library, and files of profiles."""

import json
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

from ocpp_core._json import loads
from ocpp_core.tolerance.profiles import QuirkProfile, StationFacts, StationMatch
from ocpp_core.tolerance.reading import read_profiles
from ocpp_core.tolerance.sources import COLLECTIONS, shipped_profiles
from ocpp_core.tolerance.station import QuirkBook, StationQuirks
from ocpp_core.tolerance.texts import REPAIRS
from ocpp_core.validation import load_validator
from tests.broken_frames import CORPUS
from tests.fuzz.choices import Choices, changed
from tests.fuzz.payloads import PROTOCOLS, known_payloads
from tests.fuzz.target import Target

__all__ = ["TARGETS", "tolerant"]


@cache
def _profiles() -> tuple[QuirkProfile, ...]:
    """Return every profile of the library, each for all stations."""
    return tuple(replace(each, match=StationMatch()) for name in COLLECTIONS for each in shipped_profiles(name))


def tolerant(choices: Choices) -> StationQuirks:
    """Return the quirks of a station that has those of all profiles, or of one."""
    profiles = _profiles() if choices.flag() else (choices.pick(_profiles()),)
    return StationQuirks(QuirkBook(profiles), StationFacts())


@cache
def _validator(protocol: str) -> Any:
    return load_validator(protocol)


def forgive_payloads(protocol: str, data: bytes) -> None:
    """A payload is mended, or stays refused, and is never changed; what is mended needs no further repair."""
    choices = Choices(data)
    known, validator = known_payloads(protocol), _validator(protocol)
    action = choices.pick(tuple(known))
    kind: Any = choices.pick(tuple(known[action]))
    quirks = tolerant(choices)
    payload = changed(choices, changed(choices, known[action][kind]))
    if getattr(validator, f"check_{kind}")(action, payload) is None:
        return
    before = json.dumps(payload)
    mended = quirks.mend(validator, kind, action, payload)
    assert json.dumps(payload) == before
    if mended is not None:
        json.dumps(mended.content)
        assert all(each.profile and each.quirk for each in mended.news)
        again = quirks.mend(validator, kind, action, mended.content)
        assert again is None or again.content == mended.content


def repair_texts(data: bytes) -> None:
    """A repair returns a text, and leaves valid JSON as it is."""
    choices = Choices(data)
    quirks = tolerant(choices)
    text = choices.rest().decode(errors="surrogateescape")
    mended = quirks.mend_text(text)
    assert mended is None or isinstance(mended.content, str)
    is_valid = _is_json(text)
    for repair in REPAIRS.values():
        repaired = repair(text)
        assert not is_valid or repaired == text
        assert repair(repaired) == repaired


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_files(data: bytes) -> None:
    """A file of profiles is read, or refused with one kind of error."""
    with suppress(ValueError):
        read_profiles(data.decode(errors="replace"))


def _tables() -> list[bytes]:
    texts = [files("ocpp_core.tolerance").joinpath(f"{name}.toml").read_bytes() for name in COLLECTIONS]
    return [b"[[profiles]]\n" + table for text in texts for table in text.split(b"[[profiles]]\n")[1:]]


_CORPUS: Final = [bytes([at, move, 1, 1, *range(move, 40)]) for at in range(0, 180, 3) for move in (0, 1)]

TARGETS: Final = {
    **{f"quirks-of-{protocol}": Target(partial(forgive_payloads, protocol), _CORPUS) for protocol in PROTOCOLS},
    "quirks-of-texts": Target(repair_texts, [b"\x01" + text.encode(errors="surrogateescape") for text in CORPUS]),
    "quirk-files": Target(read_files, _tables()),
}
