import json

from tests.cli.conftest import LAST, WEEK, Cli


def test_an_aggregation_changes_no_answer(cli: Cli, db: str) -> None:
    before = cli("report", *WEEK, "--db", db, "--json").stdout

    told = cli("aggregate", *WEEK, "--db", db)
    found = json.loads(cli("aggregate", *WEEK, "--db", db, "--json").stdout)

    assert told.stdout.startswith("derived ")
    assert (found["events"], found["position"]) == (13, LAST)
    assert cli("report", *WEEK, "--db", db, "--json").stdout == before
