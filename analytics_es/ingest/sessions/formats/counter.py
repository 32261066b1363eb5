"""Counters of tokens that agents write down again and again → what each call added, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, field, frozen

Numbers = list[int]

AGAIN = "counter that is written again"
STALE = "counter below what it was before"


@frozen
class Step:
    """What a counter says of one call.

    epoch: how often the counter had begun anew; base: what it was before; added: what the call added.
    exact: whether that is what the record says of the call by itself.
    """

    epoch: int
    base: Numbers
    added: Numbers
    exact: bool = False


@define
class Counter:
    """The counters of one conversation: the current one last, before it those that were begun anew.

    marks: how far each is. parts: how many of the numbers tell one state from another; those beyond are only counted.
    """

    marks: list[Numbers] = field(factory=list)
    parts: int = 4

    def step(self, total: Numbers, last: Numbers | None, *, seen: Callable[[int], bool]) -> Step | str:
        """Return what a call added, or why the record tells of none.

        last: what the record says of the call itself. seen: whether this total is known of an epoch.
        """
        if not self.marks:
            self.marks.append(total)
            added = total if last is None else last
            return Step(0, _less(total, added), added, last is not None)
        if any(self._same(mark, total) for mark in self.marks):
            return AGAIN
        for epoch in reversed(range(len(self.marks))):
            if last is not None and any(last) and self._same(_less(total, self.marks[epoch]), last):
                return self._on(epoch, total, last, exact=True)
        if any(_size(total) <= _size(mark) and seen(epoch) for epoch, mark in enumerate(self.marks)):
            return AGAIN
        if last is not None and self._same(total, last):  # nothing was before it: a counter that began anew
            self.marks.append([0] * len(total))
            return self._on(len(self.marks) - 1, total, last, exact=True)
        if _size(total) <= _size(self.marks[-1]):
            return STALE
        return self._on(len(self.marks) - 1, total, [max(0, n) for n in _less(total, self.marks[-1])])

    def _on(self, epoch: int, total: Numbers, added: Numbers, *, exact: bool = False) -> Step:
        base, self.marks[epoch] = self.marks[epoch], total
        return Step(epoch, base, added, exact)

    def _same(self, one: Sequence[int], other: Sequence[int]) -> bool:
        return list(one[: self.parts]) == list(other[: self.parts])


def _less(total: Sequence[int], other: Sequence[int]) -> Numbers:
    return [a - b for a, b in zip(total, other, strict=True)]


def _size(numbers: Sequence[int]) -> int:
    return numbers[0] + numbers[2]  # what went in and what came out: the other numbers are parts of them
