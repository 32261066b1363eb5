"""What a killed process was writing: known by name, removed at the next start, told by `forget` while it is there."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import StoreBusy
from analytics_es.lifecycle import archive, backup, export, files
from analytics_es.log import unfinished
from analytics_es.process import owned
from analytics_es.testing import NOON, provider_call
from tests.byte_search import holders
from tests.children import in_a_child, joined
from tests.stores import in_full, opened

ADA, DAY = "ada.lovelace@example.com", timedelta(days=1)
EVER, LATER = TimePeriod(NOON - DAY, NOON + DAY), NOON + 200 * DAY
CALL = provider_call(user_id=ADA)

pytestmark = [in_full, pytest.mark.store("sqlite", "postgres", events=[CALL], clock=lambda: LATER)]
of_files = pytest.mark.store("sqlite")

Moment = tuple[Any, str, bool]  # of what a function is, its name, and whether the process dies after it
WRITTEN: dict[str, Moment] = {
    "export": (export, "_settled", True),
    "archive": (export, "_settled", True),
    "manifest": (archive, "manifest_of", True),
    "backup": (backup.os, "fsync", False),
}
PUBLISHED: dict[str, Moment] = {
    "export": (files, "_publish", True),
    "backup": (files, "_publish", True),
}
TELLING: dict[str, Moment] = {
    "export": (export, "announce_export", False),
    "backup": (backup, "announce_backup", False),
}


def _write(analytics: AnalyticsService, operation: str, folder: Path) -> None:
    if operation == "backup":
        analytics.back_up(folder / "copy.db").unwrap()
    elif operation == "export":
        analytics.export_data("json", EVER, to=folder / "events.jsonl").unwrap()
    else:
        analytics.retain({"events": "90d"}, archive=folder / "archive").unwrap()


def _dying(url: str, operation: str, moment: str, folder: Path) -> None:
    """Open a store and be killed in the middle of an operation."""
    tempfile.tempdir = str(folder)
    owner, name, after = {"written": WRITTEN, "published": PUBLISHED, "telling": TELLING}[moment][operation]
    work = getattr(owner, name)

    def dies(*arguments: Any, **options: Any) -> None:
        if after:
            work(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    with opened(url, privacy="full", clock=lambda: LATER) as analytics:
        if operation == "manifest":  # of which one is looked for before
            archive.Manifest.write = dies
        else:
            setattr(owner, name, dies)
        _write(analytics, operation, folder)


def killed(url: str, operation: str, moment: str, folder: Path) -> None:
    """Have a process killed in the middle of an operation."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_dying, args=(url, operation, moment, folder))
    process.start()
    assert joined(process) == [-signal.SIGKILL]
    owned._owned.swept = False  # who opens the store from here on is another process


def left(folder: Path) -> list[str]:
    """Return what holds the name, but for the store itself."""
    return sorted(name for name in holders(folder, [ADA]).get(ADA, ()) if not name.startswith("analytics."))


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith((".part", ".new")) or "analytics-es-" in path.name]


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be a temporary directory of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize("operation", ["export", "archive"])
def test_what_a_killed_process_has_left_goes_at_the_next_start(
    analytics: AnalyticsService, url: str, tmp_path: Path, operation: str
) -> None:
    killed(url, operation, "written", tmp_path)
    assert left(tmp_path) != []

    with opened(url):
        assert (left(tmp_path), parts(tmp_path)) == ([], [])
    assert analytics.store.log.notes("unfinished") == {}


@of_files
def test_what_a_killed_backup_has_left_goes_at_the_next_start(
    analytics: AnalyticsService, url: str, tmp_path: Path
) -> None:
    killed(url, "backup", "written", tmp_path)
    assert left(tmp_path) != []

    with opened(url):
        assert (left(tmp_path), parts(tmp_path)) == ([], [])


@pytest.mark.parametrize("moment", ["published", "telling"])
@pytest.mark.parametrize("operation", ["export", "backup"])
@of_files
def test_a_file_that_is_complete_and_not_told_of_is_named_by_who_forgets(
    analytics: AnalyticsService, url: str, tmp_path: Path, operation: str, moment: str
) -> None:
    killed(url, operation, moment, tmp_path)
    target = next(path for path in tmp_path.iterdir() if path.name in ("events.jsonl", "copy.db"))

    with opened(url, privacy="full") as again:
        receipt = again.forget(ADA).unwrap()
        told = f"{target}, which was complete when its process was killed, before the log was told of it"
        assert (receipt.remains, receipt.copies, parts(tmp_path)) == ([told], [], [])
        target.unlink()
        assert again.forget(ADA).unwrap().remains == []


def test_who_forgets_removes_what_a_killed_process_has_left(
    analytics: AnalyticsService, url: str, tmp_path: Path
) -> None:
    killed(url, "export", "written", tmp_path)

    receipt = analytics.forget(ADA).unwrap()

    assert (left(tmp_path), parts(tmp_path)) == ([], [])
    assert [place for place in receipt.remains if "jsonl" in place] == []


@pytest.mark.parametrize("operation", ["export", "backup"])
@of_files
def test_what_is_being_written_stays_and_is_named_by_who_forgets(
    analytics: AnalyticsService, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    owner, name, _ = WRITTEN[operation]
    work: Callable[..., Any] = getattr(owner, name)
    remains: list[str] = []

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(owner, name, work)
        with opened(url, privacy="full") as another:
            remains.extend(another.forget(ADA).unwrap().remains)
        return work(*arguments)

    monkeypatch.setattr(owner, name, meanwhile)
    _write(analytics, operation, tmp_path)

    (target,) = (path for path in tmp_path.iterdir() if path.name in ("events.jsonl", "copy.db"))
    (said,) = (place for place in remains if "is being written" in place)
    assert said.endswith(f"which is being written: it will be {target}")
    assert analytics.forget(ADA).unwrap().remains == []


def test_who_sweeps_as_a_file_is_begun_does_not_take_it_for_one_that_was_left(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, own = analytics.store.log, owned.own
    sweeping = threading.Thread(target=unfinished.sweep, args=(log,))

    def beside(new: Path, path: Path) -> None:
        sweeping.start()
        sweeping.join(0.3)  # it waits for us, or is soon done
        own(new, path)

    monkeypatch.setattr(owned, "own", beside)
    with unfinished.unfinished(tmp_path / "copy.csv", log) as file:
        sweeping.join(30)
        assert file.exists() and len(log.notes(unfinished.NOTED)) == 1
    assert not log.notes(unfinished.NOTED)


@of_files
def test_what_a_version_before_has_left_is_named_by_who_forgets(analytics: AnalyticsService, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    analytics.export_data("json", EVER, to=tmp_path / "exports" / "events.jsonl").unwrap()
    before = [tmp_path / f".{'ab' * 16}.part", tmp_path / "exports" / f".{'cd' * 16}.part"]
    for path in before:
        path.write_text(ADA)

    remains = analytics.forget(ADA).unwrap().remains

    assert sorted(remains) == sorted(f"{path}, of a version before: remove it" for path in before)


@of_files
def test_a_backup_knows_nothing_of_what_its_log_was_writing(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.back_up(tmp_path / "copy.db").unwrap()

    with opened(tmp_path / "copy.db", privacy="full") as copy:
        assert copy.forget(ADA).unwrap().remains == []
        assert copy.store.log.notes("unfinished") == {}


@of_files
def test_a_note_that_nobody_can_read_is_no_obstacle(analytics: AnalyticsService, url: str) -> None:
    for n, text in enumerate(["", "[]", "7", '["a"]', '{"file": 1}', "[1, 2, 3, 4]"]):
        analytics.store.log.note(f"unfinished {n}", text)

    with opened(url) as again:
        assert again.store.log.notes("unfinished") == {}


def test_a_process_that_was_forked_does_not_keep_what_its_parent_was_writing(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    owned.own(tmp_path / "new", tmp_path / "file.part")

    def look() -> None:
        assert owned._owned.locks == {}

    assert in_a_child(look) == 0
    assert owned.remove_orphan(tmp_path / "file.part") is False
    owned.disown(tmp_path / "file.part")
    assert owned.remove_orphan(tmp_path / "file.part") is True


@of_files
def test_who_opens_a_store_that_is_busy_leaves_what_was_left_to_the_next(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics.store.log.note("unfinished 1", "of a process that is gone")

    def busy(*_: Any) -> None:
        raise StoreBusy(seconds=5)

    monkeypatch.setattr(analytics.store.log, "note", busy)
    assert unfinished.sweep(analytics.store.log) == []


# ── in the temporary directory ──────────────────────────────────────────────────────────────────────────────────


def _spilling(folder: Path, ready: Any) -> None:
    tempfile.tempdir = str(folder)
    (owned.directory() / "spilled").write_text(ADA)
    ready.set()
    threading.Event().wait()


def test_directories_of_processes_that_are_gone_go_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "analytics-es-of-before").mkdir()
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_spilling, args=(tmp_path, ready))
    process.start()
    assert ready.wait(60)

    owned.sweep()
    assert left(tmp_path) != []  # it is in use
    process.kill()
    assert joined(process) == [-signal.SIGKILL]
    owned.sweep(again=True)
    assert left(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["analytics-es-of-before"]


@pytest.mark.parametrize("manifest", [False, True])
def test_an_archive_that_was_cut_short_before_its_manifest_or_after_it_goes_on(
    analytics: AnalyticsService, url: str, tmp_path: Path, manifest: bool
) -> None:
    folder = tmp_path / "archive"
    child = multiprocessing.get_context("spawn").Process(target=_archive_and_die, args=(url, folder, manifest))
    child.start()
    assert joined(child) == [-signal.SIGKILL]
    assert sorted(path.suffix for path in folder.glob("events*")) == [*[".json"] * manifest, ".parquet"]

    with opened(url, privacy="full", clock=lambda: LATER) as again:
        again.retain({"events": "90d"}, archive=folder).unwrap()
        assert again.rebuild(archive=folder).ok

    assert sorted(path.suffix for path in folder.glob("events*")) == [".json", ".parquet"]


def _archive_and_die(url: str, folder: Path, manifest: bool) -> None:
    published, publish = [], files._publish

    def and_die(file: Path, target: Path) -> None:
        publish(file, target)
        published.append(target)
        if len(published) == 1 + manifest:
            os.kill(os.getpid(), signal.SIGKILL)

    files._publish = and_die
    with opened(url, privacy="full", clock=lambda: LATER) as service:
        service.retain({"events": "90d"}, archive=folder)
