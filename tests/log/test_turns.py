"""Turns: whoever waits longest is next, and who is told to go waits no longer."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from analytics_es.errors import Closed, StoreUnavailable
from analytics_es.log.turns import Turns
from tests.stores import eventually


def waiting(turns: Turns) -> int:
    return len(turns._waiting)


def queued(turns: Turns, count: int) -> tuple[list[threading.Thread], list[int | str]]:
    """Let so many threads wait, one after the other; they note their number when they have their turn."""
    noted: list[int | str] = []

    def ask(number: int) -> None:
        try:
            with turns.turn():
                noted.append(number)
        except Closed as error:
            noted.append(error.code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        eventually(lambda number=number: waiting(turns) == number)
    return threads, noted


def test_who_comes_first_is_first() -> None:
    turns = Turns(2)
    with ExitStack() as held:
        held.enter_context(turns.turn())
        held.enter_context(turns.turn())
        threads, noted = queued(turns, 50)
        assert noted == []
    for thread in threads:
        thread.join()

    assert sorted(noted, key=str) == sorted(range(50), key=str)
    assert noted[0] in (0, 1)
    with turns.turn(), turns.turn():  # all places are free again
        assert waiting(turns) == 0


def test_with_one_place_the_order_is_that_of_coming() -> None:
    turns = Turns(1)
    with turns.turn():
        threads, noted = queued(turns, 50)
    for thread in threads:
        thread.join()

    assert noted == list(range(50))


def test_who_waits_when_it_is_closed_is_told_and_who_is_in_goes_on() -> None:
    turns = Turns(1)
    with turns.turn():
        threads, noted = queued(turns, 5)
        turns.close()
        for thread in threads:
            thread.join()
        assert noted == ["closed"] * 5

    with pytest.raises(Closed), turns.turn():
        pass


def test_who_waits_very_long_is_told_and_takes_nobodys_place() -> None:
    turns = Turns(1, 0.01, of="reading")
    with turns.turn():
        with pytest.raises(StoreUnavailable, match="all 1 connections for reading have been in use"), turns.turn():
            pass
        assert waiting(turns) == 0
    with turns.turn():
        pass


def test_who_is_interrupted_while_waiting_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(1)

    def interrupted(_event: threading.Event, _seconds: float) -> None:
        raise KeyboardInterrupt

    with turns.turn(), monkeypatch.context() as patch:
        patch.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), turns.turn():
            pass
    with turns.turn():
        assert waiting(turns) == 0
