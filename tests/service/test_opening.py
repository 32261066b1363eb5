"""Opening and closing a store: what is created, what is refused with nothing touched, and what is derived again."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import CannotOpen, Closed, NotAProjection, UnknownScheme, UnknownTimezone
from analytics_es.log.address import log_path, read_models_path
from analytics_es.log.sqlite import log as log_on_sqlite
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from tests.children import ran
from tests.stores import Contents, contents, nth, numbered_pseudonyms, sql

ROOT = Path(__file__).parents[2]
DAY = TimePeriod.day(date(2026, 3, 2))
EVENTS = [{**valid(), "id": "1", "source": "test"} for valid in (provider_call, tool_call, job_failed)]

WHOLE = ["a.db", "a.vault.db", "a.vault.key", "a.views.db"]  # a store that knows somebody

Place = Callable[[Path], Path]


def filled(path: Path, *events: dict[str, Any], **options: Any) -> Contents:
    """Record events in a store and return what its read models then hold."""
    with numbered_pseudonyms(), AnalyticsService.open(path, follow=False, **options) as analytics:
        analytics.record_events(events or EVENTS).unwrap()
        analytics.catch_up()
        return contents(analytics.store.read_models)


def held(path: Path, **options: Any) -> Contents:
    """Return what the read models of a store hold, caught up."""
    with AnalyticsService.open(path, follow=False, **options) as analytics:
        analytics.catch_up()
        return contents(analytics.store.read_models)


@cache
def _ordinary() -> tuple[dict[str, bytes], Contents]:
    with TemporaryDirectory() as folder:
        found = filled(Path(folder) / "a.db")
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}, found


def store(folder: Path) -> Path:
    """Put an ordinary store, made once, into a folder."""
    for name, content in _ordinary()[0].items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    return folder / "a.db"


def kept() -> Contents:
    """Return what the read models of an ordinary store hold."""
    return _ordinary()[1]


def files(folder: Path) -> dict[str, str]:
    """Return every file of a folder with a hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusal(url: str | Path, **options: Any) -> tuple[str, str]:
    """Return code and message of a store that cannot be opened."""
    try:
        AnalyticsService.open(url, follow=False, **options).close()
    except CannotOpen as error:
        return error.code, str(error)
    pytest.fail("it was opened")


# ── what is created ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def _open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_to_all")
def test_a_new_path_becomes_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db") as analytics:
        analytics.record_event(**job_failed())
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}

    assert sorted(files(tmp_path)) == WHOLE
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("name", "read_models"),
    [
        ("a.db", "a.views.db"),
        ("analytics", "analytics.views"),
        ("a.b.sqlite", "a.b.views.sqlite"),
        ("mit Leerzeichen?#%20ä.db", "mit Leerzeichen?#%20ä.views.db"),
    ],
)
def test_the_read_models_are_kept_beside_the_log(tmp_path: Path, name: str, read_models: str) -> None:
    assert read_models_path(tmp_path / name) == tmp_path / read_models

    filled(tmp_path / name)

    assert {name, read_models} < set(files(tmp_path))


@pytest.mark.parametrize("url", ["a.db", "./a.db", "sqlite:///a.db", Path("a.db")])
def test_a_path_and_a_url_are_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str | Path
) -> None:
    monkeypatch.chdir(tmp_path)

    AnalyticsService.open(url, follow=False).close()

    assert sorted(files(tmp_path)) == ["a.db", "a.views.db"]


def test_a_url_of_four_slashes_is_absolute(tmp_path: Path) -> None:
    AnalyticsService.open(f"sqlite:///{tmp_path}/a.db", follow=False).close()

    assert sorted(files(tmp_path)) == ["a.db", "a.views.db"]


@pytest.mark.parametrize("url", [":memory:", "sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert log_path(url) is None

    with AnalyticsService.open(url) as analytics:
        analytics.record_event(**job_failed())
        assert analytics.wait_until_caught_up() == nth(1)

    assert files(tmp_path) == {}


def test_two_stores_in_memory_are_two() -> None:
    with AnalyticsService.open(":memory:") as one, AnalyticsService.open(":memory:") as other:
        one.record_event(**job_failed())

        assert (one.catch_up(), other.catch_up()) == (nth(1), 0)


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()

    filled(tmp_path / "a.db")

    assert sorted(files(tmp_path)) == WHOLE


def test_both_files_say_whose_they_are(tmp_path: Path) -> None:
    store(tmp_path)

    assert (tmp_path / "a.db").read_bytes()[68:72] == b"AESE"
    assert (tmp_path / "a.views.db").read_bytes()[68:72] == b"AESV"


def test_opening_and_closing_changes_nothing(tmp_path: Path) -> None:
    path = store(tmp_path)
    before = files(tmp_path)

    AnalyticsService.open(path).close()

    assert files(tmp_path) == before


def test_a_new_store_can_be_opened_by_many_at_once(tmp_path: Path) -> None:
    ready = threading.Barrier(6)
    opened: list[AnalyticsService] = []
    problems: list[Exception] = []

    def work() -> None:
        ready.wait()
        try:
            opened.append(AnalyticsService.open(tmp_path / "a.db", follow=False))
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    identities = {service.store.log.identity for service in opened}
    for service in opened:
        service.close()

    assert problems == []
    assert len(identities) == 1


# ── what is refused: nothing is created, nothing is touched ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        *("", "postgresql:/localhost/a://", "mysql://a", "http://localhost/a.db", "file:///a.db?mode=ro", "://a.db"),
        *("sqlite://a.db", "sqlite://host/a.db", "sqlite:///", "SQLITE:///a.db", "duckdb:///a.db"),
    ],
)
def test_an_unknown_scheme_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)

    assert refusal(url) == (
        "unknown_scheme",
        f"{url!r} is not a store this version knows: pass a file path, sqlite:///path, :memory: or "
        "postgresql://user@host/database.",
    )
    assert files(tmp_path) == {}


def test_a_scheme_is_told_before_anything_is_opened() -> None:
    with pytest.raises(UnknownScheme):
        log_path("redis://localhost")


def a_directory(folder: Path) -> Path:
    (folder / "a.db").mkdir()
    return folder / "a.db"


def views_that_are_a_directory(folder: Path) -> Path:
    (folder / "a.views.db").mkdir()
    return folder / "a.db"


def a_missing_folder(folder: Path) -> Path:
    return folder / "no" / "a.db"


def a_file_for_a_folder(folder: Path) -> Path:
    (folder / "no").write_text("a file")
    return folder / "no" / "a.db"


def a_text(folder: Path) -> Path:
    (folder / "a.db").write_text("not a database " * 100)
    return folder / "a.db"


def a_short_text(folder: Path) -> Path:
    (folder / "a.db").write_text("x")
    return folder / "a.db"


def a_torn_database(folder: Path) -> Path:
    (folder / "a.db").write_bytes(b"SQLite format 3\0")
    return folder / "a.db"


def a_foreign_database(folder: Path) -> Path:
    sql(folder / "a.db", "CREATE TABLE theirs (id INTEGER)")
    return folder / "a.db"


def a_foreign_database_with_a_name(folder: Path) -> Path:
    sql(folder / "a.db", "PRAGMA application_id = 1196444487")
    return a_foreign_database(folder)


def a_foreign_database_that_logs_ahead(folder: Path) -> Path:
    sql(folder / "a.db", "PRAGMA journal_mode = WAL")
    return a_foreign_database(folder)


def foreign_views_without_a_log(folder: Path) -> Path:
    sql(folder / "a.views.db", "CREATE TABLE theirs (id INTEGER)")
    return folder / "a.db"


def views_for_a_log(folder: Path) -> Path:
    return store(folder).with_name("a.views.db")


def a_newer_log(folder: Path) -> Path:
    store(folder)
    sql(folder / "a.db", f"PRAGMA user_version = {log_on_sqlite.SCHEMA + 1}")
    return folder / "a.db"


def a_device(_: Path) -> Path:
    return Path(os.devnull)


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.db")
    return folder / "a.db"


def a_long_name(folder: Path) -> Path:
    return folder / ("a" * 300)


def a_name_with_nul(folder: Path) -> Path:
    return folder / "a\0.db"


ANOTHER = "is not an analytics_es store (it is a SQLite database of another application); it was left untouched. "


@pytest.mark.parametrize(
    ("place", "code", "told"),
    [
        (a_directory, "not_a_file", "a.db is a directory: pass the path of a file in it, such as "),
        (views_that_are_a_directory, "not_a_file", "a.views.db is a directory: pass the path of a file in it"),
        (a_missing_folder, "no_folder", "no does not exist: create it first."),
        (a_file_for_a_folder, "no_folder", "no does not exist: create it first."),
        (a_text, "not_ours", "a.db is not an analytics_es store (it is not a SQLite database); it was left untouched."),
        (a_short_text, "not_ours", "(it is not a SQLite database); it was left untouched. Pass another path."),
        (a_torn_database, "not_ours", "(it is not a SQLite database); it was left untouched. Pass another path."),
        (a_foreign_database, "not_ours", f"a.db {ANOTHER}Pass another path."),
        (a_foreign_database_with_a_name, "not_ours", f"a.db {ANOTHER}"),
        (a_foreign_database_that_logs_ahead, "not_ours", f"a.db {ANOTHER}"),
        (foreign_views_without_a_log, "not_ours", f"a.views.db {ANOTHER}"),
        (views_for_a_log, "not_ours", f"a.views.db {ANOTHER}"),
        (a_newer_log, "newer_schema", "a.db was written by a newer analytics_es (schema 5, this one knows 4): upgrade"),
        (a_device, "not_writable", "null cannot be written: it is not a file."),
        (a_pipe, "not_writable", "a.db cannot be written: it is not a file."),
        (a_long_name, "not_writable", "cannot be written: File name too long."),
        (a_name_with_nul, "bad_option", "url_or_path must be the path of a file, not "),
    ],
)
def test_what_cannot_be_opened_is_told_and_left_as_it_is(tmp_path: Path, place: Place, code: str, told: str) -> None:
    path = place(tmp_path)
    before = files(tmp_path)

    found, message = refusal(path)

    assert (found, files(tmp_path)) == (code, before)
    assert told in message


@pytest.mark.parametrize("blocked", ["", "a.db"])
def test_what_cannot_be_written_is_told_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocked: str
) -> None:
    store(tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / blocked)

    code, message = refusal(tmp_path / "a.db")

    assert (code, files(tmp_path)) == ("not_writable", before)
    assert message.endswith("cannot be written: no permission.")


def test_in_a_folder_that_cannot_be_written_nothing_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)

    assert refusal(tmp_path / "a.db")[0] == "not_writable"
    assert files(tmp_path) == {}


@pytest.mark.parametrize("stored", ["UTC", "Asia/Kathmandu"])
def test_read_models_kept_in_another_zone_are_told_and_left_as_they_are(tmp_path: Path, stored: str) -> None:
    filled(tmp_path / "a.db", timezone=stored)
    before = files(tmp_path)

    assert refusal(tmp_path / "a.db", timezone="Europe/Berlin") == (
        "other_timezone",
        f"The read models of {tmp_path}/a.views.db are kept in {stored}, not Europe/Berlin: open it with "
        f"timezone={stored!r}, or delete that file to have them rebuilt in Europe/Berlin.",
    )
    assert files(tmp_path) == before


def test_read_models_can_be_moved_to_another_zone_by_deleting_them(tmp_path: Path) -> None:
    path = store(tmp_path)
    (tmp_path / "a.views.db").unlink()

    assert held(path, timezone="Asia/Kathmandu") == filled(Path(":memory:"), timezone="Asia/Kathmandu") != kept()


@pytest.mark.parametrize("name", ["Nowhere/City", "", "localtime", "../etc/passwd", "Europe", "x" * 300, "a\0b"])
def test_an_unknown_zone_is_told_before_anything_is_created(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownTimezone) as caught:
        AnalyticsService.open(tmp_path / "a.db", timezone=name)

    assert str(caught.value) == f"{name!r} is not a time zone of the IANA database, such as Europe/Berlin."
    assert files(tmp_path) == {}


def test_a_wrong_projection_is_told_before_anything_is_created(tmp_path: Path) -> None:
    with pytest.raises(NotAProjection):
        AnalyticsService.open(tmp_path / "a.db", projections=[int])

    assert files(tmp_path) == {}


def test_ids_cannot_become_strict_where_they_were_not(tmp_path: Path) -> None:
    later = {**EVENTS[0], "occurred_at": NOON + timedelta(seconds=1)}
    filled(tmp_path / "a.db", EVENTS[0], later)
    before = files(tmp_path)

    assert refusal(tmp_path / "a.db", strict_ids=True) == (
        "shared_ids",
        f"{tmp_path}/a.db holds events that share source and id but not their time: 1 of the ids of *, the first at "
        "positions 2 and 3. Nothing was changed; leave * out of strict_ids.",
    )
    assert files(tmp_path) == before


def test_ids_stay_strict_once_they_are(tmp_path: Path) -> None:
    later = {**EVENTS[0], "occurred_at": NOON + timedelta(seconds=1)}
    filled(tmp_path / "a.db", EVENTS[0], strict_ids=True)

    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        assert analytics.record_event(**later).unwrap().duplicate


# ── what is derived again ───────────────────────────────────────────────────────────────────────────────────────


def test_read_models_may_be_deleted_and_come_back_identical(tmp_path: Path) -> None:
    path = store(tmp_path)
    (tmp_path / "a.views.db").unlink()

    assert held(path) == kept()


def test_read_models_may_be_deleted_while_the_store_is_open(tmp_path: Path) -> None:
    path = store(tmp_path)
    with AnalyticsService.open(path) as analytics:
        analytics.record_event(**job_failed())
        for read_models in tmp_path.glob("a.views.db*"):
            read_models.unlink()
        analytics.record_event(**job_failed())

    assert held(path) == filled(Path(":memory:"), *EVENTS, job_failed(), job_failed())


def test_what_is_up_to_date_is_not_derived_again(tmp_path: Path) -> None:
    path = store(tmp_path)
    sql(tmp_path / "a.views.db", "UPDATE usage_v4 SET events = 1000")

    found = held(path)

    place = [index for index, value in enumerate(found["usage"][0]) if value == 1000]
    assert len(place) == 1
    assert {row[place[0]] for row in found["usage"]} == {1000}


# ── closing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_closing_again_changes_nothing(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db") as analytics:
        analytics.record_event(**job_failed())
        analytics.close()
        analytics.close()

    assert sorted(files(tmp_path)) == WHOLE


def test_a_store_is_closed_where_its_user_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), AnalyticsService.open(tmp_path / "a.db"):
        1 / 0

    assert sorted(files(tmp_path)) == ["a.db", "a.views.db"]


def test_closing_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())

    with AnalyticsService.open(":memory:") as analytics:
        analytics.record_event(**job_failed())
        analytics.wait_until_caught_up()
        assert set(threading.enumerate()) > before

    assert set(threading.enumerate()) == before


CALLS: dict[str, Callable[[AnalyticsService], Any]] = {
    "record_event": lambda analytics: analytics.record_event(**job_failed()),
    "record_events": lambda analytics: analytics.record_events([job_failed()]),
    "projections": lambda analytics: analytics.projections(),
    "unreadable_values": lambda analytics: analytics.unreadable_values(),
    "list_metrics": lambda analytics: analytics.list_metrics(),
    "get_summary": lambda analytics: analytics.get_summary("usage.events", DAY),
    "get_usage_stats": lambda analytics: analytics.get_usage_stats(None, None, DAY),
    "get_performance_metrics": lambda analytics: analytics.get_performance_metrics(DAY),
    "get_cost_breakdown": lambda analytics: analytics.get_cost_breakdown(DAY),
    "run_aggregation": lambda analytics: analytics.run_aggregation(DAY),
    "export_data": lambda analytics: analytics.export_data("json", DAY),
}


@pytest.fixture(scope="module", params=[True, False], ids=["following", "not following"])
def closed(request: pytest.FixtureRequest) -> AnalyticsService:
    with AnalyticsService.open(":memory:", follow=request.param) as analytics:
        return analytics


@pytest.mark.parametrize("name", CALLS)
def test_after_closing_every_call_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: AnalyticsService, name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    failure = CALLS[name](closed).failure

    assert (failure.code, failure.message) == ("closed", "This analytics service is closed: open it again.")
    assert files(tmp_path) == {}


def test_after_closing_nothing_catches_up(closed: AnalyticsService) -> None:
    with pytest.raises(Closed):
        closed.catch_up()
    with pytest.raises(Closed):
        closed.wait_until_caught_up()


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = log_on_sqlite.SQLiteLog(tmp_path / "a.db")
    log.close()

    for call in (log.head, lambda: log.at(1), lambda: log.append([log_on_sqlite.Entry("0" * 32, "a.b", b"")])):
        with pytest.raises(Closed):
            call()


# ── projections that are not ours ───────────────────────────────────────────────────────────────────────────────

ITS_OWN = """
import projections
from analytics_es import AnalyticsService
from analytics_es.projections import Usage

with AnalyticsService.open("a.db") as analytics:
    names = [projection.name for projection in analytics.projections().unwrap()]
print(projections.__file__, names, Usage.__module__)
"""


@pytest.mark.parametrize("own", ["projections/__init__.py", "projections.py"])
def test_an_application_may_have_projections_of_its_own(tmp_path: Path, own: str) -> None:
    theirs = tmp_path / own
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])

    done = ran([sys.executable, "-c", ITS_OWN], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})

    ours = ["budgets", "cost", "performance", "usage"]
    assert (done.stdout, done.stderr) == (f"{theirs} {ours} analytics_es.projections.usage\n", "")
