"""Names that are none of ours: what they were meant to be, for every slip, and never for a documented name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_es.events.event import is_type
from analytics_es.events.fields import BUDGET, DOCUMENTED, FIELDS, PROVIDER, VOCABULARY
from analytics_es.events.other_names import ACTIVITIES, plain
from analytics_es.events.other_names import FIELDS as OF_OTHERS
from analytics_es.events.suggestions import DOCUMENTED_TYPES, attribute_meant, field_meant, is_said, type_meant

OURS = sorted({*VOCABULARY, *PROVIDER, *BUDGET})
CONCEPTS = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text()


def slips(name: str, letters: str = "aexz_") -> Iterator[str]:
    """Yield a text with one letter more, less, other, or changed with its neighbour, at every place."""
    for n in range(len(name) + 1):
        yield from (name[:n] + letter + name[n:] for letter in letters)
        if n < len(name):
            yield name[:n] + name[n + 1 :]
            yield from (name[:n] + letter + name[n + 1 :] for letter in letters)
            yield name[:n] + name[n + 1 : n + 2] + name[n] + name[n + 2 :]


def variants(name: str) -> Iterator[str]:
    first, *others = name.split("_")
    yield from (name.upper(), name.title(), name.replace("_", "-"), name.replace("_", "."), name.replace("_", ""))
    yield from (name.replace("_", " "), first + "".join(other.title() for other in others))


@pytest.mark.parametrize("name", OURS)
def test_every_slip_of_a_documented_field_is_told_what_it_was_meant_to_be(name: str) -> None:
    others = {plain(other) for names in OF_OTHERS.values() for other in names}
    for slip in {*slips(name), *variants(name)} - DOCUMENTED:
        meant = field_meant(slip)
        assert meant is not None, slip
        if plain(slip) not in others:
            assert name in meant.split(" or "), slip


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_a_documented_field_is_never_taken_for_another(name: str) -> None:
    assert (field_meant(name), is_said(name) and name != "messages") == (None, False)


def test_every_field_of_the_page_is_documented() -> None:
    table = CONCEPTS.partition("| field | of | meaning |")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}

    assert named <= DOCUMENTED
    assert {*VOCABULARY, *PROVIDER, *BUDGET} - named <= {"threshold", "at_position"}  # which the service itself says


@pytest.mark.parametrize("event_type", sorted(DOCUMENTED_TYPES))
def test_every_slip_of_a_documented_type_is_told_and_the_type_itself_is_not(event_type: str) -> None:
    for slip in {*slips(event_type, "x."), event_type.replace(".", "_", event_type.count(".") - 1)}:
        if is_type(slip) and slip not in DOCUMENTED_TYPES:
            assert event_type in (type_meant(slip) or "").split(" or "), slip
    assert type_meant(event_type) is None


@pytest.mark.parametrize(
    ("source", "name", "ours"),
    [(source, name, ours) for source, names in OF_OTHERS.items() for name, ours in names.items()],
)
def test_the_names_of_others_lead_to_fields_of_ours(source: str, name: str, ours: str) -> None:
    assert name not in DOCUMENTED
    assert field_meant(name) is not None
    assert set(re.findall(r"[a-z_0-9]+", ours)) & DOCUMENTED


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("prompt_tokens", "input_tokens"),
        ("promptTokens", "input_tokens"),
        ("prompt-tokens", "input_tokens"),
        ("promt_tokens", "input_tokens"),
        ("completion_token", "output_tokens"),
        ("cost_usd", 'cost, with currency "USD"'),
        ("latency_ms", "duration_ms (in milliseconds)"),
        ("user", "user_id"),
        ("duraton_ms", "duration_ms"),
        ("inputtokens", "input_tokens (with what was read from a cache and written to it)"),
        ("thresholdz", "thresholds or threshold"),
        ("occured_at", "the argument occurred_at of record_event"),
    ],
)
def test_a_name_is_told_what_it_is_here(name: str, ours: str) -> None:
    assert field_meant(name) == ours


@pytest.mark.parametrize(
    "name", ["ticket", "region", "git_sha", "priority_class", "retries_left", "x", "", "é", "日本"]
)
def test_a_name_that_resembles_nothing_is_taken_for_nothing(name: str) -> None:
    assert field_meant(name) is None


@pytest.mark.parametrize(
    ("event_type", "meant"),
    [
        ("llm.call.completed", "provider.call.completed"),
        ("model.call.failed", "provider.call.failed"),
        ("llm.request", "provider.call.completed"),
        ("llm.call.weird", "provider.call.completed"),
        ("provider.call.complete", "provider.call.completed"),
        ("provider.call_completed", "provider.call.completed"),
        ("jobs.completed", "job.completed"),
        ("order.placed", None),
        ("tool.shell.completed", None),
        ("provider.embedding.completed", None),
        ("agent.crashed", None),
        ("session.started", None),
        ("review.pull_request.merged", None),
    ],
)
def test_a_type_is_told_what_it_is_here(event_type: str, meant: str | None) -> None:
    assert type_meant(event_type) == meant


def test_activities_of_others_are_none_of_ours() -> None:
    assert all(name not in DOCUMENTED_TYPES for name in ACTIVITIES)


def test_attributes_are_yours_but_for_figures_under_names_of_others() -> None:
    assert attribute_meant("gen_ai.usage.input_tokens") == "input_tokens"
    assert [attribute_meant(name) for name in ("user", "team", "model_name", "session", "mode", "cost")] == [None] * 6


def test_what_was_said_is_kept_for_people() -> None:
    assert [is_said(name) for name in ("prompt", "response", "toolInput", "prompt_tokens")] == [True, True, True, False]
    assert set(FIELDS) <= DOCUMENTED
