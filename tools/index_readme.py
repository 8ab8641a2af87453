"""Build hook that creates the description of the distribution for package indexes from README.md.

Links of the README are relative to the repository, and indexes do not resolve them. The option `links` of the hook
(pyproject.toml) is the public address of the repository's files. With it, links become absolute. Without it, links
become file names, pictures are left out, and a last line states where the files are.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = ["IndexReadme", "describe"]

_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?!\w+:)(?P<target>[^)\s]+)\)")
_WHERE = "\nThe files that this page names are in the source distribution.\n"
_CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


class IndexReadme(MetadataHookInterface):
    """The hook that hatchling calls, with the options of `[tool.hatch.metadata.hooks.custom]`."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = describe(readme, self.config.get("links", ""))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def describe(readme: str, links: str) -> str:
    """Return the README in a form that indexes can show.

    `links` is the address that relative links are appended to. If it is empty, links become text.
    Raises ValueError if it is neither empty nor a web address with a slash at its end.
    """
    if links and not re.fullmatch(r"https://\S+/", links):
        raise ValueError(f"expected links as an https:// address with a slash at its end, got {links!r}")
    parts = _CODE.split(readme)
    parts[::2] = (_LINK.sub(lambda link: _rewrite(link, links), prose) for prose in parts[::2])
    return "".join(parts) + ("" if links else _WHERE)


def _rewrite(link: re.Match[str], links: str) -> str:
    picture, text, target = link["picture"], link["text"], link["target"]
    if target.startswith("#"):
        return link[0]
    if links:
        return f"{picture}[{text}]({links}{target})"
    if picture:
        return ""
    path = target.partition("#")[0]
    return text if text.strip("`") == path else f"{text} (`{path}`)"
