"""What can happen to SQLite files: no space, a lock, an end in the middle of a commit, no permission, gone, copied."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import CannotOpen, StoreBusy, StoreFailed, StoreMoved
from analytics_es.log.sqlite import database as sqlite_database
from analytics_es.log.sqlite.only_one import only_one
from analytics_es.testing import job_failed, tool_call
from tests.children import patient
from tests.faults import worker
from tests.faults.storm import identities, processes
from tests.faults.test_processes import assert_derivable
from tests.stores import PATIENCE, eventually, sql


def batch(number: int, size: int = 50, **changes: Any) -> list[dict[str, Any]]:
    """Return events that belong together: all of them are there, or none."""
    return [
        {**tool_call(user_id=f"user-{number}-{n}", **changes), "source": f"batch-{number}", "id": str(n)}
        for n in range(size)
    ]


def sizes_of_batches(service: AnalyticsService) -> set[int]:
    sources = [source for source, _ in identities(service.store.log)]
    return {sources.count(source) for source in set(sources)}


# ── opened more than once ───────────────────────────────────────────────────────────────────────────────────────


def in_another_process(code: str) -> str:
    command = [sys.executable, "-c", f"from analytics_es import AnalyticsService\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout.strip()


def test_a_store_that_is_opened_twice_in_a_process_is_safe_from_other_processes(path: Path) -> None:
    """Who closes a file ends the locks that the whole process has on it, and the last one in takes the log away."""
    other = f"AnalyticsService.open({str(path)!r}, follow=False).record_event('job.completed', {{}}).unwrap()"
    with AnalyticsService.open(path, follow=False) as service:
        for number in range(3):
            with AnalyticsService.open(path, follow=False) as second:
                second.record_event("job.completed", {}).unwrap()
            in_another_process(other)
            service.record_events(batch(number)).unwrap()
            service.catch_up()

    with AnalyticsService.open(path, follow=False) as service:
        assert len(identities(service.store.log)) == 1 + 3 * (1 + 1 + 50)  # the policy, and what was recorded
        assert sizes_of_batches(service) == {1 + 3 + 3, 50}
    assert_derivable(str(path))


def test_who_is_refused_because_somebody_is_in_here_lets_nobody_in(path: Path) -> None:
    code = "from pathlib import Path\nfrom analytics_es.log.sqlite.only_one import only_one\n"
    with only_one(path) as alone, only_one(path) as second:
        assert (alone, second) == (True, False)
    with only_one(path):
        with only_one(path):
            pass
        asked = in_another_process(f"{code}with only_one(Path({str(path)!r})) as alone: print(alone)")
        assert asked == "False"


# ── no space ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def room(database: Any, pages: int) -> Iterator[None]:
    """Let a database that is open have so many pages."""
    _limit(database, pages)
    yield
    _limit(database, 2**30)


def _limit(database: Any, pages: int) -> None:
    with database.writing.get_connection(commit=True) as connection:
        connection.cursor().execute(f"PRAGMA max_page_count = {pages}")


def record_until_it_fails(service: AnalyticsService) -> tuple[int, Any]:
    """Record batches until one is not recorded; returns how many were, and the failure."""
    for number in range(10_000):
        result = service.record_events(batch(number))
        if not result.ok:
            return number, result.failure
    raise AssertionError("there is no end to the space")


def test_a_log_that_is_full_says_so_keeps_whole_batches_and_goes_on_once_there_is_room(path: Path) -> None:
    with AnalyticsService.open(path, privacy="full") as service:
        with room(service.store.log._database, pages=60):  # type: ignore[attr-defined]
            recorded, failure = record_until_it_fails(service)
            assert failure.message == "The database reports: database or disk is full."
            assert service.store.log.head() == 50 * recorded > 0

        assert service.record_events(batch(recorded)).unwrap().recorded == 50
        service.wait_until_caught_up()
        assert sizes_of_batches(service) == {50}
    assert_derivable(str(path))


def test_read_models_that_are_full_say_so_and_go_on_once_there_is_room(path: Path) -> None:
    with AnalyticsService.open(path, follow=False, privacy="full") as service:
        for number in range(20):
            service.record_events(batch(number)).unwrap()
        with room(service.store.read_models._database, pages=20):  # type: ignore[attr-defined]
            with pytest.raises(StoreFailed, match="disk is full"):
                service.catch_up()
            full = [each for each in service.projections().unwrap() if each.error]
            assert {(each.position, each.rows) for each in full} == {(0, 0)}

        service.catch_up()
        assert not any(each.error for each in service.projections().unwrap())
    assert_derivable(str(path))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of one megabyte, where that is allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False).returncode
    ):
        pytest.skip("to mount a small file system takes root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_is_told_and_left_behind_once_there_is_room(small_disk: Path) -> None:
    with AnalyticsService.open(small_disk / "analytics.db", privacy="full") as service:
        recorded, failure = record_until_it_fails(service)
        assert (failure.code, failure.message) == ("store_failed", "The database reports: database or disk is full.")
        assert service.store.log.head() == 50 * recorded > 0
        with pytest.raises(StoreFailed, match="disk is full"):
            service.wait_until_caught_up()

        subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
        assert service.record_events(batch(recorded)).unwrap().recorded == 50
        eventually(lambda: {each.lag_events for each in service.projections().unwrap()} == {0})
        assert sizes_of_batches(service) == {50}
    assert_derivable(str(small_disk / "analytics.db"))


def test_on_a_disk_without_room_for_a_store_nothing_can_be_opened(small_disk: Path) -> None:
    (small_disk / "other").write_bytes(b"\0" * 2**20)

    with pytest.raises((CannotOpen, StoreFailed), match=r"full|No space"):
        AnalyticsService.open(small_disk / "analytics.db", privacy="full")

    (small_disk / "other").unlink()
    with AnalyticsService.open(small_disk / "analytics.db", privacy="full") as service:
        assert service.record_event(**tool_call()).ok


# ── locked ──────────────────────────────────────────────────────────────────────────────────────────────────────

HOLD = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); print(flush=True); input()"


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        with patient(process):
            process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def test_a_transaction_that_an_interrupt_has_left_open_is_ended_when_its_connection_comes_back(path: Path) -> None:
    with AnalyticsService.open(path, follow=False, privacy="full") as service:
        database: sqlite_database.Database = service.store.log._database  # type: ignore[attr-defined]
        with database.writing.get_connection(commit=True) as connection:
            connection.cursor().execute("BEGIN IMMEDIATE")  # and before anything else, Ctrl-C

        assert service.record_event(**tool_call()).unwrap().position == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "LOCK_TIMEOUT", 0.1)


@pytest.mark.usefixtures("impatient")
def test_a_log_locked_by_another_process_is_told_and_goes_on_once_it_is_not(path: Path) -> None:
    with AnalyticsService.open(path, privacy="full") as service:
        with locked_by_another_process(path):
            failure = service.record_event(**tool_call()).failure
            assert failure
            assert failure.code == "store_busy"

        assert service.record_event(**tool_call()).unwrap().position == 1
        assert service.wait_until_caught_up() == 1


@pytest.mark.usefixtures("impatient")
def test_read_models_locked_by_another_process_are_told_and_go_on_once_they_are_not(path: Path) -> None:
    with AnalyticsService.open(path, privacy="full") as service:
        with locked_by_another_process(path.with_name("analytics.views.db")):
            service.record_event(**tool_call()).unwrap()
            eventually(lambda: {"locked" in str(each.error) for each in service.projections().unwrap()} == {True})
            with pytest.raises(StoreBusy):
                service.wait_until_caught_up(timeout=1)

        eventually(lambda: {each.lag_events for each in service.projections().unwrap()} == {0})


# ── ended in the middle ─────────────────────────────────────────────────────────────────────────────────────────


def test_after_an_end_in_the_middle_of_a_commit_batches_are_whole_or_absent(path: Path) -> None:
    for life in range(15):
        at_work = processes.Event()
        process = processes.Process(target=worker.write_large, args=(str(path), life, at_work), daemon=True)
        process.start()
        assert at_work.wait(PATIENCE)
        time.sleep(random.uniform(0, 0.15))
        process.kill()
        process.join()

    with AnalyticsService.open(path, follow=False, privacy="full") as service:
        sizes = sizes_of_batches(service)
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]
    assert sizes == {worker.LARGE}
    assert_derivable(str(path))


# ── not ours to write ───────────────────────────────────────────────────────────────────────────────────────────


def stored(path: Path) -> None:
    with AnalyticsService.open(path, privacy="full") as service:
        service.record_event(**tool_call()).unwrap()
        service.wait_until_caught_up()


@contextmanager
def not_to_be_written(place: Path) -> Iterator[None]:
    """Take away the permission to write; from root nothing can be taken away but by a mount."""
    if os.geteuid():
        mode = place.stat().st_mode
        place.chmod(mode & ~0o222)
        yield
        place.chmod(mode)
        return
    bound: list[str | Path] = ["mount", "--bind", place, place]
    if subprocess.run(bound, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("root may write everything, and may not mount here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("name", ["analytics.db", "analytics.views.db", ""])
def test_what_may_not_be_written_cannot_be_opened_and_says_which(path: Path, name: str) -> None:
    stored(path)
    place = path.with_name(name) if name else path.parent

    with not_to_be_written(place), pytest.raises(CannotOpen, match="cannot be written: no permission") as caught:
        AnalyticsService.open(path, privacy="full")

    assert str(place) in str(caught.value)
    assert_derivable(str(path))


# ── gone, or another one ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("which", ["analytics.views.db*", "analytics.views.db"])
def test_read_models_deleted_under_a_follower_are_derived_again_at_once(path: Path, which: str) -> None:
    with AnalyticsService.open(path, privacy="full") as service:
        service.record_events(batch(1)).unwrap()
        service.wait_until_caught_up()
        for file in path.parent.glob(which):
            file.unlink()

        service.record_events(batch(2)).unwrap()
        service.wait_until_caught_up()

        assert sql(path.with_name("analytics.views.db"), "SELECT max(notification_id) FROM tracking") == [(100,)]
        with AnalyticsService.open(path, privacy="full") as other:  # in the same files
            assert {each.position for each in other.projections().unwrap()} == {100}
    assert_derivable(str(path))


def test_read_models_replaced_by_others_in_another_zone_are_told(path: Path) -> None:
    with AnalyticsService.open(path, follow=False, privacy="full") as service:
        for file in path.parent.glob("analytics.views.db*"):
            file.unlink()
        with AnalyticsService.open(path, timezone="Asia/Tokyo", follow=False, privacy="full"):
            pass

        failure = service.projections().failure

    assert failure
    assert failure.code == "other_timezone"


@pytest.mark.parametrize("replaced", [False, True])
def test_into_a_log_that_is_gone_or_another_one_nothing_is_recorded(path: Path, replaced: bool) -> None:
    with AnalyticsService.open(path, privacy="full") as service:
        service.record_event(**tool_call()).unwrap()
        path.rename(path.with_name("moved.db"))
        if replaced:
            stored(path.with_name("other.db"))
            path.with_name("other.db").rename(path)

        for failure in (
            service.record_event(**job_failed()).failure,
            service.record_events(batch(1)).failure,
            service.projections().failure,
        ):
            assert failure
            assert failure.code == "store_moved"
        with pytest.raises(StoreMoved, match="Open the store again"):
            service.wait_until_caught_up()

        path.with_name("moved.db").rename(path)
        assert service.record_event(**tool_call(), source="test", id="1").unwrap().position == 2


def test_a_log_that_is_gone_is_told_where_another_connection_would_be_needed(path: Path) -> None:
    with AnalyticsService.open(path, follow=False, privacy="full") as service:
        service.record_event(**tool_call()).unwrap()
        with service.store.log._database.read():  # type: ignore[attr-defined]
            path.rename(path.with_name("moved.db"))

            failure = service.record_events(batch(1)).failure

        assert failure
        assert failure.code == "store_moved"


def test_a_copy_of_the_file_alone_lacks_what_is_newest(path: Path, tmp_path: Path) -> None:
    with AnalyticsService.open(path, follow=False, privacy="full") as service:
        service.record_events(batch(1)).unwrap()
        shutil.copy(path, tmp_path / "copy.db")

        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
            tables = copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'stored_events'").fetchone()
            found = copy.execute("SELECT count(*) FROM stored_events").fetchone() if tables[0] else tables

    assert found[0] < 50


# ── together ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_twenty_processes_may_open_the_same_new_path_at_once(path: Path) -> None:
    openers = [processes.Process(target=worker.record_one, args=(str(path), n), daemon=True) for n in range(20)]
    for each in openers:
        each.start()
    for each in openers:
        each.join(PATIENCE)

    assert [each.exitcode for each in openers] == [0] * 20
    with AnalyticsService.open(path, follow=False, privacy="full") as service:
        assert sorted(identities(service.store.log)) == sorted(("opener", str(n)) for n in range(20))
    assert_derivable(str(path))
