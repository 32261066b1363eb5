"""Result classes compare, hash and show as those that attrs makes for one class do."""

from __future__ import annotations

from attrs import evolve, frozen

from analytics_es.types import Tokens
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True)
class Made:
    calls: int
    currency: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class Shared(ValueObject):
    calls: int
    currency: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class Other(ValueObject):
    calls: int
    currency: str | None = None


def test_they_are_equal_where_all_their_fields_are() -> None:
    shared = Shared(calls=1)

    assert shared == Shared(calls=1)
    assert shared != evolve(shared, currency="USD")
    assert shared != Other(calls=1)
    assert shared != (1, None)


def test_what_is_equal_hashes_to_the_same() -> None:
    assert {Shared(calls=1), Shared(calls=1), Shared(calls=2)} == {Shared(calls=1), Shared(calls=2)}


def test_they_are_shown_as_those_that_are_made_for_one_class() -> None:
    assert repr(Shared(calls=1, currency="USD")) == repr(Made(calls=1, currency="USD")).replace("Made", "Shared")


def test_results_are_of_this_kind() -> None:
    assert issubclass(Tokens, ValueObject)
    assert "__eq__" not in vars(Tokens)
