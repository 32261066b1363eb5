"""Names behind pseudonyms: kept where the policy says so, read by who has the key, gone with what is forgotten."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, frozen

from analytics_es import AnalyticsService
from analytics_es.errors import DamagedName, MissingExtra
from analytics_es.ingest import names
from analytics_es.ingest.vault import KEY_VARIABLE
from analytics_es.testing import DAY, provider_call
from tests.servers import Server
from tests.stores import data_of, found_in, opened, record, sql


@frozen(eq=False)
class Told:
    """What an answer says, as it is most easily written."""

    names: dict[str, str] = Factory(dict)
    unnamed: list[str] = Factory(list)
    unknown: list[str] = Factory(list)

    def __eq__(self, answer: Any) -> bool:
        return (answer.names, answer.unnamed, answer.unknown) == (self.names, self.unnamed, self.unknown)


NAMED = {"preset": "pseudonymous", "names": True}
named = pytest.mark.store(privacy=NAMED)
KEY = bytes(range(32))


def pseudonym_of(analytics: AnalyticsService, user: str = "ada@example.com") -> str:
    """Record what somebody did, and return under which name."""
    analytics.record_event(**provider_call(user_id=user)).unwrap()
    return str(data_of(analytics, "provider.call.completed")[-1]["user_id"])


# ── kept and read ───────────────────────────────────────────────────────────────────────────────────────────────


@named
@pytest.mark.store("memory", "file", "postgres")
def test_names_are_told_of_those_who_came_while_they_were_kept(analytics: AnalyticsService) -> None:
    ada, bob = pseudonym_of(analytics), pseudonym_of(analytics, "bob")

    answer = analytics.names_of([bob, "p_nobodynobodynob", ada, "ada@example.com", bob]).unwrap()

    assert answer == Told(names={bob: "bob", ada: "ada@example.com"}, unknown=["p_nobodynobodynob", "ada@example.com"])
    assert list(answer.names) == [bob, ada]
    assert analytics.names_of(ada).unwrap().names == {ada: "ada@example.com"}


@pytest.mark.store("memory", "file", "postgres")
def test_by_default_no_name_is_kept(analytics: AnalyticsService) -> None:
    ada = pseudonym_of(analytics)

    assert analytics.names_of([ada]).unwrap() == Told(unnamed=[ada])


@pytest.mark.store("file")
def test_a_name_is_added_when_the_subject_comes_again_and_stays_when_it_is_switched_off(
    analytics: AnalyticsService, path: Path
) -> None:
    ada, bob = pseudonym_of(analytics), pseudonym_of(analytics, "bob")
    with opened(path, privacy=NAMED) as later:
        again = pseudonym_of(later)
        during = later.names_of([ada, bob]).unwrap()
    with opened(path, privacy="pseudonymous") as off:
        carol = pseudonym_of(off, "carol")
        after = off.names_of([ada, bob, carol]).unwrap()

    assert again == ada
    assert during == Told(names={ada: "ada@example.com"}, unnamed=[bob])
    assert after == Told(names={ada: "ada@example.com"}, unnamed=[bob, carol])


@named
@pytest.mark.parametrize("name", ["日本", "half \ud800", "nul \0", "\x01", "ends \x01\0", "x" * 1024])
def test_any_name_comes_back_as_it_was(analytics: AnalyticsService, name: str) -> None:
    vault = analytics.store.vault
    pseudonym = vault.pseudonym("user", name)

    assert vault.names_of([pseudonym]).names == {pseudonym: name}


@named
def test_names_are_a_table_and_stay_out_of_a_repr(analytics: AnalyticsService) -> None:
    ada = pseudonym_of(analytics)

    answer = analytics.names_of([ada, "p_nobody"]).unwrap()

    assert answer.to_dicts() == [
        {"pseudonym": ada, "name": "ada@example.com", "state": "named"},
        {"pseudonym": "p_nobody", "name": None, "state": "unknown"},
    ]
    assert answer.to_arrow().num_rows == 2
    assert "ada@example.com" not in repr(answer)


@named
def test_what_is_asked_is_pseudonyms(analytics: AnalyticsService) -> None:
    for wrong in (7, None, ["p_x", None], {"p_x": 1}, b"p_x"):
        failure = analytics.names_of(wrong).failure  # type: ignore[arg-type]
        assert failure and failure.code == "bad_argument"
    assert analytics.names_of([]).unwrap() == Told()


@named
@pytest.mark.store("file")
def test_a_name_is_in_no_file_as_it_is_and_neither_is_its_length(analytics: AnalyticsService, tmp_path: Path) -> None:
    pseudonyms = [pseudonym_of(analytics, user) for user in ("ada@example.com", "a" * 60)]
    analytics.catch_up()
    analytics.get_cost_breakdown(DAY, by=["user"]).unwrap()
    analytics.export_data("json", DAY, to=tmp_path / "export.json").unwrap()

    lengths = sql(tmp_path / "analytics.vault.db", "SELECT DISTINCT length(name) FROM vault")
    assert found_in(tmp_path, "ada@example.com") == []
    assert len(lengths) == 1
    assert len(analytics.names_of(pseudonyms).unwrap().names) == 2


@named
def test_the_log_tells_that_names_are_kept(analytics: AnalyticsService) -> None:
    pseudonym_of(analytics)

    (configured,) = data_of(analytics, "analytics.privacy.configured")
    assert (configured["preset"], configured["names"]) == ("pseudonymous", True)
    assert analytics.unread_announcements().unwrap() == []
    assert analytics.get_usage_stats("user", "ada@example.com", DAY).ok


# ── gone ────────────────────────────────────────────────────────────────────────────────────────────────────────


@named
@pytest.mark.store("file", "postgres")
def test_what_is_forgotten_has_no_name(analytics: AnalyticsService) -> None:
    ada, bob = pseudonym_of(analytics), pseudonym_of(analytics, "bob")

    receipt = analytics.forget("ada@example.com").unwrap()

    assert (receipt.vault_entries, receipt.remains) == (1, [])
    assert analytics.names_of([ada, bob]).unwrap() == Told(names={bob: "bob"}, unknown=[ada])


def sealed_in(folder: Path) -> Callable[[bytes], bool]:
    """Return what says whether bytes are anywhere in the files of a vault."""
    return lambda held: any(held in path.read_bytes() for path in folder.glob("analytics.vault.db*"))


@named
@pytest.mark.store("file")
def test_what_is_destroyed_is_overwritten(analytics: AnalyticsService, tmp_path: Path) -> None:
    ada, bob = pseudonym_of(analytics), pseudonym_of(analytics, "bob")
    entries = sql(tmp_path / "analytics.vault.db", "SELECT pseudonym, name FROM vault")
    sealed, there = dict(entries), sealed_in(tmp_path)
    assert there(sealed[ada])

    analytics.forget("ada@example.com").unwrap()
    assert (there(sealed[ada]), there(sealed[bob])) == (False, True)

    assert analytics.forget_names().unwrap() == 1
    assert not there(sealed[bob])
    assert analytics.names_of([bob]).unwrap() == Told(unnamed=[bob])
    assert analytics.forget_names().unwrap() == 0


# ── what is wrong ───────────────────────────────────────────────────────────────────────────────────────────────


@named
@pytest.mark.store("file")
def test_another_key_is_the_usual_error(
    analytics: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = pseudonym_of(analytics)
    monkeypatch.setenv(KEY_VARIABLE, "ab" * 32)

    with opened(path) as other:
        failure = other.names_of([ada]).failure

    assert failure and failure.code == "other_vault_key"


@named
@pytest.mark.store("file")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vault SET name = zeroblob(length(name)) WHERE pseudonym = :ada",
        "UPDATE vault SET name = substr(name, 1, 20) WHERE pseudonym = :ada",
        "UPDATE vault SET name = x'' WHERE pseudonym = :ada",
        "UPDATE vault SET name = (SELECT name FROM vault WHERE pseudonym = :bob) WHERE pseudonym = :ada",
        "UPDATE vault SET pseudonym = CASE pseudonym WHEN :ada THEN :bob ELSE :ada END",
    ],
)
def test_a_name_that_was_changed_or_is_of_another_is_an_error_and_no_name(
    analytics: AnalyticsService, tmp_path: Path, change: str
) -> None:
    ada, bob = pseudonym_of(analytics), pseudonym_of(analytics, "bob")
    with sqlite3.connect(tmp_path / "analytics.vault.db") as connection:
        connection.execute(change, {"ada": ada, "bob": bob})
    connection.close()

    failure = analytics.names_of([ada]).failure

    assert failure and failure.code == "damaged_name"
    assert ada in failure.message


def test_a_name_is_read_with_its_key_and_of_its_entry_alone() -> None:
    sealed = names.seal(KEY, "ada", b"digest", "p_one")

    assert names.unseal(KEY, sealed, b"digest", "p_one") == "ada"
    for wrong in ((bytes(32), b"digest", "p_one"), (KEY, b"other", "p_one"), (KEY, b"digest", "p_two")):
        with pytest.raises(DamagedName):
            names.unseal(wrong[0], sealed, *wrong[1:])
    assert names.seal(KEY, "ada", b"digest", "p_one") != sealed


def test_without_the_package_it_is_told_at_the_opening_and_when_a_name_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path, privacy=NAMED) as analytics:
        ada = pseudonym_of(analytics)
    for module in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "cryptography", None)

    with pytest.raises(MissingExtra, match=r"pip install 'analytics-es\[names\]'"):
        opened(path, privacy=NAMED)
    with opened(path, privacy="pseudonymous") as off:
        failure = off.names_of([ada]).failure
        assert off.record_event(**provider_call(user_id="bob")).ok
    assert failure and failure.code == "missing_extra"


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_names_are_kept_or_not(value: object) -> None:
    with pytest.raises(Exception, match="names is true or false"):
        opened(privacy={"names": value})


def test_the_settings_say_so_too(path: Path, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[privacy]\nnames = true\nrules = { tenant_id = "pseudonymise" }\n')
    with opened(path, settings=tmp_path / "settings.toml") as analytics:
        record(analytics, provider_call(user_id="ada", tenant_id="Acme"))
        (data,) = data_of(analytics, "provider.call.completed")
        answer = analytics.names_of([data["user_id"], data["tenant_id"]]).unwrap()

    assert list(answer.names.values()) == ["ada", "Acme"]


# ── vaults of before ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_vault_of_before_gets_room_for_names(path: Path, tmp_path: Path) -> None:
    with opened(path) as analytics:
        ada = pseudonym_of(analytics)
    sql(tmp_path / "analytics.vault.db", "ALTER TABLE vault DROP COLUMN name")

    with opened(path, privacy=NAMED) as analytics:
        before = analytics.names_of([ada]).unwrap()
        assert pseudonym_of(analytics) == ada
        assert (before.unnamed, analytics.names_of([ada]).unwrap().names) == ([ada], {ada: "ada@example.com"})


def test_a_schema_of_before_gets_room_for_names(
    postgres: Server, opening: Callable[..., AnalyticsService], vault_key: None
) -> None:
    with opening(privacy=NAMED, follow=False) as analytics:
        ada = pseudonym_of(analytics)
        schema = analytics.store.log.database.schema  # type: ignore[attr-defined]
    postgres.run(f"ALTER TABLE {schema}.vault DROP COLUMN name")
    postgres.run(f"ALTER TABLE {schema}.stored_events DROP COLUMN checksum")
    postgres.run(f"DELETE FROM {schema}.analytics_es_migrations WHERE version >= 6")

    with opening(privacy=NAMED, follow=False, schema=schema) as analytics:
        assert analytics.names_of([ada]).unwrap() == Told(unnamed=[ada])
        assert pseudonym_of(analytics) == ada
        assert analytics.names_of([ada]).unwrap().names == {ada: "ada@example.com"}
