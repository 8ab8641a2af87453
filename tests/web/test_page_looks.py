"""How the page looks: it fits a telephone, and its pictures show something."""

import struct
import zlib
from pathlib import Path

import pytest

from tests.web.bench import Bench, User
from tools.web.gallery import SHOTS, set_scene, take

pytestmark = pytest.mark.timeout(180)

TABS = ("messages", "editor", "settings", "faults")
LARGEST = 200 * 1024
CONTRASTS = Path(__file__).with_name("contrasts.js")


def size_and_colours(png: bytes) -> tuple[int, int, int]:
    """Read width and height of a PNG, and how many different bytes its rows have: a blank one has hardly any."""
    width, height = struct.unpack(">II", png[16:24])
    at, data = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    return width, height, len(set(zlib.decompress(data)))


class TestTheLayout:
    @pytest.mark.parametrize("width", [320, 390, 700, 900, 1280])
    def test_never_scrolls_sideways(self, user: User, width: int) -> None:
        user.connect()
        user.charge()
        user.tab.resize(width, 844)
        for name in TABS:
            user.tab.click(f"#tab-{name}")
            user.tab.look("document.querySelectorAll('.more').forEach(one => { one.open = true })")
            assert user.tab.look("document.documentElement.scrollWidth") <= width
        user.tab.resize(1280, 900)

    def test_scrolls_many_messages_in_their_list_and_not_in_the_page(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        for _ in range(30):
            bench.command(f'call {identity} DataTransfer {{"vendorId": "x"}}')
        user.tab.until(lambda: len(user.messages()) > 60, "the messages are listed")
        assert user.tab.look("document.documentElement.scrollHeight") < 1300

    @pytest.mark.parametrize("dark", [False, True])
    def test_has_enough_contrast(self, user: User, *, dark: bool) -> None:
        user.tab.resize(1280, 900, dark=dark)
        assert user.tab.look(f"({CONTRASTS.read_text(encoding='utf-8')})()") == []
        user.tab.resize(1280, 900)

    def test_turns_its_colours(self, user: User) -> None:
        colours = set()
        for _ in range(3):
            user.tab.click("#theme")
            colours.add(user.tab.look("getComputedStyle(document.body).backgroundColor"))
        assert len(colours) == 2


class TestEveryField:
    def test_has_a_name(self, user: User) -> None:
        nameless = user.tab.look(
            "[...document.querySelectorAll('main input, main select, main textarea')].filter(field => "
            "!field.labels.length && !field.getAttribute('aria-label')).map(field => field.outerHTML)"
        )
        assert nameless == []


class TestEveryConnector:
    def test_has_a_name(self, user: User) -> None:
        user.tab.send("Accessibility.enable")
        nodes = user.tab.send("Accessibility.getFullAXTree")["nodes"]
        user.tab.send("Accessibility.disable")
        articles = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "article"]
        assert articles == ["Connector 1", "Connector 2"]


class TestThePictures:
    def test_are_taken_in_their_sizes_and_show_something(self, user: User, bench: Bench) -> None:
        user.fill("url", bench.addresses["csms"])
        user.fill("identity", "PICTURE")
        set_scene(user.tab, charged=0.0)
        pictures = dict(take(user.tab))
        user.tab.resize(1280, 900)
        assert pictures.keys() == SHOTS.keys()
        for name, (width, height, _) in SHOTS.items():
            assert size_and_colours(pictures[name])[:2] == (width, height)
            assert size_and_colours(pictures[name])[2] > 100
            assert len(pictures[name]) < LARGEST
