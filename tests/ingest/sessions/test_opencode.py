"""OpenCode: rows that are rewritten, messages in files and in two generations of tables, forks, and what is late."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from tests.ingest.sessions.databases import CHANGED, made, run
from tests.ingest.sessions.ledger import Json, Ledger

pytestmark = pytest.mark.store(tags=["machine", "project"])

AT = 1_777_636_800_000  # 2026-05-01 12:00 UTC
COLUMNS = "(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT)"
V2_COLUMNS = COLUMNS.replace("session_id TEXT,", "session_id TEXT, type TEXT, seq INTEGER,")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENCODE_DATA_DIR", str(tmp_path / "opencode"))
    return tmp_path / "opencode"


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, folder: Path) -> Ledger:
    return Ledger(analytics, tmp_path, ("opencode",), now=AT / 1000 + 60)


@pytest.fixture
def database(folder: Path) -> Path:
    return made(folder / "opencode.db", f"PRAGMA journal_mode=WAL; CREATE TABLE message {COLUMNS};")


@pytest.fixture
def agent(database: Path) -> Iterator[sqlite3.Connection]:
    """Return OpenCode's own connection, which stays open."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        yield connection


def answer(**changes: Any) -> Json:
    """Return a message that is finished; what is changed to None is left out."""
    message = {
        "role": "assistant",
        "providerID": "anthropic",
        "modelID": "claude-sonnet-4-5",
        "cost": 0,
        "tokens": {"input": 100, "output": 50, "reasoning": 5, "cache": {"read": 10, "write": 20}},
        "time": {"created": AT, "completed": AT + 4000},
        **changes,
    }
    return {name: told for name, told in message.items() if told is not None}


def put(connection: sqlite3.Connection, id: str, message: Json | str, *, at: int = AT, session: str = "ses_1") -> None:
    """Write a message as OpenCode does, over what was there of it."""
    text = message if isinstance(message, str) else json.dumps(message)
    upsert = "ON CONFLICT (id) DO UPDATE SET time_updated = excluded.time_updated, data = excluded.data"
    connection.execute(f"INSERT INTO message VALUES (?, ?, ?, ?, ?) {upsert}", (id, session, at, at, text))


def id_of(at: int) -> str:
    """Return an id as OpenCode makes it, which tells when."""
    return f"msg_{(at % (1 << 36)) << 12 | 1:012x}00000000000000"


def counted(ledger: Ledger) -> dict[str, int]:
    """Return what each call was given back, by id."""
    return {id: data["output_tokens"] for id, data in ledger.calls().items()}


def test_what_reaches_only_the_log_beside_the_database_is_read(
    ledger: Ledger, agent: sqlite3.Connection, database: Path
) -> None:
    put(agent, "msg_1", answer())
    ledger.read(final=False)
    before = database.stat()
    put(agent, "msg_2", answer(time={"created": AT + 1, "completed": AT + 2}), at=AT + 5000)
    assert (database.stat().st_size, database.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    ledger.read(final=False)
    assert counted(ledger) == {"msg_1": 55, "msg_2": 55}


def test_an_answer_that_is_rewritten_in_place_is_recorded_when_it_is_finished(
    ledger: Ledger, agent: sqlite3.Connection
) -> None:
    put(agent, "msg_1", answer(tokens=None, time={"created": AT}))
    put(agent, "msg_2", answer(), at=AT + 60_000)
    assert ledger.read(final=False).skipped == {"answer that is not finished": 1}
    put(agent, "msg_1", answer(time={"created": AT, "completed": AT + 90_000}), at=AT + 90_000)
    ledger.read(final=False)
    assert counted(ledger) == {"msg_1": 55, "msg_2": 55}


def test_an_answer_that_is_never_finished_is_partial_when_its_database_rests(
    ledger: Ledger, agent: sqlite3.Connection, database: Path
) -> None:
    put(agent, "msg_1", answer(time={"created": AT}))
    report = ledger.read(final=False)
    assert (report.calls, report.open) == (0, 1)
    ledger.now = max(path.stat().st_mtime for path in database.parent.iterdir()) + 3600
    report = ledger.read(final=False)
    assert (report.calls, report.partial, report.open) == (1, 1, 0)
    assert ledger.call()["attributes"]["partial"] is True


def test_an_answer_is_open_until_it_is_finished_and_then_counts_with_its_last_figures(
    ledger: Ledger, agent: sqlite3.Connection
) -> None:
    put(agent, "msg_1", answer(time={"created": AT}, tokens={"input": 1, "output": 1}))
    assert ledger.read(final=False).open == 1
    put(agent, "msg_1", answer(), at=AT + 4000)
    report = ledger.read(final=False)
    assert (report.calls, report.partial, report.open) == (1, 0, 0)
    assert "partial" not in ledger.call()["attributes"]
    assert ledger.read(final=True).skipped == {}


def test_a_row_that_was_written_late_with_an_earlier_time_is_read(ledger: Ledger, agent: sqlite3.Connection) -> None:
    put(agent, "msg_2", answer(time={"created": AT + 60_000, "completed": AT + 61_000}), at=AT + 61_000)
    ledger.read(final=False)
    put(agent, "msg_1", answer(), at=AT)  # as an import brings it, or another process that had to wait
    ledger.read(final=False)
    assert counted(ledger) == {"msg_1": 55, "msg_2": 55}


def test_an_answer_that_another_process_finished_while_it_had_to_wait_is_read(
    ledger: Ledger, agent: sqlite3.Connection
) -> None:
    put(agent, "msg_1", answer(tokens=None, time={"created": AT}))
    put(agent, "msg_2", answer(time={"created": AT + 1, "completed": AT + 20_000}), at=AT + 20_000)
    ledger.read(final=False)
    put(agent, "msg_1", answer(), at=AT + 19_000)  # it took the time, and then it waited for the other to be through
    ledger.read(final=False)
    assert counted(ledger) == {"msg_1": 55, "msg_2": 55}


def test_a_row_with_a_time_to_come_does_not_hide_those_after_it(ledger: Ledger, agent: sqlite3.Connection) -> None:
    put(agent, "msg_1", answer(tokens=None, time={"created": AT}))
    put(agent, "msg_2", answer(time={"created": AT, "completed": AT + 1}), at=AT * 1000)
    ledger.read(final=False)
    now = int(Path(agent.execute("PRAGMA database_list").fetchone()[2]).stat().st_mtime * 1000)
    put(agent, "msg_1", answer(), at=now)
    ledger.read(final=False)
    assert counted(ledger) == {"msg_1": 55, "msg_2": 55}


@pytest.mark.parametrize("ids", [("msg_1", "msg_2"), (id_of(AT), id_of(AT + 3_600_000))])
@pytest.mark.parametrize("order", [1, -1])
def test_a_fork_copies_calls_under_new_ids_and_they_count_once(
    ledger: Ledger, folder: Path, ids: tuple[str, str], order: int
) -> None:
    for id, session in zip(ids, ("ses_a", "ses_b")[::order], strict=True):
        path = folder / f"storage/message/{session}/{id}.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**answer(), "id": id, "sessionID": session}))
    report = ledger.read()
    assert (report.calls, sum(report.skipped.values())) == (1, 1)
    ledger.lose_state()
    assert ledger.read().events == 0


def test_of_a_call_and_its_copy_the_call_counts_where_the_ids_tell_which_it_is(
    ledger: Ledger, agent: sqlite3.Connection
) -> None:
    own, copy = id_of(AT), id_of(AT + 3_600_000)
    put(agent, copy, answer(), session="ses_fork")
    put(agent, own, answer(), session="ses_1")
    ledger.read()
    assert (list(ledger.calls()), ledger.call()["conversation_id"]) == ([own], "ses_1")


def test_a_fork_that_is_read_at_a_later_look_adds_nothing(ledger: Ledger, agent: sqlite3.Connection) -> None:
    put(agent, "msg_1", answer())
    ledger.read(final=False)
    put(agent, "msg_9", answer(), at=AT + 500_000, session="ses_fork")
    put(agent, "msg_10", answer(time={"created": AT + 500_000, "completed": AT + 500_900}), session="ses_fork")
    assert sum(ledger.read(final=False).skipped.values()) == 1
    assert counted(ledger) == {"msg_1": 55, "msg_10": 55}


def test_two_answers_of_one_moment_are_two(ledger: Ledger, agent: sqlite3.Connection) -> None:
    put(agent, "msg_1", answer(), session="ses_1")
    put(agent, "msg_2", answer(time={"created": AT, "completed": AT + 4001}), session="ses_2")
    ledger.read()
    assert counted(ledger) == {"msg_1": 55, "msg_2": 55}


def test_files_of_older_versions_and_the_database_tell_a_message_once(
    ledger: Ledger, folder: Path, agent: sqlite3.Connection
) -> None:
    path = folder / "storage/message/ses_1/msg_1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**answer(), "id": "msg_1", "sessionID": "ses_1"}))
    put(agent, "msg_1", answer())
    report = ledger.read()
    assert (report.calls, report.skipped) == (1, {"there before": 1})


def test_databases_of_all_channels_are_read(ledger: Ledger, folder: Path, agent: sqlite3.Connection) -> None:
    put(agent, "msg_1", answer())
    made(folder / "opencode-beta.db", f"CREATE TABLE message {COLUMNS};")
    with closing(sqlite3.connect(folder / "opencode-beta.db")) as beta, beta:
        put(beta, "msg_2", answer(time={"created": AT + 1, "completed": AT + 2}))
    ledger.read()
    assert counted(ledger) == {"msg_1": 55, "msg_2": 55}


def test_tables_with_fewer_columns_are_read(ledger: Ledger, folder: Path) -> None:
    text = json.dumps(answer())
    made(
        folder / "opencode.db",
        f"CREATE TABLE session_message (id TEXT, session_id TEXT, type TEXT, seq INTEGER, data TEXT);"
        f"CREATE TABLE message (id TEXT, session_id TEXT, data TEXT);"
        f"INSERT INTO session_message VALUES ('msg_1', 'ses_1', 'assistant', 1, '{text}');"
        f"INSERT INTO message VALUES ('msg_0', 'ses_1', '{text}');",
    )
    ledger.read()
    assert counted(ledger) == {"msg_1": 55}


@pytest.mark.parametrize("table", ["session", "session_v2"])
def test_the_project_is_of_the_session_in_whichever_table_it_is(ledger: Ledger, folder: Path, table: str) -> None:
    made(
        folder / "opencode.db",
        f"CREATE TABLE {table} (id TEXT, directory TEXT, parent_id TEXT); CREATE TABLE session_message {V2_COLUMNS};"
        f"INSERT INTO {table} VALUES ('ses_1', '/srv/secret-customer/shop', 'ses_0');"
        f"INSERT INTO session_message VALUES ('msg_1', 'ses_1', 'assistant', 1, {AT}, {AT}, '{json.dumps(answer())}');",
    )
    ledger.read()
    attributes = ledger.call()["attributes"]
    assert (attributes["project"], attributes["parent_conversation_id"]) == ("shop", "ses_0")


def test_rows_of_version_2_that_are_no_answers_do_not_stand_for_version_1(ledger: Ledger, folder: Path) -> None:
    text = json.dumps(answer())
    made(
        folder / "opencode.db",
        f"CREATE TABLE session_message {V2_COLUMNS}; CREATE TABLE message {COLUMNS};"
        f"INSERT INTO session_message VALUES ('msg_s', 'ses_1', 'model-switched', 1, {AT}, {AT}, '{{}}');"
        f"INSERT INTO message VALUES ('msg_1', 'ses_1', {AT}, {AT}, '{text}');",
    )
    ledger.read()
    assert counted(ledger) == {"msg_1": 55}


def test_what_a_conversation_tells_in_both_generations_counts_once(ledger: Ledger, folder: Path) -> None:
    old, new = json.dumps(answer()), json.dumps(answer(time={"created": AT + 9000, "completed": AT + 9900}))
    made(
        folder / "opencode.db",
        f"CREATE TABLE session_message {V2_COLUMNS}; CREATE TABLE message {COLUMNS};"
        f"INSERT INTO message VALUES ('msg_1', 'ses_1', {AT}, {AT}, '{old}');"
        f"INSERT INTO session_message VALUES ('msg_backfill_1', 'ses_1', 'assistant', 1, {AT}, {AT}, '{old}');"
        f"INSERT INTO session_message VALUES ('msg_2', 'ses_1', 'assistant', 2, {AT + 9000}, {AT + 9900}, '{new}');"
        f"INSERT INTO message VALUES ('msg_3', 'ses_1', {AT + 20_000}, {AT + 20_000}, "
        f"'{json.dumps(answer(time={'created': AT + 20_000, 'completed': AT + 20_001}))}');",
    )
    ledger.read()
    assert counted(ledger) == {"msg_backfill_1": 55, "msg_2": 55, "msg_3": 55}


def test_a_damaged_database_is_told_and_stops_nothing(ledger: Ledger, folder: Path, agent: sqlite3.Connection) -> None:
    put(agent, "msg_1", answer())
    (folder / "opencode-next.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    report = ledger.read()
    assert report.calls == 1
    assert [problem.partition(":")[0] for problem in report.problems.values()] == ["SQLite cannot read it"]


def test_of_a_database_that_is_damaged_inside_what_can_be_read_is_read(ledger: Ledger, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for number in range(200):
            times = {"created": AT + number * 1000, "completed": AT + number * 1000 + 500}
            put(connection, f"msg_{number}", answer(time=times), at=AT + number)
    content = bytearray(database.read_bytes())
    page = len(content) // 4096 // 2
    content[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    database.write_bytes(content)
    report = ledger.read()
    assert 0 < report.calls < 200
    (problem,) = report.problems.values()
    assert problem.startswith("SQLite cannot read all of it: ")


def test_a_database_without_tables_that_are_known_is_told_and_an_empty_one_is_not(ledger: Ledger, folder: Path) -> None:
    made(folder / "opencode-a.db", "CREATE TABLE something_else (id TEXT);")
    (folder / "opencode-b.db").touch()
    assert list(ledger.read().problems.values()) == ["none of its tables is one that is known"]


def test_a_database_that_is_replaced_by_another_is_read_from_its_beginning(
    ledger: Ledger, database: Path, folder: Path
) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        put(connection, "msg_1", answer(), at=AT + 1_000_000)
    ledger.read()
    other = made(folder.parent / "other.db", f"CREATE TABLE message {COLUMNS};")
    with closing(sqlite3.connect(other)) as connection, connection:
        put(connection, "msg_0", answer(time={"created": AT - 9000, "completed": AT - 8000}), at=AT - 8000)
    other.replace(database)
    ledger.read()
    assert counted(ledger) == {"msg_1": 55, "msg_0": 55}


def test_a_look_without_news_reads_nothing(ledger: Ledger, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        put(connection, "msg_1", answer())
    os.utime(database, (CHANGED, CHANGED))
    ledger.read()
    assert ledger.read().read == 0


def test_a_row_of_another_shape_is_counted_and_stops_nothing(ledger: Ledger, agent: sqlite3.Connection) -> None:
    shapes: list[Json | str] = [
        "no JSON",
        "[1]",
        answer(time="yesterday", tokens=[]),
        answer(tokens={"input": "100", "output": 50.0, "cache": 0}, error="so it is"),
        answer(tokens={"input": -5, "output": 1}),
    ]
    for number, shape in enumerate(shapes):
        put(agent, f"msg_{number}", shape)
    report = ledger.read()
    assert ledger.tokens() == {"msg_3": {"input": 100, "output": 50}}
    assert (report.skipped["row that is no JSON"], sum(report.skipped.values())) == (2, 4)


@pytest.mark.parametrize("cost", [0, -1, None, "0.5", True])
def test_a_cost_that_is_none_is_not_reported(ledger: Ledger, agent: sqlite3.Connection, cost: Any) -> None:
    put(agent, "msg_1", answer(cost=cost))
    ledger.read()
    assert "cost" not in ledger.call()


def test_a_message_without_a_role_that_was_counted_is_an_answer(ledger: Ledger, agent: sqlite3.Connection) -> None:
    put(agent, "msg_1", answer(role=None))
    put(agent, "msg_2", {"time": {"created": AT}, "text": "what somebody asked"})
    ledger.read()
    assert counted(ledger) == {"msg_1": 55}


def test_an_answer_that_failed_after_it_was_counted_is_one_call(ledger: Ledger, agent: sqlite3.Connection) -> None:
    put(agent, "msg_1", answer(error={"name": "MessageAbortedError", "data": {}}))
    ledger.read()
    assert ledger.call()["attributes"]["error_type"] == "MessageAbortedError"
    assert ledger.events("provider.call.failed") == []


def test_vacuuming_a_database_changes_nothing(ledger: Ledger, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        put(connection, "msg_1", answer())
        put(connection, "msg_2", answer(time={"created": AT + 1, "completed": AT + 2}))
    ledger.read()
    run(database, "DELETE FROM message WHERE id = 'msg_1'; VACUUM;")
    assert ledger.read().events == 0
