"""Nesting: which spans lie in which, whatever is said of it, in any order; and what is remembered of how many."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.otel.nesting import Nesting, Node
from analytics_es.ingest.otel.place import LEVELS
from analytics_es.ingest.otel.span_events import REPEATED, Reader
from analytics_es.ingest.otel.usage import usage_of, who_is
from tests.ingest.otel.test_counted_once import Told, read, recorded, span

MANY = 20_000
USED = {"input_tokens": 100}


def call(key: str, parent: str = "", **usage: Any) -> Node:
    return Node(key, parent, True, usage_of(who_is(None, "gpt-4o"), usage or USED))


def chat(number: int, parent: int = -1, tokens: int = 100, operation: str = "chat", model: str = "gpt-4o") -> Told:
    return Told(number, parent, operation, model, {"input_tokens": tokens} if tokens else {})


def types(events: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(event["event_type"], event["data"].get("input_tokens")) for event in events]


# ── whose usage counts ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_tool_used_of_another_model_takes_nothing_from_the_agent_around_it() -> None:
    agent = chat(0, tokens=100_000, operation="invoke_agent", model="claude-sonnet-4-5")
    tool, embedding = chat(1, 0, 0, "execute_tool", ""), chat(2, 1, 20, "embeddings", "text-embedding-3-small")

    events = read(Reader(at_once=True), [[agent, tool, embedding]])

    assert types(events) == [
        ("task.completed", None),
        ("provider.call.completed", 100_000),
        ("tool.call.completed", None),
        ("provider.call.completed", 20),
    ]


def test_what_an_outer_call_tells_beyond_the_inner_ones_is_its_own() -> None:
    events = read(Reader(at_once=True), [[chat(0, tokens=100), chat(1, 0, 60)]])

    assert types(events) == [("provider.call.completed", 40), ("provider.call.completed", 60)]
    assert events[0]["data"]["attributes"]["gen_ai.usage.input_tokens"] == 100


def test_where_the_inner_are_more_than_the_outer_both_count() -> None:
    events = read(Reader(at_once=True), [[chat(0, tokens=100), chat(1, 0, 160)]])

    assert types(events) == [("provider.call.completed", 100), ("provider.call.completed", 160)]


def test_a_guardrail_of_another_model_in_a_call_leaves_both_calls() -> None:
    events = read(Reader(at_once=True), [[chat(0, tokens=0), chat(1, 0, 0, model="gpt-4o-mini")]])

    assert types(events) == [("provider.call.completed", None)] * 2


def test_a_call_without_usage_around_one_of_its_model_is_a_step_of_work() -> None:
    events = read(Reader(at_once=True), [[chat(0, tokens=0), chat(1, 0, 0, model="gpt-4o-2024-08-06")]])

    assert types(events) == [("task.completed", None), ("provider.call.completed", None)]


@pytest.mark.parametrize(
    ("outer", "inner", "counted"),
    [
        ({"cost": 0.3}, {"cost": 0.1}, "0.2"),
        ({"cost": 0.1}, {"cost": 0.3}, "0"),  # never below: no cost is computed for the tokens that are left
        ({"cost": 0.3}, {}, None),  # what is left is priced by its tokens
        ({"cost": 0.30000000000000004}, {"cost": "0.3"}, "0"),  # a rest of computing
        ({}, {"cost": 0.1}, None),
    ],
)
def test_of_a_cost_counts_what_the_inner_ones_do_not_tell(
    outer: dict[str, Any], inner: dict[str, Any], counted: str | None
) -> None:
    def costing(told: Told, cost: dict[str, Any]) -> Any:
        one = span(told)
        return span(told, attributes={**one.attributes, **{f"analytics_es.{name}": cost[name] for name in cost}})

    events = [
        event
        for one in Reader(at_once=True).read([costing(chat(0), outer), costing(chat(1, 0, 60), inner)])
        for event in one.events
    ]

    assert counted == (str(events[0]["data"]["cost"]) if "cost" in events[0]["data"] else None)


def test_a_part_of_what_is_left_is_no_more_than_the_total() -> None:
    outer = Told(0, -1, "chat", "gpt-4o", {"input_tokens": 100, "cache_read_tokens": 60})

    events = read(Reader(at_once=True), [[outer, chat(1, 0, 90)]])

    assert (events[0]["data"]["input_tokens"], events[0]["data"]["cache_read_tokens"]) == (10, 10)


# ── live ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_usage_that_was_told_by_the_span_around_it_counts_when_that_turns_out_to_be_no_repetition() -> None:
    reader = Reader(limit=100)
    first = read(reader, [[chat(0)], [chat(1, 0, 60)]])
    second = read(reader, [[chat(2, 0, 60)]])

    assert types(first) == [("provider.call.completed", 100), ("provider.call.completed", None)]
    assert [(event["id"][-7:], event["data"]["input_tokens"]) for event in second] == [
        ("0000003", 60),
        ("2:usage", 60),
    ]


def test_the_usage_of_an_agent_that_was_told_before_has_an_event_that_a_file_will_find() -> None:
    reader = Reader(limit=100)
    read(reader, [[chat(0)]])

    events = read(reader, [[chat(1, 0, 60, "invoke_agent")]])

    assert types(events) == [("task.completed", None), (REPEATED, None)]


def test_what_was_counted_twice_before_the_span_between_came_is_said() -> None:
    reader = Reader(limit=100)
    read(reader, [[chat(2, 1, 60)], [chat(0)]])

    events = read(reader, [[Told(1, 0, "", "", {})]])

    assert [(event["event_type"], event["data"]["attributes"][CONTRADICTION]) for event in events] == [
        (REPEATED, "counted_twice")
    ]
    assert reader.counts.contradictions == {"counted_twice": 1}


def test_what_is_found_to_be_twice_because_a_span_that_names_no_model_is_known_better_is_said() -> None:
    reader = Reader(limit=100)
    read(reader, [[chat(0, tokens=1, model="claude-sonnet-4-5"), chat(1, 0, 2, model="")]])  # 2 are more than 1

    events = read(reader, [[chat(2, 1, 1)]])  # one of the 2 is of another model, and the other one of 0's

    assert (REPEATED, "counted_twice") in [
        (event["event_type"], event["data"]["attributes"].get(CONTRADICTION)) for event in events
    ]


def test_a_cost_that_comes_after_an_outer_one_without_tokens_is_said_to_be_twice() -> None:
    reader, cost = Reader(limit=100), {"gen_ai.usage.cost": 1.0}
    outer = span(chat(0, tokens=0, operation="invoke_agent"))
    reader.read([evolve(outer, attributes={**outer.attributes, **cost})])

    read(reader, [[chat(1, 0)]])

    assert reader.counts.contradictions == {"counted_twice": 1}


def test_trees_of_one_batch_of_which_one_is_known_better_do_not_hide_what_is_twice_in_another() -> None:
    reader = Reader(limit=100)
    read(reader, [[chat(2, 1, 60), chat(12, 11, 60)], [chat(0), chat(10)]])

    read(reader, [[Told(1, 0, "", "", {}), Told(11, 10, "", "", {})]])

    assert reader.counts.contradictions == {"counted_twice": 2}


def test_the_same_span_with_a_later_end_is_one_event_that_differs() -> None:
    reader = Reader(limit=100)
    first, second = (reader.read([span(chat(0), end_us=1_790_000_001_000_000 + more)])[0] for more in (0, 500_000))

    assert first.events[0]["occurred_at"] == second.events[0]["occurred_at"]
    assert (
        second.events[0]["data"]["duration_ms"] - first.events[0]["data"]["duration_ms"],
        first.events[0]["data"]["duration_ms"],
    ) == (500, 1000)


@pytest.mark.parametrize("pending_first", [True, False])
def test_a_span_that_only_began_gives_no_event_and_the_final_one_does(pending_first: bool) -> None:
    reader, final = Reader(limit=100), span(chat(0))
    pending = span(chat(1, 0, 0), attributes={"logfire.span_type": "pending_span", **span(chat(1)).attributes})
    order = [pending, final] if pending_first else [final, pending]

    events = [event for one in order for each in reader.read([one]) for event in each.events]

    assert types(events) == [("provider.call.completed", 100)]
    assert reader.counts.pending + reader.counts.ignored.total() == 1


# ── shapes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1, 5), st.data())
def test_spans_that_claim_to_lie_in_one_another_are_spans_without_a_parent(size: int, data: st.DataObject) -> None:
    spans = [chat(number, (number + 1) % size) for number in range(size)]
    order = data.draw(st.permutations(spans))

    file, live = read(Reader(at_once=True), [order]), read(Reader(limit=100), [[told] for told in order])

    assert {("gpt-4o", "input_tokens"): 100 * size} == recorded(file) == recorded([*live, *file])


@pytest.mark.parametrize("direction", [1, -1])
def test_spans_that_lie_in_very_many_are_read(direction: int) -> None:
    spans = [span(chat(number, number - 1)) for number in range(MANY)][::direction]
    reader = Reader(at_once=True)
    for one in spans:
        reader.see([one])

    counted = [event["data"].get("input_tokens", 0) for one in spans for event in reader.events(one)]

    assert sum(counted) == 100


def test_live_as_many_spans_around_one_are_known_as_is_promised() -> None:
    nesting = Nesting(limit=10 * LEVELS)
    for number in range(LEVELS):
        nesting.see([call(f"s{number}", f"s{number - 1}" if number else "")])
        counts = nesting.share(f"s{number}").counts

    assert counts == {}


def test_usage_of_very_many_models_in_one_span_is_the_outers_that_names_none() -> None:
    outer = Node("outer", "", False, usage_of(who_is(None), {"input_tokens": 1000}))
    inner = [
        Node(f"s{n}", "outer", True, usage_of(who_is(None, f"model-x{n}x"), {"input_tokens": 9})) for n in range(100)
    ]
    nesting = Nesting(at_once=True)
    nesting.see([outer, *inner])

    assert nesting.share("outer").counts == {"input_tokens": 100}


# ── what is remembered ──────────────────────────────────────────────────────────────────────────────────────────


def test_spans_beyond_the_limit_are_forgotten() -> None:
    nesting = Nesting(limit=10)
    nesting.see([call("child", "parent")])
    for number in range(20):
        nesting.see([Node(f"other{number}", "")])
    nesting.see([call("parent")])

    assert (nesting.share("parent").counts, len(nesting._places)) == (None, 10)


def test_a_span_is_remembered_as_long_as_others_come_that_lie_in_it() -> None:
    nesting = Nesting(limit=10)
    for number in range(20):
        nesting.see([call(f"child{number}", "parent", input_tokens=5)])
    nesting.see([call("parent")])

    assert not nesting.share("parent").counts


def test_the_search_for_a_tool_ends_where_spans_claim_to_lie_in_one_another() -> None:
    nesting = Nesting()
    nesting.see([call("a", "b"), Node("b", "a")])

    assert None is nesting.tool_of("a")


def test_a_tool_is_forgotten_beyond_the_limit() -> None:
    nesting = Nesting(limit=2)
    nesting.see([Node("tool", "", tool="search")])
    for number in range(5):
        nesting.see([Node(f"other{number}", "")])
    nesting.see([call("child", "tool")])

    assert None is nesting.tool_of("child")
