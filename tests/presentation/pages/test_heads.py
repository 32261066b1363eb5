"""What pages have in common: which days they are about, and what they say where a projection is not there."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from analytics_es.errors import StaleReadModel
from analytics_es.presentation.pages import heads
from analytics_es.projection import count, key, projection
from analytics_es.types import TimePeriod
from tests.presentation.pages.asking import asked, page, plain
from tests.presentation.pages.stores import NOW, untold
from tests.stores import opened, record

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("2026-11-24", "2026-12-01", "24 to 30 Nov 2026, Europe/Berlin"),
        ("2026-11-28", "2026-12-03", "28 Nov to 2 Dec 2026, Europe/Berlin"),
        ("2025-12-30", "2026-01-02", "30 Dec 2025 to 1 Jan 2026, Europe/Berlin"),
        ("2026-11-30", "2026-12-01", "30 Nov 2026, Europe/Berlin"),
        ("2026-10-25", "2026-10-26", "25 Oct 2026, Europe/Berlin"),
        ("2025-11-24", "2026-11-25", "24 Nov 2025 to 24 Nov 2026, Europe/Berlin"),
        ("2026-11-29T13:00", "2026-11-30T13:00", "29 Nov 2026 13:00 to 30 Nov 2026 13:00, Europe/Berlin"),
    ],
)
def test_a_page_says_which_days_it_is_about(start: str, end: str, told: str) -> None:
    bounds = (datetime.fromisoformat(text).replace(tzinfo=BERLIN) for text in (start, end))
    assert heads.about(TimePeriod(*bounds)) == told


@projection(version=1, consumes=("tool.>",))
class Usage:
    """Another thing of the same name."""

    tool: str = key("tool")
    uses: int = count()


PAGES = ["usage", "performance", "performance?operation=task", "budgets", "budgets?budget=b"]


@pytest.mark.parametrize("address", PAGES)
def test_where_a_projection_is_not_declared_a_page_says_so_and_what_there_is(address: str) -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full", projections=[Usage]) as service:
        record(service, *untold())
        shown = page(service, address)
    assert shown.answers == {}
    assert plain(shown)["parts"][1]["parts"][0]["rows"] == [
        ["usage.uses → summary metric=usage.uses", "count", "events"]
    ]


def test_a_projection_of_ones_own_under_the_name_of_ours_is_told_apart() -> None:
    with opened(":memory:", clock=lambda: NOW, privacy="full", projections=[Usage]) as service:
        shown = plain(page(service, "usage"))
    assert shown["parts"][0].startswith("The projection `usage` of this store is one of its own, without ")


def test_a_read_model_that_a_rebuild_completes_is_not_hidden() -> None:
    def made(_: object) -> None:
        raise StaleReadModel(projection="usage", missing="events")

    with opened(":memory:", clock=lambda: NOW, privacy="full") as service:
        _, asking = asked(service, "usage")
        with pytest.raises(StaleReadModel):
            heads.unless_missing("usage", "Usage", "usage", made)(asking)  # type: ignore[arg-type]
