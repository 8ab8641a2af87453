"""Redacts secrets within texts: credentials in URLs, secret fields of JSON in a text, private keys."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

__all__ = ["REDACTED", "hide_in_text", "is_secret_name", "may_hold_secret"]

REDACTED: Final = "***"

_NAMES: Final = (
    r"pass[ _-]?word|passwd|pass[ _-]?phrase|pass[ _-]?code|pwd|secret|credential"
    r"|authorization[ _-]?key|auth[ _-]?key|private[ _-]?key|pre[ _-]?shared[ _-]?key|shared[ _-]?key"
    r"|pin[ _-]?code|(?:\bwpa|wi-?fi)[ _-]?psk|(?:user|ftp|wi-?fi|apn|vpn|basic)[ _-]?pass(?![A-Za-z])|sim[ _-]?pin"
    r"|api[ _-]?key|access[ _-]?key|signing[ _-]?key|encryption[ _-]?key|wpa[ _-]?key|wifi[ _-]?key|vpn[ _-]?key"
)
_SECRET_NAME: Final = rf"{_NAMES}|token\Z|\A(?:authorization|cookie|bearer|pass|pin|psk)\Z"
# A text of no known form: the text after such a name and a sign of a value.
_NAMED_VALUE: Final = (
    rf"""(?:{_NAMES}|token|id[ _-]?tag|\bauthorization|\bcookie)[\w.\-]{{0,40}}["'\\]{{0,8}}\s{{0,8}}[=:>]"""
    r"""(?!\*\*\*)"""
)
# In a piece of JSON: the name of a secret setting, whose value may precede or follow it.
_NAMED_SETTING: Final = (
    r"""["'\\]{1,4}(?:key|name)["'\\]{1,4}\s{0,4}:\s{0,4}["'\\]{1,4}"""
    rf"""[\w.\- ]{{0,40}}?(?:{_NAMES}|token|id[ _-]?tag)"""
)
_STEMS: Final = ("authorization", "cookie", "credential", "key", "pass", "pin", "psk", "pwd", "secret", "tag", "token")
"""Every match of the above contains one of these; searching them first is far cheaper."""
_HINTS: Final = (
    *(each for each in _STEMS if each != "tag"),  # which "Voltage" has too
    *("idtag", "id_tag", "id-tag", "id tag", "certificate", "csr", "exire"),
    *("\\", "@", "="),
)
"""A message as JSON without any of these has no secret that is detected."""
_PARAMETER: Final = re.compile(r"([?&;#])([^=&;#?]{1,100})=([^&;#]*)")
_SECRET_PARAMETERS: Final = frozenset({"auth", "code", "jwt", "key", "otp", "sas", "session", "sid", "sig", "totp"})
_RUN: Final = re.compile(r"\S+")
_URL: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.\-]*://")
_HOST: Final = re.compile(r"(?:[\w.~-]*|\[[0-9A-Fa-f:.]*\])(?::\d*)?(?=[/?#]|\Z)")
"""An authority that is a host and a port only, to its end (RFC 3986 §3.2)."""
_WEB: Final = ("http", "https", "ws", "wss")
_JSON_STARTS: Final = ("{", "[", '"')


@cache
def _pattern(source: str) -> re.Pattern[str]:
    """Compile one of the long patterns when it is first used: all three take milliseconds."""
    return re.compile(source, re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Return True if a field, setting or parameter of this name holds a secret."""
    return _pattern(_SECRET_NAME).search(name) is not None


def may_hold_secret(message: str) -> bool:
    """Return False if nothing in a message, which is JSON, would be redacted: this is cheap to find out."""
    if not message.isascii():
        return True
    low = message.lower()
    for hint in _HINTS:  # noqa: SIM110 - `any` with a generator takes twice the time
        if hint in low:
            return True
    return False


def hide_in_text(text: str, redact: Callable[[Any], Any]) -> str:
    """Replace the secrets in a text; `redact` is called for the value if the text holds JSON.

    Takes time proportional to the length of the text, for any text.
    """
    if "PRIVATE KEY-----" in text:
        return REDACTED
    if text.lstrip().startswith(_JSON_STARTS):
        try:
            held = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return _written(redact(held))
    if ("@" in text and ":" in text) or "=" in text:
        # URLs must not contain blanks, but passwords in the field do.
        text = _hide_in_run(text) if _URL.match(text) else _RUN.sub(lambda run: _hide_in_run(run[0]), text)
    low = text.lower()
    end = _end_of_harmless(text) if any(stem in low for stem in _STEMS) else None
    # The value may hold anything, so its end is unknown.
    return text if end is None else text[:end] + REDACTED


def _end_of_harmless(text: str) -> int | None:
    """Return the index at which a text of no known form begins to hold a secret; None if it holds none."""
    ends = [named.end() for named in [_pattern(_NAMED_VALUE).search(text)] if named]
    setting = _pattern(_NAMED_SETTING).search(text)
    if setting is not None:
        brace = text.find("{", 0, setting.start())
        ends.append(setting.start() if brace < 0 else brace)
    return min(ends, default=None)


def _written(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):  # for example a number of too many digits
        return REDACTED


def _hide_in_run(run: str) -> str:
    """Replace the credentials in a text without blanks, or in a URL."""
    return _PARAMETER.sub(_hide_parameter, _hide_user(run))


def _hide_user(run: str) -> str:
    """Replace the user information of a URL, with or without its scheme, up to the last `@`.

    Passwords in the field hold `/`, `?`, `#` and `@` unescaped, so the rules of RFC 3986 §3.2 alone would leave the
    rest of such a password visible. In web URLs with an unambiguous host, an `@` further on is treated as part of the
    URL, unless it belongs to another URL within.
    """
    colon, at = run.find(":"), run.rfind("@")
    if not 0 <= colon < at:
        return run
    scheme = run.find("://")
    if not 0 <= scheme <= colon:  # none, or a lookalike within a password
        return REDACTED + run[at:]
    while 0 <= scheme < at:
        begin = scheme + 3
        if not (_is_of_web(run, scheme) and _HOST.match(run, begin)):
            return f"{run[:begin]}{REDACTED}{run[at:]}"
        scheme = run.find("://", begin)
    return run


def _is_of_web(run: str, end: int) -> bool:
    return run[max(0, end - 5) : end].lower().endswith(_WEB)


def _hide_parameter(found: re.Match[str]) -> str:
    mark, name = found[1], found[2]
    low = unquote(name).lower()
    is_secret = is_secret_name(low) or low in _SECRET_PARAMETERS or low.endswith(("signature", "key"))
    holds_user = "%40" in found[3] and "%3a" in found[3].lower()  # of a URL within this one
    return f"{mark}{name}={REDACTED}" if is_secret or holds_user else found[0]
