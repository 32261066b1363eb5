"""`checksums`: rows of before are given them, and one that was mended by hand is taken as right."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import LAST, Cli
from tests.stores import sql

LOG = Path("analytics.db")


def unsummed(cli: Cli) -> int:
    return int(json.loads(cli("projections", "verify", "--json").stdout)["unsummed"])


def test_events_of_before_are_given_checksums_once(cli: Cli, own: str) -> None:
    sql(LOG, "ALTER TABLE stored_events DROP COLUMN checksum")
    sql(LOG, "PRAGMA user_version = 3")
    assert unsummed(cli) == LAST

    first = cli("checksums")
    again = json.loads(cli("checksums", "--json").stdout)

    assert first.stdout == f"wrote checksums of {LAST} events\n"
    assert (again["events"], again["unsummed"], unsummed(cli)) == (0, 0, 0)
    sql(LOG, "UPDATE stored_events SET topic = 'tool.call.complexed' WHERE rowid = 5")
    assert "not what was recorded" in cli("projections", "verify").stdout  # though no read model has come so far


def test_an_event_that_was_mended_by_hand_is_counted_again(cli: Cli, own: str) -> None:
    expected = cli("usage").stdout
    ((state,),) = sql(LOG, "SELECT state FROM stored_events WHERE rowid = 5")
    sql(LOG, "UPDATE stored_events SET state = X'7B7D' WHERE rowid = 5")
    for file in Path().glob("analytics.views.db*"):
        file.unlink()
    cli("usage")
    sql(LOG, "UPDATE stored_events SET state = ?, checksum = 1 WHERE rowid = 5", state)

    asked = cli("checksums", "5")
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert cli("projections", "verify").exit_code == 1
    assert cli("checksums", "5", "--yes").stdout == "wrote checksums of 1 event\n"
    assert "4 solved" in cli("dead-letters", "retry", "5").stdout

    assert cli("projections", "verify").exit_code == 0
    assert cli("usage").stdout == expected


def test_a_position_that_is_not_there_is_told_in_one_line(cli: Cli, own: str) -> None:
    result = cli("checksums", "99", "--yes")

    assert result.exit_code == 1
    assert result.stderr == f"error: There is no position 99: this log has 0 to {LAST}.\n"
