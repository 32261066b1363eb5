"""analytics-es forget."""

import json
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from analytics_es.testing import provider_call
from tests.cli.conftest import NOON, WEEK, Cli

pytestmark = pytest.mark.usefixtures("full_privacy")  # names are in the log: there is something to mask


@pytest.fixture
def store() -> str:
    with AnalyticsService.open("analytics.db", follow=False) as service:
        service.record_events(
            [provider_call(occurred_at=NOON, user_id="ada@example.com", prompt="ada@example.com?")] * 2
        ).unwrap()
    return "analytics.db"


@pytest.mark.usefixtures("store")
def test_a_subject_is_forgotten_and_the_receipt_says_what_and_where(cli: Cli) -> None:
    cli("export", "csv", *WEEK, "-o", "gone.csv")
    cli("export", "csv", *WEEK, "-o", "march.csv")
    Path("gone.csv").unlink()

    result = cli("forget", "ada@example.com", "--yes")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        "destroyed: 0 entries of the vault",
        "masked: 2 events in user_id (2)",
        "  at positions 1 to 2",
        "derived again: 1 day of the read models",
        f"still holds it: export {Path('gone.csv').absolute()}, told at position 3 (no longer there)",
        f"still holds it: export {Path('march.csv').absolute()}, told at position 4",
        "left, because these fields do not say who somebody is: the same text in data.prompt (2)",
        "  to mask it there: --field PATH",
    ]
    assert "ada@example.com" not in cli("usage", "user", *WEEK).stdout


@pytest.mark.usefixtures("store")
def test_the_name_in_other_capitals_is_told_of(cli: Cli) -> None:
    assert cli("forget", "Ada@Example.com", "--yes").stdout.splitlines()[4:] == [
        "left, because it is spelled otherwise: maybe the same name in data.user_id (2), data.prompt (2)",
        "  if it is: forget it, spelled like that, too",
    ]


@pytest.mark.usefixtures("store")
def test_the_receipt_is_told_as_json_and_never_says_who(cli: Cli) -> None:
    result = cli("forget", "-", "--field", "prompt", "--yes", "--json", input="ada@example.com\n")

    told = json.loads(result.stdout)
    assert (told["entity"], told["fields"], told["mentions"]) == ("user", {"user_id": 2, "prompt": 2}, {})
    assert "ada@example.com" not in result.stdout


@pytest.mark.usefixtures("store")
def test_it_is_asked_before_and_no_means_no(cli: Cli) -> None:
    result = cli("forget", "ada@example.com", input="n\n")

    assert result.exit_code == 1
    assert "Forget this user in analytics.db for good? [y/N]" in result.stderr
    assert "ada@example.com" in cli("usage", "user", *WEEK).stdout


def test_what_may_remain_is_told(cli: Cli, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from analytics_es.log.sqlite import SQLiteLog

    monkeypatch.setattr(SQLiteLog, "scrub", lambda _: ["a place"])

    assert cli("forget", "ada@example.com", "--yes", "--db", store).stdout.splitlines()[-1] == "may remain in: a place"


def test_what_is_not_there_is_a_failure(cli: Cli) -> None:
    result = cli("forget", "ada@example.com", "--yes")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert list(Path().iterdir()) == []


def test_under_pseudonyms_a_name_is_looked_up_and_then_forgotten(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[privacy]\npreset = 'pseudonymous'\n")
    data = json.dumps({"user_id": "ada@example.com"})
    cli("record", "job.completed", "--data", data, "--occurred-at", NOON.isoformat(), "--config", "a.toml")

    before = cli("usage", "user", "ada@example.com", *WEEK, "--config", "a.toml", "--json")
    forgotten = cli("forget", "ada@example.com", "--yes", "--config", "a.toml")
    after = cli("usage", "user", "ada@example.com", *WEEK, "--config", "a.toml", "--json")

    assert "destroyed: 1 entry of the vault" in forgotten.stdout
    assert [json.loads(each.stdout)["totals"]["events"] for each in (before, after)] == [1, 0]
