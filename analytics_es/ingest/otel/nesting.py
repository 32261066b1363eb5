"""Which spans lie in which: what several report of the same calls counts once, and calls know their tool."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from attrs import define, field


class Node(NamedTuple):
    """A span as far as these questions go; `parent` is "" where there is none, and so is the `tool` it is a run of."""

    key: str
    parent: str
    is_call: bool
    reports_usage: bool
    tool: str = ""


@define(eq=False)
class _Place:
    parent: _Place | None = None
    tool: str = ""
    holds_call: bool = False
    holds_usage: bool = False
    counted: bool = False


@define
class Nesting:
    """Remembers spans; tell it of them with `see`, then ask.

    Of spans that report usage inside one another the innermost counts. Spans may be seen in any order before the first
    question. After it, a parent that is seen later than its child, as live spans are, is known to hold it; a child that
    is seen later than a parent whose usage was counted is not counted itself. So what is counted is counted once, as
    long as the spans between the two are known: the last `limit`, by default all.
    """

    limit: int | None = None
    _places: OrderedDict[str, _Place] = field(factory=OrderedDict, init=False)

    def see(self, nodes: Iterable[Node]) -> None:
        """Take spans in."""
        nodes = list(nodes)
        for node in nodes:
            span = self._span(node.key)
            span.parent = self._span(node.parent) if node.parent else None
            span.tool = node.tool
        for node in nodes:
            span = self._span(node.key)
            _mark(span.parent, call=node.is_call or span.holds_call, usage=node.reports_usage or span.holds_usage)
        while self.limit is not None and len(self._places) > max(self.limit, 2 * len(nodes)):
            self._places.popitem(last=False)

    def holds_call(self, key: str) -> bool:
        """Say whether a call lies in this span."""
        return self._span(key).holds_call

    def tool_of(self, key: str) -> str | None:
        """Return the tool whose run a span is or lies in, the innermost; None where no span around it is known for one.

        What is live is seen from the inside out: a tool that goes on is not known yet.
        """
        span = self._span(key)
        return next((outer.tool for outer in (span, *_around(span)) if outer.tool), None)

    def counts(self, key: str) -> bool:
        """Say whether the usage that this span reports is to be counted, and remember that it was."""
        span = self._span(key)
        if span.holds_usage or any(outer.counted for outer in _around(span)):
            return False
        span.counted = True
        return True

    def _span(self, key: str) -> _Place:
        span = self._places.setdefault(key, _Place())
        self._places.move_to_end(key)
        return span


def _mark(span: _Place | None, *, call: bool, usage: bool) -> None:
    """Mark a span and all around it with what lies in them; where it is marked already, the others are too."""
    while span and (call > span.holds_call or usage > span.holds_usage):
        span.holds_call |= call
        span.holds_usage |= usage
        span = span.parent


def _around(span: _Place) -> Iterator[_Place]:
    """Yield the spans that one lies in, the innermost first."""
    passed = {id(span)}  # a file may claim that spans lie in one another
    while span.parent and id(span.parent) not in passed:
        span = span.parent
        passed.add(id(span))
        yield span
