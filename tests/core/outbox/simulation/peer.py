"""A central system that refuses, ignores, delays, doubles, hangs up, and kills stations."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, TypeAlias

from .scenario import Scenario
from .timeline import Timeline

Answer: TypeAlias = tuple[str, str]
"""The kind, `result` or `error`, and the payload or code."""


class Peer:
    def __init__(self, timeline: Timeline, scenario: Scenario) -> None:
        self.is_calm = False
        """True to answer every message that it does not refuse on principle."""
        self.handled: Counter[int] = Counter()
        """How often each message was handled, by the number in its payload."""
        self.answers: dict[int, list[str]] = defaultdict(list)
        """The payloads of the responses to each message."""
        self.hang_up: Callable[[], None] = lambda: None
        self.kill: Callable[[], None] = lambda: None
        self._timeline = timeline
        self._scenario = scenario
        self._memory: dict[str, Answer] = {}
        self._transactions = 0

    def receive(self, message_id: str, payload: dict[str, Any], reply: Callable[[str, Answer], None]) -> None:
        random = self._timeline.random
        answer = self._memory.get(message_id)
        if answer is None:
            answer = self._decide(payload)
            if answer is None:
                return
            if self._scenario.remembers and answer[0] == "result":
                self._memory[message_id] = answer
        if not self.is_calm and random.random() < self._scenario.ignores:
            return
        delay = 0.0 if self.is_calm or random.random() >= self._scenario.delays else 2 * self._scenario.timeout
        for _ in range(2 if random.random() < self._scenario.doubles else 1):
            self._timeline.at(self._timeline.now + random.uniform(0.0, delay), lambda: reply(message_id, answer))

    def _decide(self, payload: dict[str, Any]) -> Answer | None:
        match payload.get("temper"):
            case "poison":
                return "error", "InternalError"
            case "hangs_up":
                self.hang_up()
                return None
            case "kills":
                self.kill()
                return None
        if not self.is_calm and self._timeline.random.random() < self._scenario.refuses:
            return "error", "InternalError"
        return "result", self._handle(payload)

    def _handle(self, payload: dict[str, Any]) -> str:
        number = payload["n"]
        self.handled[number] += 1
        self._transactions += 1
        content = {"transactionId": self._transactions} if payload.get("start") else {"n": number}
        answer = json.dumps(content, separators=(",", ":"))
        self.answers[number].append(answer)
        return answer
