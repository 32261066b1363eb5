import json
from pathlib import Path

from tests.cli.conftest import LAST, WEEK, Cli


def test_a_backup_is_told_in_one_line_or_as_json(cli: Cli, own: str) -> None:
    told = cli("backup", "one.db", "--db", own)
    found = json.loads(cli("backup", "two.db", "--db", own, "--json").stdout)

    assert told.stdout.startswith("wrote ")
    assert f"one.db: the log up to position {LAST}, " in told.stdout
    assert found == {
        "path": str(Path("two.db").absolute()),
        "last_position": LAST + 1,  # the first backup is told in the log
        "bytes": Path("two.db").stat().st_size,
        "damaged": [],
    }
    assert cli("usage", *WEEK, "--db", "two.db", "--json").exit_code == 0


def test_a_backup_never_replaces_a_file(cli: Cli, db: str) -> None:
    Path("mine.db").write_text("mine")

    result = cli("backup", "mine.db", "--db", db)

    assert result.exit_code == 1
    assert "is never overwritten" in result.stderr
    assert Path("mine.db").read_text() == "mine"
