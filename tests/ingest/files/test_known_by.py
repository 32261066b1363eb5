"""Rows that are known by what they are about: sums of a day are the same event again, whatever they tell then."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.files import Mapping, read_mapping, rows
from analytics_es.types import BatchReceipt
from tests.byte_search import holders
from tests.stores import recorded

MAPPING = """
[[event]]
type = "'provider.usage.billed'"
occurred_at = "day"
source = "'bill'"
known_by = "concat_ws('|', day, who)"
[event.data]
provider = "'acme'"
cost = "usd"
currency = "'USD'"
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Mapping:
    (tmp_path / "m.toml").write_text(MAPPING)
    return read_mapping(tmp_path / "m.toml")


def load(analytics: AnalyticsService, path: Path, mapping: Mapping, *lines: str) -> BatchReceipt:
    path.write_text("day,who,usd\n" + "".join(f"{line}\n" for line in lines))
    return analytics.importing().record(rows(path, mapping))


def test_the_same_again_adds_nothing_and_another_amount_differs(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    load(analytics, tmp_path / "a.csv", mapping, "2026-03-02,ada,1", "2026-03-02,bob,2")

    again = load(analytics, tmp_path / "b.csv", mapping, "2026-03-02,bob,2", "2026-03-02,ada,7", "2026-03-03,ada,1")

    assert (again.recorded, again.duplicates, again.differing) == (1, 2, 1)
    assert sorted(event.data["cost"] for event in recorded(analytics)) == ["1", "1", "2"]


def test_several_about_the_same_are_known_as_the_first_the_second(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    lines = ("2026-03-02,ada,1", "2026-03-02,ada,1", "2026-03-02,ada,2")

    first, again = (load(analytics, tmp_path / "a.csv", mapping, *lines) for _ in range(2))

    assert (first.recorded, again.recorded, again.differing) == (3, 0, 0)


@pytest.mark.store("file")
def test_what_a_row_is_about_is_not_to_be_read_in_the_store(
    analytics: AnalyticsService, tmp_path: Path, mapping: Mapping
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    load(analytics, tmp_path / "a.csv", mapping, "2026-03-02,ada.lovelace@example.com,1")
    analytics.close()
    for path in tmp_path.glob("analytics*"):
        path.rename(store / path.name)

    assert holders(store, ["ada.lovelace@example.com"]) == {}
