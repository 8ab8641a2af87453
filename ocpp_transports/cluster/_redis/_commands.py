"""Commands as values, so that one task writes those of many callers in one pipeline."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from coredis.exceptions import ConnectionError, NoScriptError
from coredis.patterns.pipeline import Pipeline

from ocpp_core._dataclasses import dataclass

from ._scripts import Script

__all__ = ["Command", "PlainCommand", "Reply", "ScriptCall", "execute"]

Reply: TypeAlias = Any
"""What coredis returns for a command, or the exception for an error that Redis answered."""

_Append: TypeAlias = Callable[[Pipeline[bytes]], object]


@dataclass(frozen=True, slots=True)
class PlainCommand:
    """A command about one key, and the function that appends it to a pipeline."""

    key: str
    append: _Append


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A script with its keys, which are in one slot, and its arguments."""

    script: Script
    keys: tuple[str | bytes, ...]
    arguments: tuple[str | bytes | int, ...]

    @property
    def key(self) -> str:
        """The key that it is about."""
        return str(self.keys[0])

    def append(self, pipe: Pipeline[bytes]) -> None:
        """Append it by its digest; Redis refuses it if it does not know the script."""
        pipe.evalsha(self.script.sha, keys=self.keys, args=self.arguments)

    def append_text(self, pipe: Pipeline[bytes]) -> None:
        """Append it with the text of the script, which Redis then knows."""
        pipe.eval(self.script.text, keys=self.keys, args=self.arguments)


Command: TypeAlias = PlainCommand | ScriptCall


async def execute(pipe: Callable[[], Pipeline[bytes]], commands: Sequence[Command]) -> list[Reply]:
    """Execute commands in one pipeline, and in a second one the scripts that Redis did not know.

    A script that Redis does not know was not executed, so it is never executed twice. Raises what coredis raises if
    there is no answer.
    """
    replies = await _execute(pipe, [each.append for each in commands])
    unknown = [
        (at, each)
        for at, (each, reply) in enumerate(zip(commands, replies, strict=True))
        if isinstance(each, ScriptCall) and isinstance(reply, NoScriptError)
    ]
    if unknown:
        again = await _execute(pipe, [each.append_text for _, each in unknown])
        for (at, _), reply in zip(unknown, again, strict=True):
            replies[at] = reply
    return replies


async def _execute(pipe: Callable[[], Pipeline[bytes]], appending: Sequence[_Append]) -> list[Reply]:
    async with pipe() as pipeline:
        for append in appending:
            append(pipeline)
    replies = list(pipeline.results or ())
    for reply in replies:
        if isinstance(reply, (TimeoutError, ConnectionError)):  # coredis does not raise them: no one answered
            raise reply
    return replies
