import json

import pytest

from analytics_es.read_models import alone
from tests.cli.conftest import LAST, WEEK, Cli
from tests.stores import opened


def test_an_aggregation_changes_no_answer(cli: Cli, db: str) -> None:
    before = cli("report", *WEEK, "--db", db, "--json").stdout

    told = cli("aggregate", *WEEK, "--db", db)
    found = json.loads(cli("aggregate", *WEEK, "--db", db, "--json").stdout)

    assert told.stdout.startswith("derived ")
    assert (found["events"], found["position"]) == (13, LAST)
    assert cli("report", *WEEK, "--db", db, "--json").stdout == before


@pytest.mark.parametrize("command", [("aggregate", *WEEK), ("dead-letters", "retry", "--all")])
def test_beside_one_who_rebuilds_the_command_ends_with_a_sentence(
    cli: Cli, own: str, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(alone, "PATIENCE", 0.0)
    with opened(own) as other, other.store.read_models.rebuilding():
        result = cli(*command, "--db", own)

    assert result.exit_code == 1
    assert "Somebody else is rebuilding, aggregating, retaining or forgetting" in result.stderr
    assert "Traceback" not in result.stderr
