"""Python looks for cycles seldom while a replay is at work, and as before when it is done."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from analytics_es.process.cycles import SELDOM, relaxed

USUAL = (701, 11, 12)


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*before)


def test_the_last_of_several_puts_back_what_was() -> None:
    first, second = relaxed(), relaxed()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)

    assert gc.get_threshold() == SELDOM

    second.__exit__(None, None, None)

    assert gc.get_threshold() == USUAL


def test_a_failure_puts_back_what_was() -> None:
    with pytest.raises(ZeroDivisionError), relaxed():
        assert gc.get_threshold() == SELDOM
        raise ZeroDivisionError

    assert gc.get_threshold() == USUAL


def test_what_somebody_else_has_set_meanwhile_stays() -> None:
    with relaxed():
        gc.set_threshold(800, 5, 5)

    assert gc.get_threshold() == (800, 5, 5)
