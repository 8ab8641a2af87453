"""The pages of the documentation site: what a strict build of it does not notice.

`make site` fails on dead links and on names that it cannot resolve. It accepts pages that no menu has, missing images,
and objects that two pages document or none does.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import griffe
import pytest

from ocpp_transports._options import _keywords
from tools.documentation.command_lines import commands_page
from tools.documentation.extension import linked, options_section
from tools.documentation.links import linked_page
from tools.documentation.machine_text import address, texts
from tools.documentation.objects import directives, documented, members, resolved
from tools.documentation.pages import INCLUDED, pages, prepared
from tools.documentation.version_pages import VERSION_PAGES
from tools.options import KEYWORDS, keyword_entries

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
PUBLIC = (
    "ocpp_core", "ocpp_core.actions", "ocpp_core.client_states", "ocpp_core.errors", "ocpp_core.inputs",
    "ocpp_core.link", "ocpp_core.recording", "ocpp_core.stack", "ocpp_core.states", "ocpp_core.testing",
    "ocpp_core.validation", "ocpp_transports", "ocpp_transports.asgi", "ocpp_transports.blocking",
    "ocpp_transports.browser", "ocpp_transports.channel", "ocpp_transports.client",
    "ocpp_transports.compat.charge_point", "ocpp_transports.compat.exceptions", "ocpp_transports.compat.messages",
    "ocpp_transports.compat.routing", "ocpp_transports.event_names", "ocpp_transports.events",
    "ocpp_transports.fleet", "ocpp_transports.handshake", "ocpp_transports.laboratory", "ocpp_transports.memory",
    "ocpp_transports.plain_http", "ocpp_transports.recording",
    "ocpp_transports.observability", "ocpp_transports.observability.opentelemetry",
    "ocpp_transports.observability.prometheus", "ocpp_transports.server", "ocpp_transports.wslib",
    "ocpp_apps.csms", "ocpp_apps.station",
)  # fmt: skip
"""The modules that users import; a name in their `__all__` is public."""

BY_HAND = {"ocpp_transports.laboratory._time._loop.VirtualLoop"}
"""What a page describes without a directive: the methods of an event loop are those of asyncio."""


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    """The pages of the site by name, made once."""
    return pages()


@pytest.fixture(scope="module")
def machine_texts(site: dict[str, str]) -> dict[str, str]:
    return texts(site)


def of_directive(path: str) -> list[str]:
    """The canonical paths of the objects that a directive puts on its page, without their members."""
    found = resolved(path)
    if not found.is_module:
        return [found.canonical_path]
    return [each.canonical_path for _, each in members(found)]


def on_pages() -> Counter[str]:
    return Counter(path for _, directive in directives() for path in of_directive(directive))


class TestTheMenu:
    LISTED = re.findall(r"^ +- .+: (\S+\.md)$", CONFIG.split("\nnav:\n")[1], re.MULTILINE)

    def test_it_has_every_page_once_and_no_other(self, site: dict[str, str]) -> None:
        assert Counter(self.LISTED) == Counter(dict.fromkeys(site, 1))

    def test_a_page_to_be_written_does_not_exist_yet(self, site: dict[str, str]) -> None:
        promised = re.findall(r"^ +# - .+: (\S+\.md)$", CONFIG, re.MULTILINE)
        assert [page for page in promised if page in site] == []


class TestThePages:
    def test_every_image_exists(self, site: dict[str, str]) -> None:
        images = ((page, image) for page, text in site.items() for image in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text))
        docs = ROOT / "docs"
        assert [(page, image) for page, image in images if not ((docs / page).parent / image).is_file()] == []

    def test_none_needs_a_script_from_elsewhere(self, site: dict[str, str]) -> None:
        assert [page for page, text in site.items() if "```mermaid" in text] == []
        assert "font: false" in CONFIG

    def test_links_to_files_beside_the_documentation_lead_to_pages_made_of_them(self, site: dict[str, str]) -> None:
        assert "(examples.md#csmspy)" in site["README.md"]
        assert "](names.md)" in prepared(INCLUDED["contributing.md"])

    def test_a_link_to_any_other_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "page.md").write_text("[a tool](tools/soak.py)", encoding="utf-8")
        monkeypatch.setattr("tools.documentation.pages.ROOT", tmp_path)
        with pytest.raises(ValueError, match=r"got 'tools/soak\.py'"):
            prepared("page.md")


class TestTheReference:
    def test_no_object_is_on_two_pages(self) -> None:
        assert [path for path, count in on_pages().items() if count > 1] == []

    @pytest.mark.parametrize("module", PUBLIC)
    def test_every_public_name_is_on_a_page(self, module: str) -> None:
        public, shown = members(resolved(module)), on_pages()
        described = BY_HAND | shown.keys()
        assert [name for name, each in public if not each.is_module and each.canonical_path not in described] == []

    def test_everything_on_the_pages_has_a_docstring(self) -> None:
        """What has none is not shown."""
        assert sorted(set(undocumented())) == []

    def test_callables_with_many_arguments_or_errors_have_sections_for_them(self) -> None:
        functions = [each for each in on_all_pages() if isinstance(each, griffe.Function) and each.docstring]
        assert len(functions) > 200
        assert sorted({each.canonical_path for each in functions if lacks_sections(each)}) == []

    def test_every_number_of_a_command_line_has_a_range(self) -> None:
        numbers = re.findall(r"^\| `(\S+)` \| (?:integer|number).*\| (.*) \|$", commands_page(), re.MULTILINE)
        assert len(numbers) > 8
        assert [name for name, meaning in numbers if not re.search(r"≥ \d|\d to [\d,]+", meaning)] == []


def lacks_sections(function: griffe.Function) -> bool:
    """Return True if three arguments have no `Args`, or two exceptions no `Raises`."""
    text = function.docstring.value if function.docstring else ""
    arguments = [each for each in function.parameters if each.name not in {"self", "cls"}]
    raised = " ".join(re.findall(r"[Rr]aises? [^.]*\.", text.split("\nRaises:")[0]))
    errors = set(re.findall(r"\b[A-Z]\w*Error\b", raised))
    return (len(arguments) > 2 and "\nArgs:" not in text) or (len(errors) > 1 and "\nRaises:" not in text)


def undocumented() -> list[str]:
    """The public objects on the pages without a docstring, members of classes included."""
    return [
        each.canonical_path
        for each in on_all_pages()
        if not (each.has_docstring or each.is_module or each.canonical_path in documented() or inherits(each))
    ]


def on_all_pages() -> Iterator[griffe.Object]:
    """Yield the public objects on the pages, members of classes included."""
    ahead = [resolved(path) for _, path in directives()]
    while ahead:
        each = ahead.pop()
        yield each
        ahead += [member for _, member in members(each) if not member.is_module]


def inherits(found: griffe.Object) -> bool:
    """Whether a base class has the same member with a docstring: an override may do without one."""
    bases = found.parent.mro() if isinstance(found.parent, griffe.Class) else []
    return any(found.name in base.members and base.members[found.name].has_docstring for base in bases)


class TestThePagesOfTheVersions:
    @pytest.mark.parametrize(("page", "module"), [(page, module) for page, (module, _) in VERSION_PAGES.items()])
    def test_they_have_every_public_name_of_their_module(self, site: dict[str, str], page: str, module: str) -> None:
        headings = set(re.findall(r"^###? (\w+)$", site[page], re.MULTILINE))
        public = {name for name, each in members(resolved(f"ocpp_core.{module}")) if not each.is_module}
        payloads = {f"{name}{kind}" for name in headings for kind in ("Request", "Response")}
        assert public - headings - payloads == set()
        assert len({heading.lower() for heading in headings}) == len(headings)  # anchors do not know case

    def test_a_member_has_its_type_and_limits(self, site: dict[str, str]) -> None:
        assert "| **chargePointModel** | `str` | At most 20 characters. |" in site["reference/ocpp16.md"]
        assert "| meterValue | list of [MeterValueType](#metervaluetype) |" in site["reference/ocpp201.md"]


class TestTheExtension:
    @pytest.mark.parametrize("keywords", [each.name for each in KEYWORDS])
    def test_it_lists_every_option_of_a_keyword_type(self, keywords: str) -> None:
        kind = getattr(_keywords, keywords)
        assert {each.name for each in keyword_entries(keywords)} == set(kind.__annotations__)

    def test_an_option_has_type_meaning_default_and_range(self) -> None:
        line = next(line for line in options_section("ServerKeywords").splitlines() if "call_timeout" in line)
        assert re.fullmatch(r" +call_timeout \(float\): Seconds .+ Default: `30\.0`, > 0 seconds\.", line)

    def test_every_number_has_a_range(self) -> None:
        names = [*(each.name for each in KEYWORDS), "CallKeywords"]
        entries = [entry for name in names for entry in keyword_entries(name)]
        numbers = [each for each in entries if re.match(r"(int|float)\b", each.type)]
        assert len(numbers) > 50
        assert {each.name for each in numbers if not each.range} == set()

    def test_it_links_public_names_but_not_those_in_examples(self) -> None:
        where = resolved("ocpp_transports.OCPPServer")
        made = linked("See `OCPPClient` and `nothing`.\n\n    print('`OCPPClient`')", where)
        assert made == (
            "See [`OCPPClient`][ocpp_transports.OCPPClient] and `nothing`.\n\n```python\nprint('`OCPPClient`')\n```"
        )

    def test_pages_of_the_reference_link_classes_but_not_in_headings_and_links(self) -> None:
        text = "# The `OCPPClient`\n\n[`OCPPClient`](client.md) and `OCPPClient.nothing`, `decode`: `OCPPClient`"
        link = "[`OCPPClient`][ocpp_transports.OCPPClient]"
        assert linked_page(text) == text.removesuffix("`OCPPClient`") + link

    def test_it_leaves_the_sections_of_a_docstring_indented(self) -> None:
        where = resolved("ocpp_transports.write_time")
        assert linked("Do.\n\nArgs:\n    at: A time, as `text`.", where) == "Do.\n\nArgs:\n    at: A time, as `text`."


class TestTheTextForMachines:
    def test_the_list_of_pages_has_every_page(self, site: dict[str, str], machine_texts: dict[str, str]) -> None:
        pages = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): ", machine_texts["llms.txt"], re.MULTILINE)
        assert sorted(pages) == sorted([address(name) or "./" for name in site] + ["llms-full.txt", "api.txt"])

    def test_the_pages_are_in_the_order_of_the_menu(self, machine_texts: dict[str, str]) -> None:
        sections = re.findall(r"^## (.+)$", machine_texts["llms.txt"], re.MULTILINE)
        assert sections == ["Home", "Tutorial", "How-to", "Reference", "Explanation", "Contributing"]
        tutorial = machine_texts["llms.txt"].split("\n## Tutorial\n")[1]
        assert tutorial.index("](first-program/)") < tutorial.index("](charging-session/)")

    def test_the_map_has_one_line_for_each_public_object(self, machine_texts: dict[str, str]) -> None:
        lines = machine_texts["api.txt"].splitlines()[1:]
        assert len(lines) == len(set(lines)) == len(documented())
        assert [line for line in lines if line.startswith("ocpp_transports.OCPPServer.listen(port: int = 0, ")] != []

    def test_the_map_has_every_form_of_a_call(self, machine_texts: dict[str, str]) -> None:
        call = next(
            line for line in machine_texts["api.txt"].splitlines() if line.startswith("ocpp_transports.Peer.call(")
        )
        assert "(action: str, params: Params = ..., /, **options" in call
        assert call.count(" or (") == 3
