"""Read models that are damaged or somebody else's: recorded all the same, moved aside, derived again, never deleted."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import LogBehind
from analytics_es.log.sqlite import log as log_on_sqlite
from analytics_es.read_models import aside
from analytics_es.read_models import sqlite as views_on_sqlite
from analytics_es.store import exists
from analytics_es.testing import NOON, job_failed, tool_call
from tests.stores import Contents, contents, opened, sql

DAY = TimePeriod.parse(NOON.date().isoformat())
EVENTS = [tool_call(), job_failed(), tool_call(user_id="grace"), *[tool_call(user_id=f"user-{n}") for n in range(300)]]

Spoil = Callable[[Path], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a store that holds some events, closed."""
    filled(tmp_path / "a.db")
    return tmp_path / "a.db"


@pytest.fixture
def views(path: Path) -> Path:
    return path.with_name("a.views.db")


def filled(path: Path, *more: dict[str, object]) -> None:
    with opened(path, privacy="full") as service:
        service.record_events([*EVENTS, *more]).unwrap()
        service.catch_up()


def held(path: Path) -> Contents:
    """Return what read models hold when they are caught up."""
    with opened(path, privacy="full") as service:
        service.catch_up()
        return contents(service.store.read_models)  # type: ignore[arg-type]


# ── what may be found in their place ────────────────────────────────────────────────────────────────────────────


def random_bytes(views: Path) -> None:
    views.write_bytes(random.Random(1).randbytes(100_000))


def a_text(views: Path) -> None:
    views.write_text("not a database\n" * 100)


def a_few_bytes(views: Path) -> None:
    views.write_bytes(b"SQLite format 3\0")


def half_of_them(views: Path) -> None:
    with views.open("r+b") as file:
        file.truncate(views.stat().st_size // 2 // 4096 * 4096)


def without_their_schema(views: Path) -> None:
    with views.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 3996)


def another_database(views: Path) -> None:
    views.unlink()
    sql(views, "CREATE TABLE theirs (id INTEGER)")


def a_duckdb(views: Path) -> None:
    views.unlink()
    duckdb.connect(str(views)).close()


def a_log(views: Path) -> None:
    shutil.copy(views.with_name("a.db"), views)


def of_another_log(views: Path) -> None:
    filled(views.with_name("other.db"), tool_call(occurred_at=NOON + timedelta(hours=1)))
    shutil.move(views.with_name("other.views.db"), views)


def of_a_newer_version(views: Path) -> None:
    sql(views, f"PRAGMA user_version = {views_on_sqlite.SCHEMA + 1}")


def a_directory(views: Path) -> None:
    views.unlink()
    views.mkdir()
    (views / "something").write_text("else")


def with_the_write_ahead_log_of_another(views: Path) -> None:
    """A crash leaves one, and somebody puts another database beside it."""
    other = views.with_name("b.db")
    with opened(other, privacy="full") as service:
        service.record_events(EVENTS[:3]).unwrap()
        shutil.copy(f"{other}-wal", f"{views}-wal")


def without_a_column(views: Path) -> None:
    sql(views, f"ALTER TABLE {table(views, 'usage')} RENAME COLUMN events TO other")


def without_a_key(views: Path) -> None:
    name = table(views, "usage")
    sql(views, f"ALTER TABLE {name} RENAME TO before")
    sql(views, f"CREATE TABLE {name} AS SELECT * FROM before")


def without_definitions(views: Path) -> None:
    sql(views, "UPDATE registry SET definition = '[]'")


def without_a_registry(views: Path) -> None:
    sql(views, "ALTER TABLE registry DROP COLUMN definition")


MOVED: dict[Spoil, str] = {
    random_bytes: "foreign",
    a_text: "foreign",
    a_few_bytes: "foreign",
    half_of_them: "damaged",
    without_their_schema: "damaged",
    another_database: "foreign",
    a_duckdb: "foreign",
    a_log: "foreign",
    of_another_log: "foreign",
    of_a_newer_version: "newer",
    a_directory: "foreign",
    with_the_write_ahead_log_of_another: "damaged",
    without_a_column: "damaged",
    without_a_key: "damaged",
    without_definitions: "damaged",
    without_a_registry: "damaged",
}


def table(views: Path, projection: str) -> str:
    return str(sql(views, "SELECT read_model FROM registry WHERE projection = ?", projection)[0][0])


@pytest.mark.parametrize("spoil", MOVED, ids=lambda spoil: spoil.__name__)
def test_what_are_no_read_models_is_moved_aside_and_told_and_everything_is_as_before(
    path: Path, views: Path, spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(views)
    spoiled = views.read_bytes() if views.is_file() else b""

    with opened(path, privacy="full") as service:
        assert service.record_event(**job_failed()).ok
    after = held(path)

    place = views.with_name(f"a.views.db.{MOVED[spoil]}-1")
    assert aside.moved_aside(views) == [place]
    assert str(place) in caplog.text
    kept = place / "a.views.db"
    there = kept / "something" if kept.is_dir() else kept
    assert there.read_bytes()[:16] == (spoiled or b"else")[:16]
    views.unlink()
    assert after == held(path)


def test_the_second_time_it_is_another_name_and_nothing_is_overwritten(path: Path, views: Path) -> None:
    for text in ("one", "two"):
        views.write_text(text)
        held(path)

    assert [(place.name, (place / "a.views.db").read_text()) for place in aside.moved_aside(views)] == [
        ("a.views.db.foreign-1", "one"),
        ("a.views.db.foreign-2", "two"),
    ]


def test_an_empty_file_is_filled_again(path: Path, views: Path) -> None:
    before = held(path)
    views.write_bytes(b"")

    assert (held(path), aside.moved_aside(views)) == (before, [])


# ── what is gone of them ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "which", ["DROP TABLE {}", "DELETE FROM tracking", "DROP TABLE tracking", "DROP TABLE registry"]
)
def test_a_table_or_a_checkpoint_that_is_gone_is_never_a_zero_nor_counted_twice(
    path: Path, views: Path, which: str
) -> None:
    before = held(path)
    sql(views, which.format(table(views, "usage")))

    assert held(path) == before


# ── met in the middle ───────────────────────────────────────────────────────────────────────────────────────────


def broken_pages(views: Path) -> None:
    """Spoil every page but the first, which tells where tables are."""
    pages = views.stat().st_size // 4096
    with views.open("r+b") as file:
        for page in range(1, pages):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


def pages_of(views: Path, name: str) -> list[int]:
    return [page for (page,) in sql(views, "SELECT rootpage FROM sqlite_master WHERE tbl_name = ?", name)]


def test_damage_that_a_question_meets_is_told_once_and_then_everything_is_derived_again(
    path: Path, views: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = held(path)
    pages = pages_of(views, table(views, "usage"))
    with views.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)

    with opened(path, privacy="full") as service:
        failure = service.get_usage_stats("tool", None, DAY).failure
        assert failure is not None
        assert (failure.code, "moved aside and derived again" in failure.message) == ("damaged_read_models", True)
        service.catch_up()
        assert service.get_usage_stats("tool", None, DAY).ok

    assert [place.name for place in aside.moved_aside(views)] == ["a.views.db.damaged-1"]
    assert "a.views.db.damaged-1" in caplog.text
    assert set(before) == set(held(path))


def test_a_row_of_a_time_that_is_no_hour_is_damage_that_a_question_meets(path: Path, views: Path) -> None:
    with opened(path, privacy="full") as service:
        before = service.get_summary("usage.events", DAY).unwrap().figures
    sql(views, "UPDATE usage_v4 SET bucket = bucket + 32 WHERE grain = 'hour'")

    with opened(path, privacy="full") as service:
        met = service.get_summary("usage.events", DAY)
        service.catch_up()
        after = service.get_summary("usage.events", DAY).unwrap().figures

    assert met.failure is not None
    assert met.failure.code == "damaged_read_models"
    assert after == before


def test_a_process_that_only_asks_and_ends_leaves_the_damage_behind_it(path: Path, views: Path) -> None:
    with views.open("r+b") as file:
        for page in pages_of(views, table(views, "usage")):
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)
    for code in ("damaged_read_models", None):
        with opened(path, privacy="full") as service:
            failure = service.get_usage_stats("tool", None, DAY).failure
            assert (failure and failure.code) == code
            service.catch_up()


def test_who_is_forgotten_may_still_be_in_what_was_moved_aside_which_the_receipt_says(path: Path, views: Path) -> None:
    views.rename(views.with_name("before"))
    of_another_log(views)
    with opened(path, privacy="full") as service:
        remains = service.forget("grace").unwrap().remains

    assert any("a.views.db.foreign-1" in place for place in remains), remains


# ── what is sealed ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_sealed_comes_back_from_the_log(path: Path, views: Path) -> None:
    with opened(path, privacy="full", retention={"events": "1d"}) as service:
        service.retain().unwrap()
        assert service.store.log.seals.horizon().seal == 1
    before = held(path)
    random_bytes(views)

    assert held(path) == before
    assert before["usage"]


# ── a log that is behind ────────────────────────────────────────────────────────────────────────────────────────


def is_gone(path: Path) -> None:
    path.unlink()


def is_empty(path: Path) -> None:
    path.write_bytes(b"")


def is_new(path: Path) -> None:
    path.unlink()
    views = path.with_name("a.views.db")
    views.rename(path.with_name("away"))
    with opened(path):
        pass
    path.with_name("away").replace(views)


def is_an_older_copy(path: Path) -> None:
    sql(path, "DELETE FROM stored_events WHERE rowid > 100")


def has_no_events(path: Path) -> None:
    sql(path, "DELETE FROM stored_events")


@pytest.mark.parametrize("behind", [is_gone, is_empty, is_new, is_an_older_copy, has_no_events])
def test_a_log_that_is_behind_its_read_models_is_refused_with_what_to_do_and_nothing_is_changed(
    path: Path, views: Path, behind: Spoil
) -> None:
    behind(path)
    there, before = path.exists(), views.read_bytes()

    with pytest.raises(LogBehind, match=f"up to position {len(EVENTS)}") as caught:
        AnalyticsService.open(path, privacy="full")

    assert f"move {views} away" in str(caught.value)
    assert (path.exists(), views.read_bytes()) == (there, before)
    views.rename(path.with_name("away"))
    with opened(path, privacy="full") as service:
        assert service.record_event("job.completed", {}).ok


@pytest.mark.parametrize("name", ["a.views.db", "a.vault.db"])
def test_beside_read_models_without_figures_a_store_begins(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / "a.db"):
        pass
    (tmp_path / "a.db").unlink()

    with opened(tmp_path / "a.db") as service:
        assert service.record_event("job.completed", {}).ok


def test_a_log_of_another_database_is_told_as_damage(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {log_on_sqlite.KIND}")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 40_000)

    with pytest.raises(Exception, match="is damaged") as caught:
        AnalyticsService.open(path, follow=False)

    assert getattr(caught.value, "code", None) == "store_damaged"


@pytest.mark.parametrize("left", [b"", None], ids=["empty", "gone"])
def test_who_asks_a_store_whose_log_is_gone_is_told_so_and_not_to_record_first(
    path: Path, views: Path, left: bytes | None
) -> None:
    path.unlink()
    if left is not None:
        path.write_bytes(left)

    with pytest.raises(LogBehind):
        exists(path)

    views.unlink()
    assert not exists(path)
