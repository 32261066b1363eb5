"""Keeping: who asks for one thing waits for nobody who has another; few are kept, and all are closed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import define

from analytics_es.queries.keeping import Keeping
from tests.stores import PATIENCE, eventually


@define(eq=False)
class Thing:
    """What is kept."""

    name: str
    closed: bool = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True


def test_who_has_one_keeps_no_other_waiting() -> None:
    keeping, together = Keeping(2), threading.Barrier(8, timeout=PATIENCE)

    def ask(number: int) -> bool:
        with keeping.having(number, lambda: Thing(str(number))) as thing:
            together.wait()  # all eight have theirs at once
            return thing.closed

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [False] * 8


def test_the_same_one_is_had_by_one_at_a_time_and_made_once() -> None:
    keeping, made, inside, most = Keeping(2), list[Thing](), list[int](), list[int]()

    def make() -> Thing:
        made.append(Thing("one"))
        return made[-1]

    def ask(number: int) -> None:
        for _ in range(50):
            with keeping.having("one", make):
                inside.append(number)
                most.append(len(inside))
                inside.pop()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(8)))

    assert (len(made), max(most), len(most)) == (1, 1, 400)


def test_who_comes_while_another_has_it_waits_for_that_very_one() -> None:
    keeping, made, has, may_go = Keeping(2), list[Thing](), threading.Event(), threading.Event()

    def make() -> Thing:
        made.append(Thing(str(len(made))))
        return made[-1]

    def hold() -> None:
        with keeping.having("one", make):
            has.set()
            assert may_go.wait(PATIENCE)

    def ask() -> str:
        with keeping.having("one", make) as thing:
            assert may_go.is_set()
            return thing.name

    with ThreadPoolExecutor(2) as threads:
        holding = threads.submit(hold)
        assert has.wait(PATIENCE)
        waiting = threads.submit(ask)
        try:
            eventually(lambda: keeping._places["one"].askers == 2)
        finally:
            may_go.set()
        holding.result(PATIENCE)
        assert waiting.result(PATIENCE) == "0"
    assert len(made) == 1


def test_those_that_were_had_last_are_kept_and_the_others_closed() -> None:
    keeping, made = Keeping(2), dict[str, Thing]()

    def had(name: str) -> Thing:
        with keeping.having(name, lambda: made.setdefault(name, Thing(name))) as thing:
            return thing

    for name in ("a", "b", "a", "c"):
        had(name)

    assert {name: thing.closed for name, thing in made.items()} == {"a": False, "b": True, "c": False}
    keeping.close()
    assert all(thing.closed for thing in made.values())


def test_more_than_are_kept_may_be_had_at_once_and_none_is_closed_under_who_has_it() -> None:
    keeping, made = Keeping(1), dict[str, Thing]()

    with (
        keeping.having("a", lambda: made.setdefault("a", Thing("a"))) as first,
        keeping.having("b", lambda: made.setdefault("b", Thing("b"))) as second,
    ):
        assert (first.closed, second.closed) == (False, False)

    assert [thing.closed for thing in made.values()].count(False) == 1


def test_closing_waits_for_who_has_one_and_who_waited_for_it_is_given_a_new_one() -> None:
    keeping, made, has, may_go = Keeping(2), list[Thing](), threading.Event(), threading.Event()

    def make() -> Thing:
        made.append(Thing(str(len(made))))
        return made[-1]

    def hold() -> bool:
        with keeping.having("one", make) as thing:
            has.set()
            assert may_go.wait(PATIENCE)
            return thing.closed

    def ask() -> tuple[str, bool]:
        with keeping.having("one", make) as thing:
            return thing.name, thing.closed

    with ThreadPoolExecutor(3) as threads:
        holding = threads.submit(hold)
        assert has.wait(PATIENCE)
        closing = threads.submit(keeping.close)
        eventually(lambda: not keeping._places)
        assert not closing.done()
        waiting = threads.submit(ask)
        may_go.set()
        assert (holding.result(PATIENCE), waiting.result(PATIENCE), closing.result(PATIENCE)) == (
            False,
            ("1", False),
            None,
        )
    assert made[0].closed


def test_what_fails_for_one_is_asked_for_anew_by_the_next() -> None:
    keeping = Keeping(2)
    with pytest.raises(ZeroDivisionError), keeping.having("one", lambda: Thing("one")):
        raise ZeroDivisionError

    with keeping.having("one", lambda: Thing("two")) as thing:
        assert (thing.name, thing.closed) == ("one", False)
