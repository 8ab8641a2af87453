"""The sizes of all containers of this library in the process, to find what grows.

The search begins at some objects and at the globals of the library's modules. It follows the attributes of the
library's objects, the elements of containers, and what functions and methods hold. It does not follow objects of other
packages: sockets, tasks and timers are counted by `tools/leftovers.py`.
"""

import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, Final
from weakref import ReferenceType

__all__ = ["container_sizes", "objects_by_type"]

_PREFIX: Final = "ocpp_"
_ATOMS: Final = frozenset({str, bytes, bytearray, memoryview, range, int, float, bool, type(None)})


def container_sizes(roots: Mapping[str, object]) -> Counter[str]:
    """Return how many elements the containers have in all, by the class and attribute, or the module, that holds them.

    `OCPPServer._places: 3` is the attribute of all servers together, and `…[]` the containers within it. Caches of
    `functools` count as containers. `roots` are objects by their names.
    """
    found: Counter[str] = Counter()
    seen: set[int] = set()
    todo: list[tuple[str, Any]] = [*roots.items(), *_module_globals()]
    while todo:
        path, value = todo.pop()
        if type(value) in _ATOMS or id(value) in seen or isinstance(value, (type, ModuleType)):
            continue
        seen.add(id(value))
        size = _size(value)
        if size is not None:
            found[path] += size
        todo.extend(_parts(path, value))
    return +found


def _module_globals() -> Iterator[tuple[str, Any]]:
    for name, module in list(sys.modules.items()):
        if name.startswith(_PREFIX):
            yield from ((f"{name}.{attribute}", value) for attribute, value in list(vars(module).items()))


def _size(value: Any) -> int | None:
    """Return the number of elements of a container or cache, else None."""
    if isinstance(value, (Mapping, AbstractSet, Sequence, deque)):
        return len(value) if type(value).__module__.partition(".")[0] in ("builtins", "collections") else None
    if hasattr(value, "cache_info"):
        size: int = value.cache_info().currsize
        return size
    return None


def _parts(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Return what a value holds, each with its path."""
    if isinstance(value, MappingProxyType):
        value = dict(value)
    if isinstance(value, dict):
        return [(f"{path}[]", part) for pair in list(value.items()) for part in pair]
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [(f"{path}[]", part) for part in list(value)]
    if isinstance(value, MethodType):
        return [(path, value.__self__), (path, value.__func__)]
    if isinstance(value, FunctionType):
        return [(path, cell.cell_contents) for cell in value.__closure__ or () if _is_filled(cell)]
    if isinstance(value, partial):
        return [(path, value.func), (path, value.args), (path, value.keywords)]
    if isinstance(value, ReferenceType):
        return [(path, value())]
    return _attributes(value) if type(value).__module__.startswith(_PREFIX) else ()


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Iterate over the attributes of an object, those in slots included, as `Class.name`."""
    kind = type(value)
    names = {name for cls in kind.__mro__ for name in _slots(cls)} | set(getattr(value, "__dict__", ()))
    for name in names:
        try:
            yield f"{kind.__name__}.{name}", object.__getattribute__(value, name)
        except AttributeError:  # a slot that is not set
            continue


def _slots(cls: type) -> Iterable[str]:
    slots = cls.__dict__.get("__slots__") or cls.__dict__.get("__mypyc_attrs__", ())  # those of a compiled class
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    private = cls.__name__.lstrip("_")
    return [f"_{private}{name}" if name.startswith("__") and not name.endswith("__") else name for name in names]


def objects_by_type(objects: Iterable[object]) -> Counter[str]:
    """Return the numbers of instances of this library's classes among the objects, by class."""
    kinds = map(type, objects)
    return Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).startswith(_PREFIX))
