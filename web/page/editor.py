"""The editor: any action or any frame, with hints, a verdict while one types, and the answer."""

import json
from collections.abc import Callable
from typing import Any

from ocpp_transports import BrowserOCPPClient
from ocpp_transports.station import hints

from . import drafts
from .dom import Element, Events, View, by_id, clone, make, say

__all__ = ["Editor"]


class Editor:
    """Writes messages by hand and sends them through the client, checked or as they are."""

    def __init__(
        self, events: Events, client: Callable[[], BrowserOCPPClient | None], sent_garbage: Callable[[str], None]
    ) -> None:
        self._client = client
        self._sent_garbage = sent_garbage
        self._protocol = ""
        events.on("change", "editor-mode", lambda *_: self._begin())
        events.on("change", "editor-action", lambda *_: self._begin())
        events.on("click", "skeleton", lambda *_: self._begin())
        events.on("input", "editor-text", lambda *_: self._typed())
        events.on("submit", "send-checked", self._send_checked)
        events.on("click", "send-raw", self._send_raw)

    def speak(self, protocol: str) -> None:
        """Offer the actions of this version from now on; what is written stays if the version has the action."""
        if protocol == self._protocol:
            return
        self._protocol, before = protocol, by_id("action").value
        names = hints.actions(protocol)
        sent = [name for name in names if hints.is_sent_by_stations(name)]
        others = [name for name in names if not hints.is_sent_by_stations(name)]
        by_id("action").replaceChildren(_group("Stations send", sent), _group("Only central systems send", others))
        by_id("action").value = before if before in names else "BootNotification"
        self._begin()

    @property
    def _action(self) -> str:
        action: str = by_id("action").value
        return action

    @property
    def _is_frame(self) -> bool:
        return bool(by_id("mode").value == "frame")

    def _begin(self) -> None:
        make_skeleton = drafts.frame_skeleton if self._is_frame else drafts.payload_skeleton
        by_id("text").value = make_skeleton(self._protocol, self._action)
        self._list_hints()
        self._judge()
        self._tell("")

    def _list_hints(self) -> None:
        members = hints.members(self._protocol, self._action, hints.kinds(self._protocol, self._action)[0])
        items = [_hint(member) for member in members if "customData" not in member.path.split(".")]
        by_id("hints").replaceChildren(*(items or [make("li", "Nothing: the payload is empty.")]))

    def _verdict(self) -> drafts.Verdict:
        text = by_id("text").value
        if self._is_frame:
            return drafts.read_frame(self._protocol, text)
        return drafts.read_payload(self._protocol, self._action, text)

    def _typed(self) -> None:
        self._judge()

    def _judge(self) -> drafts.Verdict:
        verdict = self._verdict()
        place = by_id("verdict")
        place.dataset.tone = "good" if verdict.is_good else "bad"
        words = ("✓ " if verdict.is_good else "✕ ") + verdict.words
        if place.textContent != words:
            place.textContent = words
        by_id("text").setAttribute("aria-invalid", str(not verdict.is_good).lower())
        return verdict

    def _tell(self, words: str, tone: str = "", answer: object = None) -> None:
        say(by_id("outcome"), words, tone)
        by_id("answer").textContent = "" if answer is None else json.dumps(answer, indent=2, ensure_ascii=False)
        by_id("answer").hidden = answer is None

    async def _send_checked(self, _: Element, __: Any) -> None:
        verdict = self._judge()
        if verdict.draft is None or not verdict.is_good:
            self._tell("Not sent: the text has a fault. “Send as it is” would send it all the same.", "bad")
            return
        client = self._open_client()
        if client is None:
            return
        self._tell(f"Sent {verdict.draft.action if verdict.draft.kind else 'the answer'}, waiting …")
        try:
            answer = await _send(client, verdict.draft)
        except Exception as error:  # noqa: BLE001 - every outcome is worth seeing
            self._tell(f"{type(error).__name__}: {error}", "bad")
        else:
            self._tell("Sent; no answer belongs to it." if answer is None else "Answered.", "good", answer)

    def _send_raw(self, _: Element, __: Any) -> None:
        client = self._open_client()
        if client is None:
            return
        text = by_id("text").value
        raw = text if self._is_frame else drafts.wrapped(self._protocol, self._action, text)
        client.send_raw(raw)
        if drafts.is_message(self._protocol, raw):
            self._tell("Sent as it is; it shows among the messages, and so does what comes back.", "warn")
        else:
            self._sent_garbage(raw)
            self._tell("Sent as it is. It is no message, so no answer can be told to belong to it.", "warn")

    def _open_client(self) -> BrowserOCPPClient | None:
        client = self._client()
        if client is None or client.state.name != "OPEN":
            self._tell("Not sent: the station is not connected.", "bad")
            return None
        return client


async def _send(client: BrowserOCPPClient, draft: drafts.Draft) -> dict[str, Any] | None:
    if draft.kind == "send":
        await client.notify(draft.action, draft.payload)
        return None
    if draft.kind == "call":
        return await client.send_raw(draft.text, expect_reply=True)
    client.send_raw(draft.text)
    return None


def _group(label: str, names: list[str]) -> Element:
    group = make("optgroup", label=label)
    group.append(*(make("option", name) for name in names))
    return group


def _hint(member: hints.Member) -> Element:
    root = clone("hint-template")
    root.dataset.required = str(member.is_required).lower()
    root.dataset.depth = str(member.depth)
    view = View(root)
    view.text("name", member.name)
    view.text("type", member.type)
    view.text("limits", " | ".join(member.choices) or member.limits)
    return root
