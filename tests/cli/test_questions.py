import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService, OperationResult, TimePeriod
from analytics_es.cli import store as store_module
from analytics_es.errors import GUIDE, FoldFailed
from analytics_es.events.codec import to_plain
from analytics_es.testing import tool_call
from tests.cli.conftest import ADA, BOB, CY, FIRST, NOON, WEEK, Cli
from tests.stores import opened

QUESTIONS = [
    ("usage",),
    ("usage", "tenant"),
    ("usage", "user", "ada"),
    ("performance",),
    ("cost",),
    ("cost", "--by", "tenant", "--by", "model"),
    ("cost", "--by", "currency", "--granularity", "total"),
    ("summary", "performance.duration", "--group-by", "operation"),
    ("summary", "cost.reported_cost", "--group-by", "model"),
    ("summary", "usage.events", "--group-by", "tool", "--granularity", "total"),
    ("summary", "usage.last_seen", "--granularity", "total"),
    ("report",),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_is_answered_in_plain_text(
    cli: Cli, db: str, question: tuple[str, ...], snapshot: SnapshotAssertion
) -> None:
    result = cli(*question, *WEEK, "--db", db)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == snapshot


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_what_is_piped_has_no_colour_no_control_character_and_no_space_at_the_end(
    cli: Cli, db: str, question: tuple[str, ...]
) -> None:
    output = cli(*question, *WEEK, "--db", db).stdout

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", output)
    assert not re.search(r" $", output, re.MULTILINE)


PERIOD = TimePeriod.parse("2024-03-01/2024-03-08")


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (("usage",), lambda s: s.get_usage_stats(None, None, PERIOD)),
        (("usage", "tenant"), lambda s: s.get_usage_stats("tenant", None, PERIOD)),
        (("usage", "user", "ada"), lambda s: s.get_usage_stats("user", "ada", PERIOD)),
        (("performance",), lambda s: s.get_performance_metrics(PERIOD)),
        (("cost", "--by", "user"), lambda s: s.get_cost_breakdown(PERIOD, by=["user"])),
        (
            ("summary", "cost.reported_cost", "--group-by", "model", "--where", "user=ada"),
            lambda s: s.get_summary("cost.reported_cost", PERIOD, group_by=["model"], where={"user": "ada"}),
        ),
        (("metrics",), lambda s: s.list_metrics()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_json_is_the_answer_of_the_service_field_for_field(
    cli: Cli, db: str, question: tuple[str, ...], asked: Callable[[AnalyticsService], OperationResult[Any]]
) -> None:
    period = () if question == ("metrics",) else WEEK
    cli("usage", "--db", db)
    with AnalyticsService.open(db, follow=False) as service:
        expected = to_plain(asked(service).unwrap())

    result = cli(*question, *period, "--db", db, "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    assert expected == json.loads(result.stdout)


def test_the_json_of_a_report_holds_all_its_answers(cli: Cli, db: str) -> None:
    found = json.loads(cli("report", *WEEK, "--db", db, "--json").stdout)

    assert set(found) == {"usage", "tenants", "users", "performance", "cost", "series", "budgets"}
    assert found["cost"]["totals"][0]["reported_cost"] == "0.205115"
    assert [each["entity_id"] for each in found["tenants"]["top_entities"]] == ["acme", "birch"]


def test_a_question_catches_up_first(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}")
    cli("usage")
    cli("record", "job.completed", "--data", "{}")

    answer = json.loads(cli("usage", "--json").stdout)

    assert (
        answer["totals"]["events"],
        answer["completeness"]["position"],
        answer["completeness"]["lag_events"],
    ) == (2, FIRST + 1, 0)


def test_an_unknown_cost_has_a_line_of_its_own_and_is_not_nought(cli: Cli, db: str) -> None:
    output = cli("cost", *WEEK, "--db", db).stdout

    line, zero = [line for line in output.splitlines() if line.startswith("Unknown cost: ")]
    assert "2 calls, in no sum above (no price is known): selfhosted/llama-3.3-70b (2 calls, 2,400" in line
    (row,) = [line for line in output.splitlines() if line.startswith("  llama-3.3-70b")]
    assert "unknown" in row
    assert "0.0" not in row
    assert "1 call, in no sum above (reported as 0, although tokens were used" in zero


@pytest.mark.parametrize("question", ["cost", "report"])
def test_a_cost_without_a_call_that_ended_is_told(cli: Cli, question: str) -> None:
    cli("record", "provider.batch.accepted", "--data", '{"cost": "1.5", "currency": "USD"}')

    result = cli(question)

    assert result.exit_code == 0
    assert "1.5000 USD" in result.stdout


def test_a_footer_says_what_the_answer_stands_on(cli: Cli, db: str) -> None:
    footer = cli("usage", *WEEK, "--db", db).stdout.splitlines()[-1]

    assert footer == "as of position 14 · up to date · all readable · period closed · UTC"


def test_a_footer_tells_of_what_is_unreadable_and_still_open(cli: Cli) -> None:
    cli("record", "shop.order.placed", "--data", '{"input_tokens": "many"}')

    footer = cli("usage").stdout.splitlines()[-1]

    assert footer == (
        "as of position 2 · up to date · 1 value unreadable (`analytics-es projections status`) · still open: more may "
        "come · UTC"
    )


def test_a_projection_that_cannot_go_on_is_told_and_the_answer_lags(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("record", "job.completed", "--data", "{}")

    def fails(*_: object, **__: object) -> int:
        raise FoldFailed(projection="cost", problem="of a test")

    monkeypatch.setattr(store_module.AnalyticsService, "catch_up", fails)
    result = cli("usage")

    assert result.exit_code == 0
    assert result.stderr == "warning: The projection cost cannot go on: of a test. The others do.\n"
    assert "as of position 0 · 2 events behind" in result.stdout


@pytest.mark.parametrize(
    "question",
    [
        ("usage",),
        ("performance",),
        ("cost",),
        ("summary", "usage.events"),
        ("report",),
        ("aggregate",),
        ("export", "csv"),
        ("projections", "list"),
        ("projections", "status"),
        ("run",),
    ],
    ids=" ".join,
)
def test_a_question_to_a_store_that_is_not_there_creates_nothing(
    cli: Cli, tmp_path: Path, question: tuple[str, ...]
) -> None:
    result = cli(*question, "--db", "no.db")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: There is no store at no.db: record or import something first, or check --db.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_store_and_stays_empty(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()

    assert cli("usage", "--db", "empty.db").exit_code == 1
    assert (tmp_path / "empty.db").stat().st_size == 0


def test_the_store_may_come_from_the_environment(cli: Cli, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_ES_DB", db)

    assert cli("usage").exit_code == 0


def test_metrics_need_no_store(cli: Cli, tmp_path: Path) -> None:
    result = cli("metrics")

    assert result.exit_code == 0
    assert "performance.duration" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_period_without_events_says_so(cli: Cli, db: str) -> None:
    for command in ("usage", "performance", "cost", "report"):
        output = cli(command, "--from", "2023-01-01", "--to", "2023-01-02", "--db", db).stdout

        assert "in this period: try a longer one" in output


def test_top_cuts_tables_and_says_how_much_there_is(cli: Cli, db: str) -> None:
    output = cli("performance", *WEEK, "--db", db, "--top", "2").stdout

    assert "… and 5 more: --top 7 shows all" in output


HOSTILE = [
    ("summary", "usage.events; DROP TABLE usage_v4"),
    ("summary", "usage.events' OR '1'='1"),
    ("summary", "usage.events", "--group-by", "1=1"),
    ("summary", "usage.events", "--group-by", "event_type) FROM sqlite_master --"),
    ("summary", "usage.events", "--where", "1=1"),
    ("summary", "usage.events", "--where", "a' OR 1 --=x"),
    ("summary", "usage.events", "--where", "tenant"),
    ("summary", "usage.events", "--where", "tenant=a", "--where", "tenant=b"),
    ("cost", "--by", "model; DROP TABLE cost_v4"),
    ("usage", "user'; DROP TABLE usage_v4"),
    ("usage", "--tz", "../../etc/passwd"),
    ("usage", "--tz", "localtime"),
    ("usage", "--granularity", "fortnight"),
    ("usage", "--last", "7 days"),
    ("usage", "--last", "0d"),
    ("usage", "--last", "99999999999w"),
    ("usage", "--last", "999999w"),
    ("usage", "--from", "2024-01-01", "--last", "9999w"),
    ("usage", "--from", "yesterday"),
    ("usage", "--from", "0001-01-01"),
    ("usage", "--to", "9999-12-31"),
    ("usage", "--from", "2024-03-02", "--to", "2024-03-01"),
    ("usage", "--from", "2024-03-01", "--to", "2024-03-02", "--last", "1d"),
    ("export", "exe"),
    ("export", "csv", "--metric", "usage.events; DROP TABLE usage_v4"),
    ("export", "csv", "-o", "no/such/folder/x.csv"),
    ("export", "csv", "-o", "."),
]


@pytest.mark.parametrize("arguments", HOSTILE, ids=" ".join)
def test_a_hostile_argument_is_refused_and_harms_nothing(
    cli: Cli, db: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    before = cli("report", *WEEK, "--db", db).stdout

    result = cli(*arguments, "--db", db)

    assert result.exit_code in (1, 2)
    assert result.stdout == ""
    if result.exit_code == 1:
        assert re.fullmatch(r"error: [^\n]+\n", result.stderr)
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert before == cli("report", *WEEK, "--db", db).stdout


def test_a_hostile_value_is_only_a_value(cli: Cli, db: str) -> None:
    answer = json.loads(
        cli("summary", "usage.events", *WEEK, "--db", db, "--where", "tenant=acme' OR 1=1 --", "--json").stdout
    )

    assert answer["figures"]["total"] == "0"


@pytest.mark.parametrize("path", [".", "/", "", ":memory:", "postgres://host/db", "no/such/folder/x.db"])
def test_a_store_that_cannot_be_opened_is_a_failure_in_one_line(cli: Cli, path: str) -> None:
    result = cli("usage", "--db", path)

    assert result.exit_code == 1
    assert re.fullmatch(r"error: [^\n]+\n", result.stderr)


def test_a_file_that_is_not_ours_is_left_untouched(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    result = cli("usage", "--db", "notes.txt")

    assert result.exit_code == 1
    assert "left untouched" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_events_say_cannot_steer_the_terminal(cli: Cli) -> None:
    data = {"model": "\x1b[31m[bold]red[/bold]\x1b[0m", "tenant_id": "a\nb", "provider": "\u202eevil"}
    cli("record", "provider.call.completed", "--data", json.dumps(data))

    output = cli("report").stdout

    assert "\x1b" not in output
    assert "\u202e" not in output
    assert r"\x1b[31m[bold]red[/bold]\x1b[0m" in output
    assert r"a\nb" in output


def test_a_cost_by_two_entities_has_a_row_for_every_pair(cli: Cli, db: str) -> None:
    answer = json.loads(cli("cost", "--by", "user", "--by", "tenant", "--db", db, "--json", *WEEK).stdout)

    assert {(row["keys"]["user"], row["keys"]["tenant"]) for row in answer["rows"]} == {
        (ADA, "acme"),
        (BOB, "acme"),
        (CY, "birch"),
    }


def test_a_tag_that_is_not_declared_is_refused_with_what_to_do(cli: Cli, db: str) -> None:
    result = cli("cost", "--by", "attributes.team", "--db", db, *WEEK)

    assert result.exit_code == 1
    assert f"attributes once declared, of cost by tags = ['team'] ({GUIDE}/dimensions.md)" in result.stderr


def test_what_belongs_to_nobody_has_a_row_in_tables_and_json(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "n.db") as service:
        service.record_events([tool_call(occurred_at=NOON), tool_call(occurred_at=NOON, user_id=None)]).unwrap()
    at = (*WEEK, "--db", tmp_path / "n.db")

    tables = [
        cli(*asked, *at).stdout for asked in (("summary", "usage.events", "--group-by", "user"), ("usage", "user"))
    ]
    groups = json.loads(cli("summary", "usage.events", "--group-by", "user", *at, "--json").stdout)["groups"]
    alone = json.loads(cli("summary", "usage.events", "--where", "user=", *at, "--json").stdout)

    assert ["(none)" in table for table in tables] == [True, True]
    assert {group["keys"]["user"][:2]: group["figures"]["count"] for group in groups} == {"p_": 1, "": 1}
    assert alone["figures"]["count"] == 1
