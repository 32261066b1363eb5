"""Nesting: whose usage counts, whatever the shape of a trace, the order of its spans and the batches they come in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from analytics_es.ingest.otel.nesting import Nesting, Node


@st.composite
def traces(draw: st.DrawFn) -> list[Node]:
    """Return the spans of a trace, parents first; any of them may report usage, or be a call."""
    size = draw(st.integers(1, 12))
    parents = [draw(st.integers(-1, number - 1)) for number in range(size)]
    return [
        Node(f"s{number}", f"s{parent}" if parent >= 0 else "", draw(st.booleans()), draw(st.booleans()))
        for number, parent in enumerate(parents)
    ]


def batches(draw: Any, nodes: Sequence[Node]) -> Iterable[list[Node]]:
    while nodes:
        size = draw(st.integers(1, len(nodes)))
        yield list(nodes[:size])
        nodes = nodes[size:]


def counted(nesting: Nesting, rounds: Iterable[list[Node]]) -> set[str]:
    found = set()
    for nodes in rounds:
        nesting.see(nodes)
        found |= {node.key for node in nodes if node.reports_usage and nesting.counts(node.key)}
    return found


def around(nodes: Sequence[Node], key: str) -> set[str]:
    parents = {node.key: node.parent for node in nodes}
    found = set()
    while key := parents[key]:
        found.add(key)
    return found


def leaves(nodes: Sequence[Node]) -> set[str]:
    reporting = {node.key for node in nodes if node.reports_usage}
    return reporting - {outer for key in reporting for outer in around(nodes, key)}


@given(traces(), st.data())
def test_of_spans_seen_together_the_innermost_count_in_any_order(nodes: list[Node], data: st.DataObject) -> None:
    assert leaves(nodes) == counted(Nesting(), [data.draw(st.permutations(nodes))])


@given(traces(), st.data())
def test_of_spans_that_end_before_their_parents_the_innermost_count_in_any_batches(
    nodes: list[Node], data: st.DataObject
) -> None:
    assert leaves(nodes) == counted(Nesting(), batches(data.draw, nodes[::-1]))


@given(traces(), st.data())
def test_of_spans_that_come_after_their_parents_none_counts_inside_another(
    nodes: list[Node], data: st.DataObject
) -> None:
    found = counted(Nesting(), batches(data.draw, nodes))

    assert [key for key in found if around(nodes, key) & found] == []


@given(traces(), st.data())
def test_spans_that_come_again_count_as_before(nodes: list[Node], data: st.DataObject) -> None:
    nesting = Nesting()
    first = counted(nesting, batches(data.draw, nodes[::-1]))

    assert first == counted(nesting, batches(data.draw, data.draw(st.permutations(nodes))))


@given(traces(), st.data())
def test_it_is_known_which_spans_hold_a_call(nodes: list[Node], data: st.DataObject) -> None:
    nesting = Nesting()
    for batch in batches(data.draw, data.draw(st.permutations(nodes))):
        nesting.see(batch)

    holding = {outer for node in nodes if node.is_call for outer in around(nodes, node.key)}
    assert holding == {node.key for node in nodes if nesting.holds_call(node.key)}


def test_spans_that_claim_to_lie_in_one_another_end() -> None:
    nodes = [Node("a", "b", True, True), Node("b", "a", True, True), Node("c", "c", True, True)]

    assert set() == counted(Nesting(), [nodes])


def test_spans_beyond_the_limit_are_forgotten() -> None:
    nesting = Nesting(limit=10)
    nesting.see([Node("child", "parent", True, True)])
    for number in range(20):
        nesting.see([Node(f"other{number}", "", True, False)])
    nesting.see([Node("parent", "", True, True)])

    assert (nesting.counts("parent"), len(nesting._places)) == (True, 10)


def test_a_span_is_remembered_as_long_as_others_come_that_lie_in_it() -> None:
    nesting = Nesting(limit=10)
    for number in range(20):
        nesting.see([Node(f"child{number}", "parent", True, number == 0)])
    nesting.see([Node("parent", "", True, True)])

    assert not nesting.counts("parent")


def test_the_search_for_a_tool_ends_where_spans_claim_to_lie_in_one_another() -> None:
    nesting = Nesting()
    nesting.see([Node("a", "b", True, True), Node("b", "a", False, False)])

    assert None is nesting.tool_of("a")


def test_a_tool_is_forgotten_beyond_the_limit() -> None:
    nesting = Nesting(limit=2)
    nesting.see([Node("tool", "", False, False, "search")])
    for number in range(5):
        nesting.see([Node(f"other{number}", "", True, False)])
    nesting.see([Node("child", "tool", True, True)])

    assert None is nesting.tool_of("child")
