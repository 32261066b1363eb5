"""Links keep the period, the zone and as of when; a form keeps everything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analytics_es.presentation.blocks import Behind, Link
from tests.presentation.html.examples import links

ASKED = "last=7d&tz=Europe/Berlin&as_of=1200&by=model&where=user=ada"
KEPT = "last=7d&tz=Europe%2FBerlin&as_of=1200"


def test_another_page_is_about_the_same_period_zone_and_narrowing() -> None:
    assert links(ASKED, page="overview").to(Link(page="cost")) == f"/cost?{KEPT}&where=user%3Dada"


def test_a_page_that_knows_no_narrowing_is_not_asked_for_one() -> None:
    assert links(ASKED).to(Link(page="elsewhere")) == f"/elsewhere?{KEPT}"


def test_the_same_page_keeps_all_that_is_not_asked_otherwise() -> None:
    address = links(ASKED).to(Link(words={"by": ["user", "tool"], "where": None}))

    assert address == f"/cost?{KEPT}&by=user&by=tool"


def test_events_are_those_of_the_figure_in_the_period_of_the_page() -> None:
    address = links(ASKED).behind(Behind(metric="cost.cost", where={"model": "a&b"}))

    assert address == f"/events?{KEPT}&metric=cost.cost&where=user%3Dada&where=model%3Da%26b"


def test_events_of_a_bucket_are_of_its_hours() -> None:
    start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)

    address = links("this-month=&tz=UTC").behind(Behind(metric="cost.cost", start=start, end=end))

    assert address == (
        "/events?tz=UTC&metric=cost.cost&from=2026-11-01T00%3A00%3A00%2B00%3A00&to=2026-11-02T00%3A00%3A00%2B00%3A00"
    )


def test_without_a_question_events_have_none_either() -> None:
    assert links("").behind(Behind(metric="cost.cost")) == "/events?metric=cost.cost"


@pytest.mark.parametrize(
    ("form", "table"), [("json", ""), ("csv", "&table=rows"), ("arrow", "&table=rows")], ids=["json", "csv", "arrow"]
)
def test_the_same_answer_is_there_for_programs_which_in_json_has_all_its_tables(form: str, table: str) -> None:
    assert links("last=7d&by=user").form(form, "cost", "rows") == f"/cost.{form}?last=7d&by=user&answer=cost{table}"


def test_a_mounted_app_leads_to_itself() -> None:
    mounted = links("last=7d", root="/analytics")

    assert [mounted.to(Link(page="overview")), mounted.behind(Behind(metric="m")), mounted.form("csv")] == [
        "/analytics/overview?last=7d",
        "/analytics/events?last=7d&metric=m",
        "/analytics/cost.csv?last=7d",
    ]
