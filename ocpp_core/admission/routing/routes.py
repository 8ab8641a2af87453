"""Routes: patterns of paths, the tree in which a path is looked up, and what a pattern says about a station.

A path is split before it is decoded, so `/ocpp/a%2Fb/CP1` has three segments and the second one is `a/b`. Fixed text
comes before a name, and a name before a tail, from left to right. If that choice does not lead to a route, the next one
is tried. A path visits a node of the tree at most once, so the work does not grow beyond the number of routes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from ocpp_core._dataclasses import dataclass
from ocpp_core.admission.handshake import MAX_NAMESPACE, MatchedPath
from ocpp_core.admission.request import path_of, unescape
from ocpp_core.admission.step import refuse
from ocpp_core.inputs import Reject

__all__ = ["PathMatch", "RoutePattern", "RouteTree", "join_patterns"]

_T = TypeVar("_T")

_NAME: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:\*)?\}")
_DOTS: Final = frozenset({".", ".."})
_IDENTITY: Final = "identity"
_NO_ROUTE: Final = Reject(404, body="Not Found")
_BAD_PATH: Final = refuse(400, "Invalid path")


@dataclass(frozen=True, slots=True)
class RoutePattern:
    """A pattern of paths: segments of fixed text, names in braces, and perhaps a tail as the last one.

    `/ocpp/{tenant}/{identity}` matches `/ocpp/acme/CP1`. `{identity}` is the identity of the station. A tail
    `{name:*}` matches one or more segments: the last of them is the identity, and those before it are the value of the
    name. A pattern with neither has no identity in its path. Make it with `RoutePattern.read`.
    """

    text: str
    segments: tuple[str | None, ...]
    """The fixed texts; None for a name. A tail is not a segment."""
    names: tuple[str, ...]
    """The names in the order of the path, that of the tail included."""
    has_tail: bool

    @classmethod
    def read(cls, text: str) -> "RoutePattern":
        """Return the pattern that a text stands for.

        Raises TypeError unless it is text. Raises ValueError for a pattern that does not begin with `/`, an empty
        segment, braces that are not a whole segment, a name that occurs twice, a tail that is not last or is named
        `identity`, `{identity}` beside a tail, and text that no path can contain.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected a pattern as str, got {type(text).__name__}")
        if not text.startswith("/"):
            raise ValueError(f"expected a pattern that begins with '/', got {text!r}")
        bare = text.rstrip("/")
        parts = bare[1:].split("/") if bare else []
        names, segments, has_tail = list[str](), list[str | None](), False
        for part in parts:
            if has_tail:
                raise ValueError(f"expected a tail only as the last segment, got {text!r}")
            name = _NAME.fullmatch(part)
            if name is None:
                segments.append(_fixed(part, text))
                continue
            has_tail = name[2] is not None
            names.append(name[1])
            if not has_tail:
                segments.append(None)
        pattern = cls("/" + "/".join(parts), tuple(segments), tuple(names), has_tail)
        pattern._check()
        return pattern

    @property
    def shape(self) -> tuple[object, ...]:
        """Equal for patterns that match the same paths."""
        return (*self.segments, self.has_tail)

    def _check(self) -> None:
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"expected each name once, got {self.text!r}")
        if self.has_tail and _IDENTITY in self.names:
            raise ValueError(f"expected no {{identity}} with a tail, whose last segment is the identity: {self.text!r}")


def _fixed(part: str, pattern: str) -> str:
    text = unescape(part)
    if not part or "{" in part or "}" in part or text is None or text in _DOTS:
        raise ValueError(f"expected segments of text or a name in braces, as in '/ocpp/{{tenant}}', got {pattern!r}")
    return text


def join_patterns(prefix: str, pattern: str) -> str:
    """Return a pattern below a prefix, which may be empty or `/`. Raises the errors of `RoutePattern.read`."""
    text = RoutePattern.read(pattern).text
    if prefix:
        before = RoutePattern.read(prefix)
        if before.has_tail:
            raise ValueError(f"expected a prefix without a tail, got {prefix!r}")
        text = before.text.rstrip("/") + text
    return RoutePattern.read(text).text


@dataclass(frozen=True, slots=True)
class PathMatch(Generic[_T]):
    """What a path that matches a route says about the station."""

    value: _T
    """The value of the route."""
    path: MatchedPath
    """The route, and the parts of the path."""


@dataclass(slots=True)
class _Node(Generic[_T]):
    fixed: "dict[str, _Node[_T]]" = field(default_factory=dict)
    named: "_Node[_T] | None" = None
    end: "tuple[RoutePattern, _T] | None" = None
    tail: "tuple[RoutePattern, _T] | None" = None


class RouteTree(Generic[_T]):
    """Routes by the paths that they match.

    Raises ValueError if two patterns match the same paths.
    """

    def __init__(self, routes: Iterable[tuple[RoutePattern, _T]]) -> None:
        self._routes = tuple(routes)
        self._root: _Node[_T] = _Node()
        for pattern, value in self._routes:
            self._add(pattern, value)

    def __iter__(self) -> Iterator[_T]:
        """Iterate over the values of the routes."""
        return (value for _, value in self._routes)

    def __len__(self) -> int:
        return len(self._routes)

    def match(self, target: str) -> PathMatch[_T] | Reject:
        """Return the match of a request target; 404 if no route matches, 400 for a path that cannot be read.

        Slashes at the end are ignored. An empty segment matches nothing.
        """
        path = path_of(target)
        if path is None:
            return Reject(400, body="Invalid request target")
        bare = path.rstrip("/")
        sent = bare[1:].split("/") if bare else []
        if "" in sent:
            return _NO_ROUTE
        texts = [unescape(segment) if "%" in segment else segment for segment in sent]
        found = _search(self._root, texts, 0)
        return _NO_ROUTE if found is None else _matched(*found, sent, texts)

    def _add(self, pattern: RoutePattern, value: _T) -> None:
        node = self._root
        for segment in pattern.segments:
            if segment is not None:
                node = node.fixed.setdefault(segment, _Node())
            else:
                node.named = node.named or _Node()
                node = node.named
        other = node.tail if pattern.has_tail else node.end
        if other is not None:
            raise ValueError(f"cannot add the route {pattern.text!r}: {other[0].text!r} matches the same paths")
        if pattern.has_tail:
            node.tail = pattern, value
        else:
            node.end = pattern, value


def _search(node: _Node[_T], texts: Sequence[str | None], depth: int) -> tuple[RoutePattern, _T] | None:
    """Return the first route in the order of precedence; its depth is limited by that of the patterns."""
    if depth == len(texts):
        return node.end
    text = texts[depth]
    if text is not None and (child := node.fixed.get(text)) is not None:
        found = _search(child, texts, depth + 1)
        if found is not None:
            return found
    if node.named is not None and (found := _search(node.named, texts, depth + 1)) is not None:
        return found
    return node.tail


def _matched(
    pattern: RoutePattern, value: _T, sent: Sequence[str], texts: Sequence[str | None]
) -> PathMatch[_T] | Reject:
    """Read the names of a pattern in a path that it matches."""
    at = [depth for depth, text in enumerate(pattern.segments) if text is None]
    identity, params = "", dict[str, str]()
    for name, depth in zip(pattern.names, at, strict=False):
        text = texts[depth]
        if name == _IDENTITY:
            identity = sent[depth]
        elif text is None or text in _DOTS:
            return _BAD_PATH
        else:
            params[name] = text
    namespace = [_quoted(text) for text in params.values()]
    if pattern.has_tail:
        rest, identity = texts[len(pattern.segments) : -1], sent[-1]
        if any(text is None or text in _DOTS for text in rest):
            return _BAD_PATH
        params[pattern.names[-1]] = "/".join(_quoted(text) for text in rest if text is not None)
        namespace.append(params[pattern.names[-1]])
    joined = "/".join(namespace)
    if len(joined) > MAX_NAMESPACE or not joined.isprintable():
        return _BAD_PATH
    return PathMatch(value, MatchedPath(pattern.text, identity, MappingProxyType(params), joined))


def _quoted(text: str) -> str:
    """Return a value in which a slash cannot be mistaken for the end of a segment."""
    return text.replace("%", "%25").replace("/", "%2F")
