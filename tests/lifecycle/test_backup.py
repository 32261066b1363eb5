"""A backup is complete, opens as a store, and disturbs nobody."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.log.sqlite import copying
from analytics_es.testing import tool_call
from tests.faults.storm import identities
from tests.servers import Server
from tests.stores import PATIENCE, contents, derived, nth, sql


def event(number: int) -> dict[str, Any]:
    return {**tool_call(user_id=f"user-{number}"), "source": "test", "id": str(number)}


pytestmark = pytest.mark.store("sqlite", events=[event(n) for n in range(500)])


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PAGES", 1)


def test_a_backup_holds_what_a_copy_of_the_file_lacks(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.record_event(**event(500)).unwrap()
    shutil.copy(tmp_path / "analytics.db", tmp_path / "copied.db")

    result = analytics.back_up(tmp_path / "backup.db").unwrap()

    assert (result.last_position, result.bytes) == (nth(501), (tmp_path / "backup.db").stat().st_size)
    assert sql(tmp_path / "backup.db", "SELECT count(*) FROM stored_events") == [(nth(501),)]
    assert sql(tmp_path / "copied.db", "SELECT count(*) FROM stored_events") == [(nth(500),)]


def test_a_backup_is_a_store_whose_read_models_are_derived_again(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.catch_up()
    before, answers = identities(analytics.store.log), contents(analytics.store.read_models)  # type: ignore[arg-type]
    analytics.back_up(tmp_path / "backup.db").unwrap()

    with AnalyticsService.open(tmp_path / "backup.db", follow=False) as restored:
        restored.catch_up()
        assert identities(restored.store.log) == before
        assert contents(restored.store.read_models) == answers  # type: ignore[arg-type]
        assert restored.record_event(**event(499)).unwrap().duplicate
        assert restored.record_event(**event(500)).unwrap().position == nth(501)


def test_positions_are_kept_where_one_is_missing(analytics: AnalyticsService, tmp_path: Path) -> None:
    sql(tmp_path / "analytics.db", "DELETE FROM stored_events WHERE rowid = 7")

    analytics.back_up(tmp_path / "backup.db").unwrap()

    assert sql(tmp_path / "backup.db", "SELECT min(rowid) FROM stored_events WHERE rowid > 6") == [(8,)]


@pytest.mark.usefixtures("in_small_parts")
def test_a_backup_is_one_state_although_others_record_meanwhile(analytics: AnalyticsService, tmp_path: Path) -> None:
    numbers = count(500)

    def record_one(*_: object) -> None:
        analytics.record_event(**event(next(numbers))).unwrap()

    result = analytics.back_up(tmp_path / "backup.db", progress=record_one).unwrap()

    assert analytics.store.log.head() > result.last_position == nth(500)
    assert sql(tmp_path / "backup.db", "PRAGMA integrity_check") == [("ok",)]
    with AnalyticsService.open(tmp_path / "backup.db", follow=False) as restored:
        restored.catch_up()
        assert identities(restored.store.log) == identities(analytics.store.log)[: nth(500)]
        assert contents(restored.store.read_models) == derived(restored.store.log)  # type: ignore[arg-type]


@pytest.mark.usefixtures("in_small_parts")
def test_progress_is_told_in_pages(analytics: AnalyticsService, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    analytics.back_up(tmp_path / "backup.db", progress=lambda _, *at: told.append(at)).unwrap()

    pages = told[-1][1]
    assert told == [(page, pages) for page in range(1, pages + 1)]


def test_a_backup_is_for_its_owner_alone_and_leaves_nothing_else(analytics: AnalyticsService, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    analytics.back_up(folder / "backup.db").unwrap()

    assert [(file.name, oct(file.stat().st_mode & 0o777)) for file in folder.iterdir()] == [("backup.db", "0o600")]


def a_file(place: Path) -> str:
    place.write_text("mine")
    return "file_exists"


def a_link_to_nowhere(place: Path) -> str:
    place.symlink_to("nowhere")
    return "file_exists"


def a_directory(place: Path) -> str:
    place.mkdir()
    return "cannot_write"


@pytest.mark.parametrize("there_is", [a_file, a_link_to_nowhere, a_directory])
def test_a_backup_never_replaces_anything(
    analytics: AnalyticsService, tmp_path: Path, there_is: Callable[[Path], str]
) -> None:
    code = there_is(tmp_path / "backup.db")

    failure = analytics.back_up(tmp_path / "backup.db").failure

    assert failure
    assert failure.code == code


@pytest.mark.usefixtures("in_small_parts")
def test_a_backup_that_is_interrupted_leaves_no_file(analytics: AnalyticsService, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    def interrupt(_: str, done: int, _all: int) -> None:
        assert not (folder / "backup.db").exists()
        if done > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analytics.back_up(folder / "backup.db", progress=interrupt)

    assert list(folder.iterdir()) == []


def test_a_store_in_memory_can_be_kept(tmp_path: Path) -> None:
    with AnalyticsService.open(":memory:", follow=False) as service:
        service.record_event(**tool_call()).unwrap()
        assert service.back_up(tmp_path / "backup.db").unwrap().last_position == nth(1)

    with AnalyticsService.open(tmp_path / "backup.db", follow=False) as restored:
        assert restored.store.log.head() == nth(1)


@pytest.mark.usefixtures("in_small_parts")
def test_recording_does_not_wait_for_a_backup(analytics: AnalyticsService, tmp_path: Path) -> None:
    halfway, recorded = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        halfway.set()
        assert recorded.wait(PATIENCE)

    backing_up = threading.Thread(target=lambda: analytics.back_up(tmp_path / "backup.db", progress=wait))
    backing_up.start()
    assert halfway.wait(PATIENCE)
    assert analytics.record_event(**event(500)).unwrap().position == nth(501)
    recorded.set()
    backing_up.join()


def test_a_store_on_a_server_is_left_to_the_tool_of_its_database(postgres: Server, tmp_path: Path) -> None:
    with AnalyticsService.open(postgres.url, schema=postgres.schema(), follow=False) as service:
        failure = service.back_up(tmp_path / "backup.db").failure

    assert failure
    assert "pg_dump" in failure.message
    assert list(tmp_path.iterdir()) == []
