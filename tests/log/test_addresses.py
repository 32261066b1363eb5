"""One log, whichever path leads to it: one vault, one set of read models, one lock of who rebuilds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import CannotOpen
from analytics_es.log.address import log_path, read_models_path, vault_path
from analytics_es.testing import provider_call, record
from tests.stores import recorded

Opening = Callable[..., AnalyticsService]
FILES = ["a.db", "a.vault.db", "a.vault.key", "a.views.db"]


@contextmanager
def opened(path: str | Path, **options: Any) -> Iterator[AnalyticsService]:
    with AnalyticsService.open(path, follow=False, projections=[], **options) as analytics:
        yield analytics


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if not path.is_symlink() and path.is_file())


def pseudonym(path: str | Path) -> str:
    """Return whom a store knows Ada as."""
    with opened(path) as analytics:
        analytics.record_event(**provider_call(user_id="ada")).unwrap()
        return str(recorded(analytics)[-1].data["user_id"])


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a store will be, in a folder beside the working directory."""
    for name in ("data", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "data" / "a.db"


def link(real: Path) -> Path:
    (real.parent.parent / "work" / "l.sqlite").symlink_to(real)
    return Path("l.sqlite")


def link_to_a_link(real: Path) -> Path:
    Path("one").symlink_to(real)
    Path("l.db").symlink_to("one")
    return Path("l.db")


def linked_folder(real: Path) -> Path:
    Path("folder").symlink_to(real.parent)
    return Path("folder/a.db")


WAYS: dict[str, Callable[[Path], str | Path]] = {
    "link": link,
    "link to a link": link_to_a_link,
    "linked folder": linked_folder,
    "relative": lambda _: "../data/a.db",
    "dots": lambda real: real.parent / ".." / "work" / ".." / "data" / "." / "a.db",
    "sqlite": lambda _: "sqlite:///../data/a.db",
    "absolute sqlite": lambda real: f"sqlite:///{real}",
    "file": lambda _: "file:../data/a.db",
    "absolute file": lambda real: f"file:{real}",
    "file of a host": lambda real: f"file://localhost{real}",
    "escaped file": lambda real: f"file://{real.parent}/%61.db",
}


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_whichever_path_leads_to_a_log_it_has_one_vault_and_one_set_of_read_models(
    real: Path, way: str, first: bool
) -> None:
    path = WAYS[way](real)

    known = [pseudonym(place) for place in ([path, real] if first else [real, path])]

    assert known[0] == known[1]
    assert files(real.parent.parent) == FILES
    with opened(path) as analytics:
        assert analytics.forget("ada").unwrap().vault_entries == 1


@pytest.mark.parametrize("way", WAYS)
def test_whichever_path_leads_to_a_log_one_rebuilds_at_a_time(real: Path, way: str) -> None:
    path = WAYS[way](real)
    with opened(real) as one, opened(path) as other, one.store.read_models.rebuilding():
        assert other.rebuild().failure.code == "rebuild_running"  # type: ignore[union-attr]


def test_who_goes_to_another_directory_goes_on(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened("../data/a.db") as analytics:
        record(analytics, provider_call(user_id="ada"))
        monkeypatch.chdir(tmp_path)
        record(analytics, provider_call(user_id="ada"))
        analytics.rebuild().unwrap()
    assert files(tmp_path) == [*FILES, "a.views.db-rebuild"]


def test_a_link_that_leads_elsewhere_from_now_on_is_noticed(real: Path) -> None:
    path = link(real)
    with opened(path) as analytics:
        path.unlink()
        path.symlink_to(real.parent / "other.db")
        assert analytics.record_event(**provider_call()).failure.code == "store_moved"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a.db", "a.views.db", "a.vault.db"])
def test_a_file_of_several_names_is_refused(real: Path, name: str) -> None:
    pseudonym(real)
    os.link(real.parent / name, real.parent / "other")

    with pytest.raises(CannotOpen, match="one of 2 names") as refused:
        pseudonym(real)

    assert refused.value.code == "several_names"
    (real.parent / "other").unlink()
    pseudonym(real)


@pytest.mark.parametrize(
    "url", ["file:a.db?mode=ro", "file://host/a.db", "file:", "file:///", "file:a.db#b", "file:a%00"]
)
def test_an_address_of_a_file_that_says_more_is_refused(real: Path, url: str) -> None:
    with pytest.raises(CannotOpen, match="is not a store this version knows"):
        pseudonym(url)
    assert files(real.parent.parent) == []


def test_a_file_that_is_called_like_an_address_is_that_file(real: Path) -> None:
    Path("file:a.db").touch()

    assert log_path("file:a.db") == Path("file:a.db")


# ── stores of before: each link had a vault and read models of its own ──────────────────────────────────────────


def as_before(real: Path, path: Path) -> None:
    """Put what is beside a log to where versions before had it when it was opened by a link."""
    for name in (read_models_path(real), vault_path(real), vault_path(real).with_suffix(".key")):
        shutil.move(name, path.with_name(name.name.replace("a.", "l.").replace(".db", ".sqlite")))


def test_a_vault_that_is_beside_a_link_is_used_whichever_path_leads_to_the_log(real: Path) -> None:
    before, path = pseudonym(real), link(real)
    as_before(real, path)

    assert [pseudonym(place) for place in (path, real, path.absolute())] == [before] * 3
    assert vault_path(real).exists() is False
    with opened(real) as analytics:
        receipt = analytics.forget("ada").unwrap()
        assert receipt.vault_entries == 1
        assert [each for each in receipt.remains if "l.views.sqlite" in each] == [
            f"{path.with_name('l.views.sqlite').absolute()}, of a version before: remove it"
        ]


def test_a_copy_of_the_log_does_not_use_the_vault_of_another(real: Path, tmp_path: Path) -> None:
    before, path = pseudonym(real), link(real)
    as_before(real, path)
    with opened(path) as analytics:
        analytics.back_up(tmp_path / "copy.db").unwrap()

    assert pseudonym(tmp_path / "copy.db") != before


def test_a_log_that_has_two_vaults_is_refused(real: Path) -> None:
    pseudonym(real)
    path = link(real)
    as_before(real, path)
    pseudonym(real)

    with pytest.raises(CannotOpen, match="has two vaults") as refused:
        pseudonym(path)

    assert refused.value.code == "two_vaults"
    path.with_name("l.vault.sqlite").unlink()
    assert pseudonym(path) == pseudonym(real)
