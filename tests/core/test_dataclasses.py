"""`dataclass` without source at import behaves as that of the standard library does."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import KW_ONLY, FrozenInstanceError, field
from functools import partial
from typing import Any, ClassVar, get_type_hints

import pytest

from ocpp_core._dataclasses import dataclass

Decorator = Callable[..., Any]


def every_kind(dataclass: Decorator) -> dict[str, Any]:
    """Return classes that use every option and every kind of field that the packages use."""

    @dataclass(slots=True)
    class Plain:
        """Positional fields with and without a default."""

        name: str
        count: int = 3

    @dataclass(frozen=True, slots=True)
    class Frozen:
        """All that `field` can say."""

        shared: ClassVar[int] = 1
        name: str
        hidden: str = field(default="h", repr=False)
        apart: int = field(default=0, compare=False)
        unhashed: tuple[str, ...] = field(default=(), hash=False)
        made: list[int] = field(default_factory=list, hash=False)
        _: KW_ONLY
        late: int = field(default=7, init=False)
        later: list[int] = field(default_factory=list, init=False, compare=False)
        last: str | None = None

    @dataclass(frozen=True, kw_only=True)
    class Base:
        """Sets a field by itself."""

        size: int
        double: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "double", self.size * 2)

    @dataclass(frozen=True, kw_only=True)
    class Derived(Base):
        """Inherits from a frozen class."""

        more: str = "more"
        fixed: int = field(default=9, init=False)

    @dataclass(slots=True)
    class Empty:
        """Has no field."""

    @dataclass(slots=True, eq=False, repr=False)
    class ById:
        """Is compared by identity."""

        name: str

    @dataclass(frozen=True)
    class Own:
        """Has methods of its own."""

        name: str

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return type(other) is Own

        __hash__ = object.__hash__

    made = (Plain, Frozen, Base, Derived, Empty, ById, Own)
    return {each.__name__: each for each in made}


OURS, THEIRS = every_kind(dataclass), every_kind(dataclasses.dataclass)
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Plain", ("a",), {}),
    ("Plain", ("a",), {"count": 4}),
    ("Frozen", ("a", "h", 5, (), [1]), {"last": "x"}),
    ("Frozen", ("a",), {}),
    ("Base", (), {"size": 2}),
    ("Derived", (), {"size": 2, "more": "less"}),
    ("Empty", (), {}),
    ("Own", ("a",), {}),
    ("Plain", (), {}),
    ("Plain", ("a", 1, 2), {}),
    ("Frozen", ("a",), {"late": 1}),
    ("Derived", (), {"other": 1}),
]


def outcome(function: Callable[[], object]) -> object:
    """Return what a function returns, or its exception as text."""
    try:
        return function()
    except (AttributeError, TypeError) as error:
        return type(error).__name__, str(error)


def behaviour(classes: dict[str, Any], name: str, positional: tuple[Any, ...], named: dict[str, Any]) -> object:
    """Return what can be seen of an object and of what is done with it."""

    def make() -> Any:
        return classes[name](*positional, **named)

    def seen() -> object:
        made, field_names = make(), [each.name for each in dataclasses.fields(classes[name])]
        return (
            repr(made),
            dataclasses.asdict(made),
            getattr(made, "__dict__", None),
            made == make(),
            made == object(),
            outcome(lambda: hash(made) == hash(make())),
            repr(copy.copy(made)),
            [outcome(partial(setattr, make(), each, 1)) for each in field_names],
            [outcome(partial(delattr, make(), each)) for each in field_names],
        )

    return outcome(seen)


class TestAnObject:
    @pytest.mark.parametrize(("name", "positional", "named"), CALLS)
    def test_behaves_as_one_of_the_standard_library(self, name: str, positional: Any, named: Any) -> None:
        assert behaviour(OURS, name, positional, named) == behaviour(THEIRS, name, positional, named)

    def test_is_equal_where_each_compared_field_is(self) -> None:
        make = OURS["Frozen"]
        assert make("a") == make("a", apart=1)
        assert make("a") != make("b")
        assert OURS["ById"]("a") != OURS["ById"]("a")

    def test_has_the_hash_of_its_fields(self) -> None:
        assert hash(OURS["Frozen"]("a")) == hash(THEIRS["Frozen"]("a"))
        assert OURS["Plain"].__hash__ is None

    def test_is_replaced_and_matched(self) -> None:
        made = dataclasses.replace(OURS["Frozen"]("a"), hidden="i")
        match made:
            case Frozen(name, hidden):
                assert (name, hidden) == ("a", "i")
            case _:
                pytest.fail("it has no `__match_args__`")

    def test_that_contains_itself_can_be_shown(self) -> None:
        made = OURS["Plain"]("a")
        made.count = made
        assert repr(made).endswith("(name='a', count=...)")


Frozen = OURS["Frozen"]


@dataclass(frozen=True, slots=True)
class Stored:
    """Is found by pickle."""

    name: str
    count: int = field(default=1, repr=False)


@dataclass(frozen=True, kw_only=True)
class Size:
    """Is extended."""

    size: int


@dataclass(slots=True)
class Quoted:
    """Names a class that is defined after it."""

    later: "Later"


class Later:
    """Named before it is defined."""


def test_a_frozen_object_with_slots_survives_pickle() -> None:
    assert pickle.loads(pickle.dumps(Stored("a", 2))) == Stored("a", 2)


class TestAClass:
    @pytest.mark.parametrize("name", OURS)
    def test_has_the_signature_the_names_and_the_slots_of_the_standard_library(self, name: str) -> None:
        def seen(cls: Any) -> object:
            slots = vars(cls).get("__slots__")
            return cls.__doc__, cls.__qualname__, slots, cls.__match_args__, str(inspect.signature(cls))

        assert seen(OURS[name]) == seen(THEIRS[name])

    def test_has_annotations_that_resolve_in_its_module(self) -> None:
        hints = {"later": Later, "return": type(None)}
        assert get_type_hints(Quoted.__init__) == hints
        assert inspect.signature(Quoted, eval_str=True).parameters["later"].annotation is Later

    def test_is_compiled_when_it_is_first_called_and_only_then(self) -> None:
        made = every_kind(dataclass)["Plain"]
        assert not inspect.isfunction(vars(made)["__init__"])
        made("a")
        constructor = vars(made)["__init__"]
        assert inspect.isfunction(constructor)
        made("b")
        assert vars(made)["__init__"] is constructor

    def test_without_a_decorator_of_its_own_calls_its_base_s_constructor(self) -> None:
        class Extended(Size):
            extra = 0

        made = Extended(size=1)
        made.extra = 2  # no field
        assert (made.size, made.extra) == (1, 2)
        with pytest.raises(FrozenInstanceError):
            made.size = 3  # type: ignore[misc] # mypy knows it

    def test_may_be_extended_by_the_standard_library_s_decorator(self) -> None:
        @dataclasses.dataclass(frozen=True, kw_only=True)
        class Extended(Size):
            extra: int = 0

        assert repr(Extended(size=1)).endswith("Extended(size=1, extra=0)")

    def test_that_is_not_frozen_cannot_extend_one_that_is(self) -> None:
        with pytest.raises(TypeError, match="cannot inherit non-frozen dataclass from a frozen one"):
            dataclass(type("Thawed", (Size,), {}))
