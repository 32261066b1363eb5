"""Archives: files that tile time, checked before they are read, and read as the log's own bytes."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import AnalyticsError
from analytics_es.events import codec
from analytics_es.lifecycle import export
from analytics_es.lifecycle.archive import Archive, manifest_of
from analytics_es.lifecycle.archive_reader import Reader
from analytics_es.lifecycle.copies import EXPORTED
from analytics_es.log import scanned
from analytics_es.testing import NOON, tool_call
from tests import day
from tests.stores import nth

pytestmark = pytest.mark.store(events=day.events(), clock=lambda: day.NOW)

START = datetime(2026, 3, 1, tzinfo=UTC)
SUNDAY, MONDAY, TUESDAY = (TimePeriod(START + timedelta(n), START + timedelta(n + 1)) for n in range(3))
ALL = TimePeriod(datetime(2000, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AnalyticsService, Path]]:
    """Two days of events, in an order of names that is not that of time, and one without; they are only read."""
    folder = tmp_path_factory.mktemp("archived")
    with day.recorded() as service:
        for name, period in (("b", SUNDAY), ("a", MONDAY), ("c", TUESDAY)):
            service.export_data("parquet", period, to=folder / f"{name}.parquet").unwrap()
        yield service, folder


@pytest.fixture
def folder(archived: tuple[AnalyticsService, Path], tmp_path: Path) -> Path:
    """Return an archive of one's own."""
    return shutil.copytree(archived[1], tmp_path / "archive")


def logged(analytics: AnalyticsService) -> list[dict[str, Any]]:
    """Return the log's events, without those that tell of the exports."""
    found: list[dict[str, Any]] = analytics.store.log.scan(after=0, limit=10_000).to_pylist()
    return [row for row in found if row["type"] != EXPORTED]


def read(archive: Archive, limit: int = 10_000) -> list[dict[str, Any]]:
    """Return an archive's events, without those that tell of the exports before."""
    rows = [row for table in archive.batches(limit) for row in table.to_pylist()]
    return sorted((row for row in rows if row["type"] != EXPORTED), key=lambda row: int(row["position"]))


def rows(archive: Archive) -> int:
    """Return how many events the files hold, those after `upto` too."""
    return sum(file.manifest.rows for file in archive.files)


def refusal(folder: Path, **options: Any) -> str:
    with pytest.raises(AnalyticsError) as refused:
        Archive.open(folder, **options).check()
    return refused.value.code


def told(folder: Path, name: str = "a.parquet", **changes: Any) -> dict[str, Any]:
    """Change a manifest, and return what it says."""
    path = manifest_of(folder / name)
    content: dict[str, Any] = {**orjson.loads(path.read_bytes()), **changes}
    path.write_bytes(orjson.dumps(content))
    return content


def test_a_manifest_says_what_the_file_is(analytics: AnalyticsService, tmp_path: Path) -> None:
    result = analytics.export_data("parquet", MONDAY, to=tmp_path / "a.parquet").unwrap()

    assert result.manifest == tmp_path / "a.parquet.manifest.json"
    assert result.manifest.stat().st_mode & 0o777 == 0o600
    assert orjson.loads(result.manifest.read_bytes()) == {
        "version": 1,
        "log": analytics.store.log.identity,
        "start": "2026-03-02T00:00:00+00:00",
        "end": "2026-03-03T00:00:00+00:00",
        "rows": 26 + 1,  # with the policy of privacy
        "first_position": 1,
        "last_position": nth(28),
        "upto": nth(28),
        "bytes": result.bytes,
        "sha256": result.sha256,
        "sealed": False,
    }


def test_a_manifest_is_never_replaced(analytics: AnalyticsService, tmp_path: Path) -> None:
    manifest_of(tmp_path / "a.parquet").write_text("precious")
    failure = analytics.export_data("parquet", MONDAY, to=tmp_path / "a.parquet").failure

    assert failure and failure.code == "file_exists"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.parquet.manifest.json", "precious")]


def test_metrics_and_other_formats_have_no_manifest(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.export_data("parquet", MONDAY, ["usage.events"], to=tmp_path / "metrics.parquet").unwrap()
    analytics.export_data("json", MONDAY, to=tmp_path / "events.jsonl").unwrap()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "metrics.parquet"]


@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_an_archive_gives_what_the_log_gives(archived: tuple[AnalyticsService, Path], limit: int) -> None:
    analytics, folder = archived
    archive = Archive.open(folder, log=analytics.store.log.identity)
    archive.check()

    assert logged(analytics) == read(archive, limit)
    assert (rows(archive), archive.upto) == (nth(29), nth(28))  # with one that tells of the first export
    assert [file.path.name for file in archive.files] == ["b.parquet", "a.parquet", "c.parquet"]
    assert archive.period_us == (1772323200_000000, 1772582400_000000)


def test_parts_can_be_read_elsewhere(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "SCAN_ROWS", 1)
    monkeypatch.setattr(scanned, "GROUP_BYTES", 1)
    analytics.export_data("parquet", ALL, to=tmp_path / "all.parquet").unwrap()
    parts = pickle.loads(pickle.dumps(Archive.open(tmp_path).parts(10)))  # noqa: S301
    tables = [Reader().read(part) for part in parts]

    assert [table.num_rows for table in tables] == [10, 10, 9]
    assert logged(analytics) == [row for table in tables for row in table.to_pylist()]


def test_what_came_after_the_oldest_export_is_not_read(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.export_data("parquet", SUNDAY, to=tmp_path / "a").unwrap()
    analytics.record_event(**tool_call(occurred_at=NOON)).unwrap()
    analytics.export_data("parquet", MONDAY, to=tmp_path / "b").unwrap()
    archive = Archive.open(tmp_path)

    assert (archive.upto, rows(archive)) == (nth(28), nth(30))  # with the event that tells of the first export
    assert logged(analytics)[: nth(28)] == read(archive)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
ODD = st.text('\\"/\b\t\n\f\r\x01\x1f\x7f\u2028é😀{},:data', min_size=1, max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXT | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | ODD, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=12)
@given(
    events=st.lists(
        st.tuples(
            ODD | TEXT,
            ODD | TEXT,
            st.datetimes(datetime(2001, 1, 1), datetime(2026, 3, 1)),
            st.dictionaries(TEXT | ODD, VALUES, max_size=4),
        ),
        max_size=8,
    )
)
def test_bytes_are_those_of_the_log(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str, datetime, dict[str, Any]]]
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    with AnalyticsService.open(":memory:", follow=False, clock=lambda: day.NOW) as analytics:
        for source, id, at, data in events:
            analytics.record_event(
                "custom.thing.happened", data, source=source, id=id, occurred_at=at.replace(tzinfo=UTC)
            )
        analytics.export_data("parquet", ALL, to=folder / "all.parquet").unwrap()
        assert logged(analytics) == read(Archive.open(folder))


def test_old_shapes_are_brought_up(archived: tuple[AnalyticsService, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    analytics, folder = archived
    monkeypatch.setitem(codec.UPCASTERS, "tool.call.completed", lambda data: {**data, "tool": "new"})

    assert logged(analytics) == read(Archive.open(folder))


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "changed byte": (lambda it: _flip(it / "a.parquet"), "damaged_archive"),
    "cut": (lambda it: (it / "a.parquet").write_bytes((it / "a.parquet").read_bytes()[:-1]), "damaged_archive"),
    "missing file": (lambda it: (it / "a.parquet").unlink(), "damaged_archive"),
    "missing manifest": (lambda it: manifest_of(it / "a.parquet").unlink(), "damaged_archive"),
    "extra file": (lambda it: (it / "x.parquet").write_bytes(b""), "damaged_archive"),
    "wrong count": (lambda it: told(it, rows=25), "damaged_archive"),
    "gap": (lambda it: told(it, end="2026-03-02T23:59:59.999999+00:00"), "archive_gap"),
    "overlap": (lambda it: told(it, end="2026-03-03T00:00:00.000001+00:00"), "archive_overlap"),
    "other log": (lambda it: told(it, log="another"), "other_log"),
    "other version": (lambda it: told(it, version=2), "bad_manifest"),
    "wrong type": (lambda it: told(it, rows="26"), "bad_manifest"),
    "unknown field": (lambda it: told(it, more=1), "bad_manifest"),
    "no zone": (lambda it: told(it, end="2026-03-03T00:00:00"), "bad_manifest"),
    "no JSON": (lambda it: manifest_of(it / "a.parquet").write_text("{"), "bad_manifest"),
    "empty": (_empty, "no_archive"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_archive_is_refused(folder: Path, kind: str) -> None:
    damage, code = DAMAGE[kind]
    damage(folder)

    assert code == refusal(folder)


def test_an_archive_is_refused_for_another_log(folder: Path) -> None:
    assert refusal(folder, log="another") == "other_log"


def test_what_is_not_there_is_no_archive(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == "no_archive"


def test_progress_ends_at_the_size_of_all_files(folder: Path) -> None:
    seen: list[tuple[int, ...]] = []
    Archive.open(folder).check(lambda _, *at: seen.append(at))
    size = sum(path.stat().st_size for path in folder.glob("*.parquet"))

    assert (size, size) == seen[-1]
