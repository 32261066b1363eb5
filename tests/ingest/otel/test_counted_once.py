"""Usage that spans tell counts once: whatever lies in what, live in any order and batches, and from files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import event as happened
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import SubsetAboveTotal
from analytics_es.events.fields import CONTRADICTION, check_together
from analytics_es.ingest.otel.span_events import Reader
from analytics_es.ingest.otel.spans import Span
from analytics_es.ingest.otel.usage import KINDS, fitting, left, usage_of, who_is
from tests.examples import examples

TRACE, START = "7" * 32, 1_790_000_000_000_000
NAMES = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
}
MODELS = {
    **dict.fromkeys(("gpt-4o", "openai/gpt-4o-2024-08-06", "gpt-4o-2024-08-06"), "gpt-4o"),
    "claude-sonnet-4-5": "claude",
    "": "",
}

Tokens = dict[str, int]


class Told(NamedTuple):
    """A span of the definition: what it tells, and whose."""

    number: int
    parent: int
    operation: str
    model: str
    tokens: Tokens


def span(told: Told, **changes: Any) -> Span:
    """Return a span as an emitter writes it."""
    attributes: dict[str, Any] = {NAMES[kind]: count for kind, count in told.tokens.items()}
    if told.operation:
        attributes["gen_ai.operation.name"] = told.operation
    if told.model:
        attributes["gen_ai.request.model"] = told.model
    fields: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": f"{told.number + 1:016x}",
        "parent_id": f"{told.parent + 1:016x}" if told.parent >= 0 else "",
        "name": told.operation or "GET /",
        "start_us": START,
        "end_us": START + 1_000_000,
        "attributes": attributes,
    }
    return Span(**{**fields, **changes})


@st.composite
def tokens(draw: st.DrawFn) -> Tokens:
    kinds = draw(st.sampled_from([(), ("input_tokens",), ("input_tokens", "output_tokens"), (*NAMES,)]))
    counts = {kind: draw(st.integers(1, 9)) for kind in kinds}
    if "cache_read_tokens" in counts:
        counts["input_tokens"] += counts["cache_read_tokens"]
    return counts


@st.composite
def traces(
    draw: st.DrawFn, models: Sequence[str] = ("gpt-4o", "openai/gpt-4o-2024-08-06", "claude-sonnet-4-5", "")
) -> list[Told]:
    """Return the spans of a trace, parents first."""
    size = draw(st.integers(1, 9))
    operations = st.sampled_from(["chat", "invoke_agent", "execute_tool", "invoke_workflow", ""])
    spans = []
    for number in range(size):
        operation = draw(operations)
        model = draw(st.sampled_from(models)) if operation else ""
        told = draw(tokens()) if operation else {}
        spans.append(Told(number, draw(st.integers(-1, number - 1)), operation, model, told))
    return spans


def batches(draw: Any, spans: Sequence[Any]) -> Iterable[Sequence[Any]]:
    while spans:
        size = draw(st.integers(1, len(spans)))
        yield spans[:size]
        spans = spans[size:]


# ── the definition ──────────────────────────────────────────────────────────────────────────────────────────────


def definition(spans: Sequence[Told], number: int) -> list[tuple[str, Tokens]]:
    """Return what counts of a span and of all that lie in it, by model."""
    below = [share for inner in spans if inner.parent == number for share in definition(spans, inner.number)]
    outer = spans[number]
    inner = Counter[str]()
    for model, counts in below:
        if not MODELS[model] or not MODELS[outer.model] or MODELS[model] == MODELS[outer.model]:
            inner.update(counts)
    if any(inner[kind] > count for kind, count in outer.tokens.items()):
        return [*below, (outer.model, outer.tokens)]
    rest = {kind: count - inner[kind] for kind, count in outer.tokens.items()}
    if "cache_read_tokens" in rest:  # a part is no more than its total
        rest["cache_read_tokens"] = min(rest["cache_read_tokens"], rest["input_tokens"])
    return [*below, (outer.model, rest)]


def defined(spans: Sequence[Told]) -> dict[tuple[str, str], int]:
    roots = [told.number for told in spans if told.parent < 0]
    return summed(share for root in roots for share in definition(spans, root))


def summed(shares: Iterable[tuple[str, Tokens]]) -> dict[tuple[str, str], int]:
    """Return tokens by model and kind."""
    totals = Counter[tuple[str, str]]()
    for model, counts in shares:
        totals.update({(MODELS[model], kind): count for kind, count in counts.items()})
    return {name: count for name, count in totals.items() if count}


def recorded(events: Iterable[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """Return tokens of the events that a log would hold, by model and kind: the first of an id stays."""
    log: dict[str, dict[str, Any]] = {}
    for event in events:
        log.setdefault(event["id"], event["data"])
    return summed(
        (data.get("model", ""), {kind: data[kind] for kind in NAMES if kind in data}) for data in log.values()
    )


def read(reader: Reader, rounds: Iterable[Sequence[Told]]) -> list[dict[str, Any]]:
    return [event for batch in rounds for read in reader.read([*map(span, batch)]) for event in read.events]


def by_kind(totals: dict[tuple[str, str], int], *, parts: bool = True) -> Counter[str]:
    kinds = Counter[str]()
    for (_, kind), count in totals.items():
        if parts or kind != "cache_read_tokens":
            kinds[kind] += count
    return kinds


# ── the law ─────────────────────────────────────────────────────────────────────────────────────────────────────


@examples(100)
@given(traces(), st.data())
def test_of_a_file_in_any_order_counts_what_the_definition_says(spans: list[Told], data: st.DataObject) -> None:
    reader, shuffled = Reader(at_once=True), [span(told) for told in data.draw(st.permutations(spans))]
    for one in shuffled:
        reader.see([one])

    assert defined(spans) == recorded(event for one in shuffled for event in reader.events(one))


@examples(100)
@given(traces(), st.data())
def test_of_live_spans_that_end_before_those_around_them_the_same_counts(
    spans: list[Told], data: st.DataObject
) -> None:
    reader = Reader(limit=100)

    assert defined(spans) == recorded(read(reader, batches(data.draw, spans[::-1])))


@examples(100)
@given(traces(models=("gpt-4o", "openai/gpt-4o-2024-08-06", "claude-sonnet-4-5")), st.data())
def test_of_live_spans_that_come_after_those_around_them_the_same_counts(
    spans: list[Told], data: st.DataObject
) -> None:
    events = read(Reader(limit=100), batches(data.draw, spans))

    told, counted = by_kind(defined(spans), parts=False), by_kind(recorded(events), parts=False)
    assert told == counted


@examples(100)
@given(traces(), st.data())
def test_of_live_spans_in_any_order_none_is_lost_and_what_counts_twice_is_said(
    spans: list[Told], data: st.DataObject
) -> None:
    reader = Reader(limit=100)
    events = read(reader, batches(data.draw, data.draw(st.permutations(spans))))

    right, counted = by_kind(defined(spans), parts=False), by_kind(recorded(events), parts=False)
    said = [event for event in events if CONTRADICTION in event["data"].get("attributes", {})]
    happened("twice" if said else "once")
    if said:
        assert all(counted[kind] >= right[kind] for kind in right)
    else:
        assert right == counted


@examples(100)
@given(traces(models=("gpt-4o",)), st.lists(st.integers(1, 9), min_size=9, max_size=9), st.data())
def test_of_costs_counts_what_the_inner_ones_do_not_tell(
    spans: list[Told], costs: list[int], data: st.DataObject
) -> None:
    def costing(told: Told) -> Span:
        cost = {"gen_ai.usage.cost": costs[told.number]} if told.tokens else {}
        return span(told, attributes={**span(told).attributes, **cost})

    def counted(number: int) -> int:
        """Return what counts of the costs of a span and of all that lie in it."""
        below = sum(counted(inner.number) for inner in spans if inner.parent == number)
        inner = by_kind(
            summed(share for one in spans if one.parent == number for share in definition(spans, one.number))
        )
        if any(inner[kind] > count for kind, count in spans[number].tokens.items()):
            return below + costs[number]
        return max(below, costs[number]) if spans[number].tokens else below

    right = sum(counted(told.number) for told in spans if told.parent < 0)
    for reader, order in (
        (Reader(at_once=True), [data.draw(st.permutations(spans))]),
        (
            Reader(limit=100),
            batches(data.draw, spans[::-1]),
        ),
    ):
        events = [event for batch in order for read in reader.read([*map(costing, batch)]) for event in read.events]
        assert right == sum(event["data"].get("cost", 0) for event in events)


@examples(100)
@given(traces(), st.data())
def test_a_file_after_live_spans_in_any_order_adds_no_token(spans: list[Told], data: st.DataObject) -> None:
    live = read(Reader(limit=100), batches(data.draw, data.draw(st.permutations(spans))))
    file = read(Reader(at_once=True), [data.draw(st.permutations(spans))])

    assert recorded(live) == recorded([*live, *file])


@examples(100)
@given(traces(), st.data())
def test_spans_that_are_sent_again_add_no_token(spans: list[Told], data: st.DataObject) -> None:
    reader = Reader(limit=100)
    once = read(reader, batches(data.draw, data.draw(st.permutations(spans))))
    again = read(reader, batches(data.draw, data.draw(st.permutations(spans))))

    assert recorded(once) == recorded([*once, *again])
    assert recorded(once) == recorded(again)


def test_live_and_of_a_file_a_zero_stays_a_zero() -> None:
    usage = {"input_tokens": 20, "output_tokens": 0, "cache_read.input_tokens": 0, "reasoning.output_tokens": 0}
    attributes = {"gen_ai.operation.name": "chat", **{f"gen_ai.usage.{name}": count for name, count in usage.items()}}
    one = Span(trace_id="a" * 32, span_id="1" * 16, name="chat", start_us=1, end_us=2, attributes=attributes)
    live, of_a_file = Reader(limit=100), Reader(at_once=True)
    of_a_file.see([one])
    (told,) = live.read([one])
    assert told.events == of_a_file.events(one)
    assert told.events[0]["data"]["output_tokens"] == 0
    assert told.events[0]["data"]["attributes"] == {}


@examples(100)
@given(st.data())
def test_what_is_left_of_all_kinds_of_tokens_is_usage_that_can_be_recorded(data: st.DataObject) -> None:
    counts = st.fixed_dictionaries({}, optional={kind: st.integers(0, 9) for kind in sorted(KINDS)})
    whole, inner = (data.draw(counts.map(_with_totals).filter(_is_right)) for _ in range(2))
    rest, _ = left(usage_of(who_is(None), whole), inner)

    check_together("provider", rest)


def _with_totals(counts: dict[str, int]) -> dict[str, int]:
    return {**counts, "input_tokens": counts.get("input_tokens", 0) + 9, "output_tokens": 9}


def _is_right(counts: dict[str, int]) -> bool:
    try:
        check_together("provider", dict(counts))
    except SubsetAboveTotal:
        return False
    return True


@pytest.mark.parametrize(
    ("outer", "order"), [(2, [[1], [2], [0], [3, 4]]), (3, [[1], [0, 2], [3], [4]])], ids=["at once", "later"]
)
def test_what_was_told_of_a_span_that_turns_out_to_be_of_another_model_is_not_lost(
    outer: int, order: list[list[int]]
) -> None:
    spans = [
        Told(0, -1, "chat", "gpt-4o", {"input_tokens": outer}),
        *(
            Told(number, 0, "chat", model, {"input_tokens": 1})
            for number, model in enumerate(("gpt-4o", "", "gpt-4o"), 1)
        ),
        Told(4, 2, "chat", "claude-sonnet-4-5", {"input_tokens": 1}),
    ]
    events = read(Reader(limit=100), [[spans[number] for number in batch] for batch in order])

    assert by_kind(recorded(events)) == by_kind(defined(spans))


def test_what_counts_later_has_no_part_without_its_total() -> None:
    assert fitting({"output_image_tokens": 8, "input_tokens": 2, "cache_read_tokens": 3}) == {
        "input_tokens": 2,
        "cache_read_tokens": 2,
    }
