"""Generates the reference page of the command lines from the parsers of the programs."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ocpp_apps.demo.__main__ import _parser as demo_parser
from ocpp_apps.station.__main__ import _parser as station_parser
from ocpp_transports.cluster.__main__ import _parser as cluster_parser
from ocpp_transports.compat.migrate.__main__ import _parser as migrate_parser
from tools.declarations import table

__all__ = ["commands_page"]

HEAD: Final = """
# Command lines

The programs print this with `--help`. `python -m ocpp_apps` lists them. A value out of its range ends a program with an
error that names the range.
"""
PARSERS: Final = (station_parser, demo_parser, cluster_parser, migrate_parser)


def commands_page() -> str:
    """Return the page, with a section for each program and each of its roles."""
    return HEAD.lstrip("\n") + "".join(section(make()) for make in PARSERS)


def section(parser: argparse.ArgumentParser, about: str = "") -> str:
    """Return the section of a parser, and those of its subcommands below."""
    roles = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    parts = [f"\n## `{parser.prog}`\n\n{parser.description or sentence(about)}\n\n"]
    if parser.epilog:
        parts.append(" ".join(parser.epilog.split()) + "\n\n")
    parts.append(table(("Option", "Value", "Default", ""), rows(parser)))
    for role in roles:
        helps = {each.dest: each.help or "" for each in role._choices_actions}
        parts += [section(each, helps[name]) for name, each in role.choices.items()]
    return "".join(parts)


def sentence(text: str) -> str:
    """Return a phrase as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def rows(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, accepted values, default and meaning of each argument and option."""
    for each in parser._actions:
        if not isinstance(each, argparse._HelpAction | argparse._SubParsersAction):
            names = each.option_strings or [str(each.metavar)]
            yield ", ".join(f"`{name}`" for name in names), accepted(each), default(each), meaning(each)


def accepted(option: argparse.Action) -> str:
    """Return what an option accepts: its choices, or the kind of its value."""
    if option.nargs == 0:
        return "none"
    if option.choices is not None:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    kinds: dict[object, str] = {int: "integer", float: "number", Path: "path"}
    kind = kinds.get(option.type, "text")
    return {"?": f"{kind}, optional", "+": f"{kind}, one or more"}.get(str(option.nargs), kind)


def default(option: argparse.Action) -> str:
    """Return the default of an option. That of a password comes from the environment."""
    if option.required:
        return "required"
    if option.dest == "password":
        return "`OCPP_PASSWORD`"
    is_none = option.nargs == 0 or option.default in (None, [], argparse.SUPPRESS)
    return "" if is_none else f"`{written(option)}`"


def written(option: argparse.Action) -> str:
    """Return a default as it is written on a command line."""
    return f"{option.default:g}" if isinstance(option.default, float) else str(option.default)


def meaning(option: argparse.Action) -> str:
    """Return the help of an option, without the default in brackets at its end."""
    return (option.help or "").removesuffix(f" ({written(option)})").replace(">=", "≥")
