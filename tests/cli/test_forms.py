"""--format: what is printed as CSV and as Markdown is what the answer holds, to the last digit."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from analytics_es.cli import main
from analytics_es.testing import price, tool_call
from analytics_es.types import TimePeriod
from tests.cli.conftest import WEEK, Cli
from tests.stores import opened, record

PERIOD = TimePeriod.parse("2024-03-01/2024-03-08")
DATED: list[tuple[str, ...]] = [
    ("usage",),
    ("usage", "tenant"),
    ("performance",),
    ("cost", "--by", "user", "--by", "currency"),
    ("unit-costs",),
    ("summary", "performance.duration", "--group-by", "operation"),
    ("summary", "cost.reported_cost"),
    ("explain", "usage.events"),
    ("explain", "cost.cost"),
    ("diff", "--before", "1"),
]
UNDATED: list[tuple[str, ...]] = [
    ("budgets", "--at", "2024-03-04"),
    ("metrics",),
    ("prices", "list"),
    ("prices", "show", "claude-sonnet-4-5"),
    ("projections", "list"),
    ("projections", "status"),
    ("projections", "verify"),
    ("dead-letters", "list"),
    ("views",),
]
QUESTIONS = [*((*question, *WEEK) for question in DATED), *UNDATED]
OPERATIONS = {  # they do something, and say with --json what became of it
    *(
        "backup",
        "check",
        "checksums",
        "correct",
        "demo",
        "export",
        "forget",
        "import",
        "migrate",
        "record",
        "retain",
        "run",
    ),
    "serve",
    *("agents check", "agents export", "agents import", "agents setup", "agents status"),  # of files of this machine
    *("dead-letters discard", "dead-letters retry", "prices import", "projections rebuild", "rejected record"),
}


@pytest.fixture(scope="module")
def db(db: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a copy of the store: `prices show` tells its log which default prices there are."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(db).parent, folder, dirs_exist_ok=True)
    return str(folder / Path(db).name)


def sheet(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def commands(group: click.Group = main, path: str = "") -> dict[str, click.Command]:
    """Return every command by what is typed."""
    named: dict[str, click.Command] = {}
    for name in group.list_commands(click.Context(group)):
        command = group.commands[name]
        place = f"{path} {name}".strip()
        named |= commands(command, place) if isinstance(command, click.Group) else {place: command}
    return named


def test_every_question_has_a_format_and_operations_have_none() -> None:
    with_format = {
        name for name, command in commands().items() if "--format" in {o for p in command.params for o in p.opts}
    } - {"export", "import"}

    assert set(commands()) - with_format == OPERATIONS


def test_what_was_derived_again_is_a_table_too(cli: Cli, own: str) -> None:
    (row,) = sheet(cli("aggregate", *WEEK, "--db", own, "--format", "csv").stdout)

    assert json.loads(row["projections"]) == ["budgets", "cost", "performance", "usage"]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_is_answered_as_csv_and_as_markdown(cli: Cli, db: str, question: tuple[str, ...]) -> None:
    as_csv = cli(*question, "--db", db, "--format", "csv")
    as_md = cli(*question, "--db", db, "--format", "md")

    assert (as_csv.exit_code, as_md.exit_code) == (0, 0)
    rows = list(csv.reader(io.StringIO(as_csv.stdout)))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert f"| {' | '.join(rows[0])} |" in as_md.stdout
    assert "\x1b" not in as_csv.stdout + as_md.stdout
    assert all(not line.startswith("|") or line.endswith(" |") for line in as_md.stdout.splitlines())


@pytest.mark.parametrize("question", [("report", *WEEK), ("metrics",), ("prices", "list")], ids=" ".join)
def test_json_and_table_are_what_they_were(cli: Cli, db: str, question: tuple[str, ...]) -> None:
    def printed(*form: str) -> str:
        return cli(*question, "--db", db, *form).stdout

    assert printed("--format", "json") == printed("--json")
    assert printed("--format", "table") == printed()


def test_csv_has_every_digit_of_the_answer(cli: Cli, db: str) -> None:
    cli("usage", "--db", db)
    with opened(db) as service:
        cost = service.get_cost_breakdown(PERIOD, by=["model"]).unwrap()
        performance = service.get_performance_metrics(PERIOD).unwrap()

    rows = sheet(cli("cost", *WEEK, "--db", db, "--format", "csv").stdout)
    operations = sheet(cli("performance", *WEEK, "--db", db, "--format", "csv", "--top", "1").stdout)

    assert [(row["model"], row["cost"]) for row in rows] == [
        (row.keys["model"], "" if row.cost is None else format(row.cost, "f")) for row in cost.rows
    ]
    assert [row["duration_ms_mean"] for row in operations] == [
        "" if row.duration_ms.mean is None else format(row.duration_ms.mean, "f") for row in performance.operations
    ]
    assert [float(row["calls_per_second"]) for row in operations] == [
        row.calls_per_second for row in performance.operations
    ]


def test_csv_is_of_the_table_that_is_chosen(cli: Cli, db: str) -> None:
    rows = sheet(cli("cost", *WEEK, "--db", db, "--format", "csv", "--table", "totals").stdout)

    assert [row["currency"] for row in rows] == ["USD", "EUR"]
    assert rows[0]["reported_cost"] == "0.205115"


def test_a_series_is_folded_for_a_screen_and_not_for_a_program(cli: Cli, db: str) -> None:
    year = ("--from", "2024-01-01", "--to", "2025-01-01", "--db", db)
    rows = sheet(cli("usage", *year, "--format", "csv", "--table", "series").stdout)

    assert len(rows) == 366


def test_a_report_as_csv_says_which_tables_it_has(cli: Cli, db: str) -> None:
    without = cli("report", *WEEK, "--db", db, "--format", "csv")
    chosen = cli("report", *WEEK, "--db", db, "--format", "csv", "--table", "tenants")

    assert without.exit_code == 2
    assert "this answer has several tables: choose one with --table: usage, usage.entities," in without.stderr
    assert [row["entity_id"] for row in sheet(chosen.stdout)][:2] == ["acme", "birch"]


def test_a_report_as_markdown_has_a_section_for_each_table(cli: Cli, db: str) -> None:
    page = cli("report", *WEEK, "--db", db, "--format", "md").stdout

    assert page.startswith("# Report  2024-03-01 00:00")
    sections = [line for line in page.splitlines() if line.startswith("## ")]
    assert sections[0] == "## usage"
    assert {"## tenants", "## users", "## performance", "## cost", "## cost.totals", "## budgets"} <= set(sections)
    assert "as of position" in page.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--format", "csv", "--table", "serie"), "'serie' is no table of this answer: choose one with --table: rows,"),
        (("--table", "series"), "--table goes with --format csv or --format md."),
        (("--json", "--table", "series"), "--table goes with --format csv or --format md."),
        (("--json", "--format", "csv"), "--json is --format json: leave it or --format csv out."),
        (("--format", "xml"), "'xml' is not one of 'table', 'json', 'csv', 'md'."),
    ],
)
def test_what_cannot_be_is_told(cli: Cli, db: str, options: tuple[str, ...], problem: str) -> None:
    result = cli("cost", *WEEK, "--db", db, *options)

    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr


HOSTILE = [
    '=cmd("x")',
    "+1",
    "-1",
    "@a",
    "a|b\nc",
    'quoted "id", and more',
    "<script>alert(1)</script>",
    "*b* [l](u) `c` \\",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("hostile") / "hostile.db"
    with opened(path, privacy="full") as service:
        record(service, *(tool_call(user_id=name) for name in HOSTILE))
    return str(path)


HOSTILE_DAY = ("--from", "2026-03-02", "--to", "2026-03-03")


def test_csv_guards_what_a_spreadsheet_would_run_and_keeps_the_rest(cli: Cli, hostile: str) -> None:
    rows = sheet(cli("usage", "user", *HOSTILE_DAY, "--db", hostile, "--format", "csv").stdout)

    assert {row["entity_id"] for row in rows} == {f"'{name}" if name[0] in "=+-@" else name for name in HOSTILE}


def test_numbers_below_zero_are_numbers_in_csv(cli: Cli, db: str) -> None:
    rows = sheet(cli("diff", "--before", "1", *WEEK, "--db", db, "--format", "csv").stdout)

    assert not [cell for row in rows for cell in row.values() if cell.startswith("'")]


def test_markdown_keeps_a_cell_a_cell(cli: Cli, hostile: str) -> None:
    page = cli("usage", "user", *HOSTILE_DAY, "--db", hostile, "--format", "md", "--table", "entities").stdout
    table = [line for line in page.splitlines() if line.startswith("|")]

    assert len(table) == 2 + len(HOSTILE)
    assert len({line.replace(r"\|", "").count("|") for line in table}) == 1
    assert r"| a\|b<br>c |" in page
    assert r"| \<script>alert(1)\<\/script> |".replace(r"\/", "/") in page


def test_what_stands_out_is_told_beside_csv(cli: Cli, db: str) -> None:
    result = cli("cost", *WEEK, "--db", db, "--format", "csv")

    assert "note: Unknown cost: 1 call" in result.stderr
    assert "note" not in result.stdout


def test_prices_are_a_row_each(cli: Cli, path: Any) -> None:
    with opened(path) as service:
        service.publish_prices([price(), price(model="free", currency=None, per_mtok=None, free=True)]).unwrap()

    rows = sheet(cli("prices", "list", "--db", str(path), "--format", "csv").stdout)

    assert [(row["model"], row["kind"], row["price"], row["free"]) for row in rows] == [
        ("acme-large", "input_tokens", "0.000002", "false"),
        ("acme-large", "cache_read_tokens", "0.0000002", "false"),
        ("acme-large", "output_tokens", "0.000008", "false"),
        ("free", "", "", "true"),
    ]


def test_nothing_is_a_head_without_rows(cli: Cli, db: str) -> None:
    text = cli("dead-letters", "list", "--db", db, "--format", "csv").stdout

    assert text == "projection,position,field,hour,discarded\n"
