"""The editor for any action or frame, with hints, a verdict while typing, and the response."""

import json
from typing import Any

from ocpp_apps.station import ArmedFault, Station
from ocpp_apps.station import schema_help as hints
from ocpp_core.action_names import may_send
from ocpp_transports import BrowserOCPPClient

from . import drafts, wording
from .dom import Element, Events, View, by_id, clone, make, say

__all__ = ["Editor"]


class Editor:
    """Edits messages and sends them with the client, checked or unchanged."""

    def __init__(self, events: Events) -> None:
        self._client: BrowserOCPPClient | None = None
        self._station: Station | None = None
        self._protocol = ""
        events.on("change", "editor-mode", lambda *_: self._begin())
        events.on("change", "editor-action", lambda *_: self._begin())
        events.on("click", "skeleton", lambda *_: self._begin())
        events.on("input", "editor-text", lambda *_: self._typed())
        events.on("submit", "send-checked", self._send_checked)
        events.on("click", "send-raw", self._send_raw)

    def show(self, client: BrowserOCPPClient, station: Station) -> None:
        """Send with this client, as this station."""
        self._client, self._station = client, station

    def speak(self, protocol: str) -> None:
        """Offer the actions of this version. The text stays if the version has its action."""
        if protocol == self._protocol:
            return
        self._protocol, before = protocol, by_id("action").value
        names = hints.actions(protocol)
        sent = [name for name in names if may_send("station", name, (protocol,))]
        others = [name for name in names if name not in sent]
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
        self._show("")

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

    def _show(self, words: str, tone: str = "", answer: object = None) -> None:
        say(by_id("outcome"), words, tone)
        by_id("answer").textContent = "" if answer is None else json.dumps(answer, indent=2, ensure_ascii=False)
        by_id("answer").hidden = answer is None

    async def _send_checked(self, _: Element, __: Any) -> None:
        verdict = self._judge()
        if verdict.draft is None or not verdict.is_good:
            self._show("Not sent: the text has a problem. “Send as it is” sends it anyway.", "bad")
            return
        line = self._open_line()
        if line is None:
            return
        self._show(f"Sent {verdict.draft.action if verdict.draft.kind else 'the response'}, waiting …")
        try:
            answer, fault = await _send(*line, verdict.draft)
        except Exception as error:  # the page shows every outcome
            self._show(f"{type(error).__name__}: {error}", "bad")
        else:
            self._report(answer, fault)

    def _report(self, answer: dict[str, Any] | None, fault: ArmedFault | None) -> None:
        if fault is not None:
            self._show(f"An armed fault affected it: {wording.struck(fault)}.", "warn")
        else:
            self._show("Sent. It has no response." if answer is None else "Answered.", "good", answer)

    def _send_raw(self, _: Element, __: Any) -> None:
        line = self._open_line()
        if line is None:
            return
        client, station = line
        text = by_id("text").value
        raw = text if self._is_frame else drafts.wrapped(self._protocol, self._action, text)
        client.send_raw(raw)
        spared = " Armed faults do not affect it." if station.faults.armed else ""
        if drafts.is_message(self._protocol, raw):
            self._show(f"Sent as it is. The list of messages shows it and its response.{spared}", "warn")
        else:
            station.log.sent_raw(raw)
            self._show(f"Sent as it is. It is not a message, so it has no response.{spared}", "warn")

    def _open_line(self) -> tuple[BrowserOCPPClient, Station] | None:
        if self._client is None or self._station is None or self._client.state.name != "OPEN":
            self._show("Not sent: the station is not connected.", "bad")
            return None
        return self._client, self._station


async def _send(
    client: BrowserOCPPClient, station: Station, draft: drafts.Draft
) -> tuple[dict[str, Any] | None, ArmedFault | None]:
    """Send a message as the station does, so that armed faults affect it.

    Returns the response, and the fault of a message without one. Strict mode is off, since the editor shows the
        verdict and an action may have no schema. Actions that only central systems send are sent too.
    """
    if draft.kind == "call":
        answer = await client.call(
            draft.action, draft.payload, message_id=draft.message_id, validate=False, custom=True
        )
        return answer, None
    return None, await station.faults.send(draft.frame)


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
