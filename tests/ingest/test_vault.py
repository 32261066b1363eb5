"""The vault: one pseudonym a subject, found by a keyed hash; on every database."""

from __future__ import annotations

import base64
import multiprocessing
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import BadVaultKey, NotOurs, NoVaultKey, OtherVaultKey
from analytics_es.ingest import vault
from analytics_es.ingest.vault import KEY_VARIABLE, Entries, Vault, is_pseudonym, key_of
from analytics_es.log.postgres import Database, PostgresEntries, PostgresLog
from analytics_es.log.sqlite.vault import SQLiteEntries
from analytics_es.testing import provider_call
from tests.children import joined
from tests.servers import Server

KEY = bytes(range(32))
OpenEntries = Callable[[], Entries]


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture(params=["file", "memory", "postgres"])
def open_entries(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenEntries]:
    """Open the entries of a backend, again or for the first time; in memory they are the same as long as it lasts."""
    closing: list[Any] = []
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        log = PostgresLog(Database(server.url, server.schema()))
        closing.append(log)
        yield lambda: PostgresEntries(log.database)
    else:
        memory = SQLiteEntries(None)
        closing.append(memory)

        def opening() -> Entries:
            closing.append(SQLiteEntries(tmp_path / "vault.db"))
            return closing[-1]  # type: ignore[no-any-return]

        yield opening if request.param == "file" else lambda: memory
    for each in closing:
        each.close()


@pytest.fixture
def entries(open_entries: OpenEntries) -> Entries:
    return open_entries()


def vault_of(entries: Entries, key: bytes = KEY) -> Vault:
    return Vault(lambda _: entries, lambda _: key)


# ── the contract of the entries ─────────────────────────────────────────────────────────────────────────────────


def test_an_entry_that_was_added_is_found(entries: Entries) -> None:
    assert entries.find(b"1" * 32) is None
    assert entries.add(b"1" * 32, "p_one") == "p_one"
    assert entries.find(b"1" * 32) == "p_one"


def test_an_entry_is_given_once(entries: Entries) -> None:
    entries.add(b"1" * 32, "p_one")

    assert entries.add(b"1" * 32, "p_other") == "p_one"


def test_an_entry_is_there_for_the_next_who_opens(open_entries: OpenEntries) -> None:
    open_entries().add(b"1" * 32, "p_one")

    assert open_entries().find(b"1" * 32) == "p_one"


def test_what_is_destroyed_is_gone_and_moves_the_generation(entries: Entries) -> None:
    entries.add(b"1" * 32, "p_one")
    entries.add(b"2" * 32, "p_two")

    assert (entries.generation(), entries.destroy(b"1" * 32), entries.generation()) == (0, True, 1)
    assert (entries.find(b"1" * 32), entries.find(b"2" * 32)) == (None, "p_two")
    assert (entries.destroy(b"1" * 32), entries.generation()) == (False, 2)
    assert entries.scrub() == []
    assert entries.find(b"2" * 32) == "p_two"


def test_the_check_value_stays_what_it_was_first(entries: Entries) -> None:
    assert entries.check_value() is None
    assert entries.check_value("mine") == "mine"
    assert entries.check_value("other") == "mine"
    assert entries.check_value() == "mine"


def test_threads_that_add_the_same_at_once_are_given_one(entries: Entries) -> None:
    found: list[str] = []
    ready = threading.Barrier(4)

    def add(n: int) -> None:
        ready.wait()
        found.append(entries.add(b"1" * 32, f"p_{n}"))

    threads = [threading.Thread(target=add, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [entries.find(b"1" * 32)] * 4


# ── pseudonyms ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subject_keeps_its_pseudonym_and_shares_it_with_nobody(open_entries: OpenEntries) -> None:
    first = vault_of(open_entries())
    ada, bob, tenant = first.pseudonym("user", "ada"), first.pseudonym("user", "bob"), first.pseudonym("tenant", "ada")

    assert len({ada, bob, tenant}) == 3
    assert all(is_pseudonym(each) for each in (ada, bob, tenant))
    assert vault_of(open_entries()).pseudonym("user", "ada") == ada
    assert vault_of(open_entries()).find("user", "ada") == ada


def test_a_pseudonym_is_random_and_no_function_of_name_and_key(tmp_path: Path) -> None:
    one, other = SQLiteEntries(tmp_path / "1.db"), SQLiteEntries(tmp_path / "2.db")

    assert vault_of(one).pseudonym("user", "ada") != vault_of(other).pseudonym("user", "ada")
    one.close()
    other.close()


def test_looking_makes_nothing(entries: Entries) -> None:
    assert vault_of(entries).find("user", "ada") is None
    assert entries.check_value() is None


def test_after_it_was_destroyed_a_subject_is_somebody_new(entries: Entries) -> None:
    ours = vault_of(entries)
    before = ours.pseudonym("user", "ada")

    assert ours.destroy("user", "ada") is True
    assert ours.find("user", "ada") is None
    assert ours.pseudonym("user", "ada") != before
    assert vault_of(entries).destroy("user", "nobody") is False


def test_nothing_is_destroyed_in_a_vault_that_was_never_used(entries: Entries) -> None:
    assert vault_of(entries).destroy("user", "ada") is False


def test_another_process_lets_go_of_what_was_destroyed(
    open_entries: OpenEntries, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = vault_of(open_entries()), vault_of(open_entries())
    before = ours.pseudonym("user", "ada")
    theirs.destroy("user", "ada")

    assert ours.pseudonym("user", "ada") == before  # for a second, at most
    monkeypatch.setattr(vault.time, "monotonic", lambda now=vault.time.monotonic: now() + vault.LOOK_SECONDS)
    assert ours.pseudonym("user", "ada") != before


def test_with_another_key_nothing_is_found_and_nothing_is_made(entries: Entries) -> None:
    vault_of(entries).pseudonym("user", "ada")
    wrong = vault_of(entries, bytes(32))

    for ask in (wrong.pseudonym, wrong.find, wrong.destroy):
        with pytest.raises(OtherVaultKey, match="was made with another key"):
            ask("user", "ada")
    assert vault_of(entries).find("user", "ada") is not None


def test_only_so_many_subjects_are_remembered(entries: Entries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "REMEMBERED", 2)
    ours = vault_of(entries)
    first = [ours.pseudonym("user", f"u{n}") for n in range(4)]

    assert len(ours._remembered) == 2
    assert [ours.pseudonym("user", f"u{n}") for n in range(4)] == first


@pytest.mark.parametrize("name", ["日本", "half \ud800", "nul \0", "x" * 5000])
def test_any_text_can_name_a_subject(name: str) -> None:
    entries = SQLiteEntries(None)

    assert vault_of(entries).pseudonym("user", name) == vault_of(entries).find("user", name)
    entries.close()


def test_no_name_and_no_destroyed_digest_is_in_the_file(tmp_path: Path) -> None:
    entries = SQLiteEntries(tmp_path / "vault.db")
    ours = vault_of(entries)
    pseudonyms = [ours.pseudonym("user", f"subject-{n}") for n in range(500)]
    digests = [ours._digest("user", f"subject-{n}") for n in range(500)]

    def held() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert (b"subject-" in held(), digests[7] in held(), pseudonyms[7].encode() in held()) == (False, True, True)
    ours.destroy("user", "subject-7")
    assert ours.scrub() == []
    assert (digests[7] in held(), pseudonyms[7].encode() in held(), digests[8] in held()) == (False, False, True)
    entries.close()


def _pseudonyms(path: Path, ready: Any, found: Any) -> None:
    entries = SQLiteEntries(path)
    ready.wait(timeout=60)
    found.put([vault_of(entries).pseudonym("user", f"u{n}") for n in range(40)])
    entries.close()


def test_processes_that_meet_the_same_subjects_at_once_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, found = context.Barrier(2), context.Queue()
    running = [context.Process(target=_pseudonyms, args=(tmp_path / "vault.db", ready, found)) for _ in range(2)]
    for process in running:
        process.start()
    first, second = (found.get(timeout=60) for _ in running)
    joined(*running)

    assert first == second
    assert len(set(first)) == 40


# ── the key ─────────────────────────────────────────────────────────────────────────────────────────────────────


def store(path: Path, **options: Any) -> AnalyticsService:
    return AnalyticsService.open(path / "a.db", follow=False, privacy="pseudonymous", **options)


def user_of(analytics: AnalyticsService) -> str:
    """Record what ada did, and return under which name."""
    analytics.record_event(**provider_call(user_id="ada")).unwrap()
    return analytics.store.vault.find("user", "ada") or ""


def test_a_key_is_made_beside_the_vault_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with store(tmp_path) as analytics:
            first = user_of(analytics)
    finally:
        os.umask(before)
    with store(tmp_path) as analytics:
        second = user_of(analytics)

    assert first == second
    assert oct((tmp_path / "a.vault.key").stat().st_mode) == "0o100600"
    assert oct((tmp_path / "a.vault.db").stat().st_mode) == "0o100600"
    assert len(bytes.fromhex((tmp_path / "a.vault.key").read_text())) == 32
    assert sorted(path.name for path in tmp_path.iterdir() if "vault" in path.name) == ["a.vault.db", "a.vault.key"]


def test_a_key_of_the_environment_is_used_and_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY.hex())
    with store(tmp_path) as analytics:
        first = user_of(analytics)
    monkeypatch.setenv(KEY_VARIABLE, base64.urlsafe_b64encode(KEY).decode().rstrip("="))
    with store(tmp_path) as analytics:
        second = user_of(analytics)

    assert first == second
    assert not (tmp_path / "a.vault.key").exists()


def test_a_file_that_is_passed_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").touch(0o600)
    (tmp_path / "mine").write_text(KEY.hex())
    with store(tmp_path, vault_key=tmp_path / "mine") as analytics:
        first = user_of(analytics)
    monkeypatch.setenv(KEY_VARIABLE, bytes(32).hex())
    with store(tmp_path, vault_key=str(tmp_path / "mine")) as analytics:
        second = user_of(analytics)

    assert first == second


def test_a_vault_whose_key_is_gone_is_told_and_gets_no_other(tmp_path: Path) -> None:
    with store(tmp_path) as analytics:
        user_of(analytics)
    (tmp_path / "a.vault.key").unlink()

    with store(tmp_path) as analytics:
        failures = [
            analytics.record_event(**provider_call(user_id="ada")).failure,
            analytics.record_events([provider_call(user_id="ada")], skip_refused=True).failure,
            analytics.forget("ada").failure,
        ]
        analytics.record_event(**provider_call(user_id=None)).unwrap()  # nobody need be looked up

    assert [failure.code for failure in failures if failure] == ["no_vault_key"] * 3
    assert not (tmp_path / "a.vault.key").exists()


def test_a_vault_that_was_deleted_begins_again_and_unties_the_old_pseudonyms(tmp_path: Path) -> None:
    with store(tmp_path) as analytics:
        first = user_of(analytics)
    (tmp_path / "a.vault.db").unlink()
    with store(tmp_path) as analytics:
        second = user_of(analytics)

    assert first != second


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        ("secret", 0o600, "it must be 32 bytes or more, as hex or base64"),
        (KEY[:31].hex(), 0o600, "it must be 32 bytes or more, as hex or base64"),
        (KEY.hex(), 0o644, "others may read or write it; chmod 600 it"),
        (KEY.hex(), 0o620, "others may read or write it; chmod 600 it"),
        ("ü", 0o600, "it is not a text"),
    ],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str, mode: int, problem: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, "utf-8")
    path.chmod(mode)

    with pytest.raises(BadVaultKey) as caught:
        key_of(path, None, "the vault")(True)

    assert str(caught.value) == f"{path} holds no key for a vault: {problem}."


def test_a_group_may_read_a_key() -> None:
    assert vault.OTHERS_MAY & 0o640 == 0


def test_a_file_that_is_passed_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(NoVaultKey, match=r"there is no file .*/mine\. Set ANALYTICS_ES_VAULT_KEY"):
        key_of(tmp_path / "mine", tmp_path / "beside", "the vault")(True)
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_the_environment_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "x" * 10)

    with pytest.raises(BadVaultKey, match=KEY_VARIABLE):
        key_of(None, None, "the vault")(True)


def test_a_key_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadVaultKey, match="No such file or directory"):
        key_of(None, tmp_path / "nowhere" / "key", "the vault")(True)


def test_of_two_who_make_a_key_at_once_both_have_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "key", Path.hardlink_to

    def other_is_faster(self: Path, target: Path) -> None:
        if not path.exists():
            path.touch(0o600)
            path.write_text(KEY.hex())
        link(self, target)

    monkeypatch.setattr(Path, "hardlink_to", other_is_faster)

    assert key_of(None, path, "the vault")(True) == key_of(path, None, "the vault")(True)
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_file_that_is_no_vault_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.vault.db").write_text("mine")

    with store(tmp_path) as analytics:
        failure = analytics.record_event(**provider_call()).failure

    assert failure is not None
    assert failure.code == "not_ours"
    assert (tmp_path / "a.vault.db").read_text() == "mine"
    with pytest.raises(NotOurs):
        SQLiteEntries(tmp_path / "a.vault.db")


def test_a_store_in_memory_has_its_vault_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with AnalyticsService.open(":memory:", follow=False, privacy="pseudonymous") as analytics:
        assert is_pseudonym(user_of(analytics))
        assert analytics.forget("ada").unwrap().vault_entries == 1
    assert list(tmp_path.iterdir()) == []


def test_on_a_server_a_key_is_asked_for_only_when_somebody_must_be_looked_up(postgres: Server, tmp_path: Path) -> None:
    schema = postgres.schema()

    def opened(**options: Any) -> AnalyticsService:
        return AnalyticsService.open(postgres.url, schema=schema, follow=False, privacy="pseudonymous", **options)

    with opened() as analytics:
        analytics.record_event(**provider_call(user_id=None)).unwrap()
        failure = analytics.record_event(**provider_call()).failure
    assert failure is not None
    assert failure.code == "no_vault_key"
    assert "Set ANALYTICS_ES_VAULT_KEY" in failure.message

    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text(secrets.token_hex(32))
    with opened(vault_key=tmp_path / "key") as analytics:
        first = user_of(analytics)
    with opened(vault_key=tmp_path / "key") as analytics:
        assert user_of(analytics) == first


def test_what_who_was_killed_while_making_a_key_has_left_goes_when_it_is_read(tmp_path: Path) -> None:
    read = vault.key_of(None, tmp_path / "a.vault.key", "here")
    key = read(True)
    left = [tmp_path / f".a.vault.key-{'ab' * 8}.part", tmp_path / f".{'cd' * 8}.part"]
    left[0].write_text("of another that was made at once")
    left[1].hardlink_to(tmp_path / "a.vault.key")
    (tmp_path / f".{'ef' * 8}.part").write_text("of nobody knows whom")

    assert read(False) == key
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".{'ef' * 8}.part", "a.vault.key"]
