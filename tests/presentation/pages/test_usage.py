"""The page of usage: everyone, all of a kind, one of them, and nobody."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import BadWord, UnknownEntity
from analytics_es.presentation import Link
from analytics_es.presentation.parts import Section, Tiles
from tests.hostile_store import NAMES
from tests.presentation.pages.asking import asked, page, parts_of, plain
from tests.presentation.pages.stores import START
from tests.stores import opened, record

MARCH = "from=2026-03-02&to=2026-03-06"


@pytest.mark.parametrize("who", ["", "entity=user&", "entity=user&id=ada&", "entity=user&nobody=1&"])
def test_it_says_who_used_how_much(store: AnalyticsService, snapshot: SnapshotAssertion, who: str) -> None:
    assert plain(page(store, f"usage?{who}{MARCH}")) == snapshot


@pytest.mark.parametrize(
    ("who", "entity", "one"),
    [
        ("", None, None),
        ("entity=tool&", "tool", None),
        ("entity=user&id=ada&", "user", "ada"),
        ("entity=user&nobody=1&", "user", ""),
    ],
)
def test_its_answer_is_that_of_the_question(
    store: AnalyticsService, who: str, entity: str | None, one: str | None
) -> None:
    shown, asking = asked(store, f"usage?{who}{MARCH}")
    assert shown.answers == {"usage": store.get_usage_stats(entity, one, asking.period).unwrap()}


def test_a_row_leads_to_what_its_entity_used(store: AnalyticsService) -> None:
    shown = page(store, f"usage?entity=user&{MARCH}")
    busiest = next(part for part in parts_of(shown) if isinstance(part, Section) and part.title == "Busiest users")
    column, rows = busiest.parts[0].columns[0], busiest.parts[0].rows  # type: ignore[union-attr]
    assert [column.link(row) for row in rows] == [
        Link(page="usage", words={"entity": "user", "id": "ada", "nobody": None}),
        Link(page="usage", words={"entity": "user", "id": None, "nobody": "1"}),
    ]


def test_of_an_empty_period_it_says_so_and_draws_nothing(store: AnalyticsService) -> None:
    shown = page(store, "usage?from=2026-01-01&to=2026-01-08")
    assert plain(shown)["parts"][1:] == ["No events in this period: try a longer one, such as --last 4w."]


def test_where_no_event_tells_tokens_there_is_no_chart_of_them() -> None:
    with opened(":memory:", clock=lambda: START, privacy="full") as service:
        record(service, {"event_type": "job.started", "data": {"job_id": "j"}, "occurred_at": START})
        shown = page(service, "usage?last=2d")
    tiles = next(part for part in shown.parts if isinstance(part, Tiles)).tiles
    assert [(tile.figure, tile.note) for tile in tiles[2:4]] == [("–", "no event tells them")] * 2
    assert "Tokens" not in [part.title for part in parts_of(shown) if isinstance(part, Section)]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_asked_for_and_shown_as_it_is(name: str) -> None:
    with opened(":memory:", clock=lambda: START, privacy="full") as service:
        record(
            service,
            {"event_type": "job.started", "data": {"job_id": "j", "user_id": name}, "occurred_at": START},
        )
        shown, _ = asked(service, f"usage?entity=user&id={quote(name)}&last=2d")
    assert shown.answers["usage"].totals.events == 1
    assert shown.answers["usage"].entity_id == name


def test_of_everyone_one_is_not_told_apart_and_it_says_so(store: AnalyticsService) -> None:
    shown, asking = asked(store, f"usage?id=ada&{MARCH}")
    assert plain(shown)["parts"][1] == "Of everyone, one is not told apart: choose whose `id` it is."
    assert shown.answers == {"usage": store.get_usage_stats(None, None, asking.period).unwrap()}


def test_somebody_and_nobody_are_not_asked_for_at_once(store: AnalyticsService) -> None:
    with pytest.raises(BadWord, match="id and nobody ask for different events"):
        page(store, f"usage?entity=user&id=ada&nobody=1&{MARCH}")


def test_a_kind_that_is_none_is_refused(store: AnalyticsService) -> None:
    with pytest.raises(UnknownEntity, match="'team' is not an entity of usage"):
        page(store, f"usage?entity=team&{MARCH}")


def test_what_no_projection_reads_and_what_is_not_stored_is_said() -> None:
    with opened(":memory:", clock=lambda: START) as service:
        told = {"tool": "bash", "user_id": "ada", "prompt_tokens": 5}
        record(service, {"event_type": "tool.call.completed", "data": told, "occurred_at": START})
        shown = plain(page(service, "usage?last=2d"))
    assert shown["parts"][-1] == {
        "section": "What no projection reads",
        "answer": None,
        "more": None,
        "parts": [
            {
                "grid": "What no projection reads",
                "columns": ["type", "field", "events", "did you mean"],
                "rows": [["tool.call.completed", "prompt_tokens", "1", "input_tokens"]],
                "remark": None,
            }
        ],
    }
