"""Commands on a PostgreSQL store: the same, with --schema; no password is shown."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Cli
from tests.servers import Server


def test_a_store_on_a_server_is_migrated_filled_and_asked(cli: Cli, postgres: Server) -> None:
    place = ("--db", postgres.url, "--schema", postgres.schema())

    ready = cli("migrate", *place, "--tz", "Europe/Berlin", "--json")
    cli("demo", *place, "--jobs", "5", "--days", "1", "--start", "2026-11-01")
    again = cli("demo", *place, "--jobs", "5", "--days", "1", "--start", "2026-11-01")
    asked = cli("usage", *place, "--from", "2026-11-01", "--to", "2026-11-03", "--json")

    assert json.loads(ready.stdout)["timezone"] == "Europe/Berlin"
    assert "was there already" in again.stderr
    assert json.loads(asked.stdout)["totals"]["events"] > 0
    assert cli("migrate", *place).stdout.endswith(
        "is ready for budgets, cost, performance, usage, kept in Europe/Berlin\n"
    )
    assert "pg_dump" in cli("backup", "a.db", *place).stderr


def test_a_schema_that_is_not_there_is_told(cli: Cli, postgres: Server) -> None:
    done = cli("report", "--db", postgres.url, "--schema", "nobody_made_it")

    assert done.stderr.startswith("error: There is no store at schema nobody_made_it of postgresql://")


def test_a_password_is_never_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics_es.log.postgres.starting.ABSENT_SECONDS", 0.2)
    url = "postgresql://ada:s3cret@127.0.0.1:1/db"

    for command in (["report"], ["migrate"], ["projections", "status", "--json"], ["usage", "--json"]):
        done = cli(*command, "--db", url)
        assert "s3cret" not in done.stdout + done.stderr
        assert done.stderr.startswith("error: The database cannot be reached:")


def test_a_wrong_schema_is_one_line(cli: Cli) -> None:
    done = cli("report", "--db", "postgresql://localhost/db", "--schema", 'a"; DROP SCHEMA public; --')

    assert done.stderr.count("\n") == 1
    assert "cannot name a schema" in done.stderr
