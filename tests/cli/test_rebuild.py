import json
from pathlib import Path

import pytest

from analytics_es import AnalyticsService
from tests.cli.conftest import LAST, WEEK, Cli
from tests.stores import sql


@pytest.fixture
def own(cli: Cli, own: str) -> str:
    """Return a store of one's own, caught up."""
    cli("usage", "--db", own)
    return own


def spoil() -> None:
    sql(Path("analytics.views.db"), "UPDATE usage_v4 SET events = events + 7")
    sql(Path("analytics.views.db"), "DELETE FROM cost_v4")


def test_a_rebuild_heals_what_is_wrong_and_says_what_it_did(cli: Cli, own: str) -> None:
    right = cli("report", *WEEK, "--db", own, "--json").stdout
    spoil()
    assert cli("report", *WEEK, "--db", own, "--json").stdout != right

    result = cli("projections", "rebuild", "--db", own, "--yes")

    assert result.exit_code == 0
    assert result.stdout.startswith("rebuilt budgets, cost, performance, usage from 14 events, up to position 14, in ")
    assert cli("report", *WEEK, "--db", own, "--json").stdout == right


def test_the_named_ones_alone_are_rebuilt(cli: Cli, own: str) -> None:
    spoil()

    cli("projections", "rebuild", "cost", "--db", own, "--yes")

    assert sql(Path("analytics.views.db"), "SELECT projection, generation FROM registry ORDER BY 1") == [
        ("budgets", 0),
        ("cost", 1),
        ("performance", 0),
        ("usage", 0),
    ]


def test_progress_and_result_are_lines_of_json(cli: Cli, own: str) -> None:
    lines = cli("projections", "rebuild", "--db", own, "--yes", "--json", "--batch-size", "5").stdout.splitlines()

    *progress, last = map(json.loads, lines)
    assert progress[-1]["progress"]["events"] == progress[-1]["progress"]["of"] == LAST
    assert {"events_per_second", "seconds_left", "memory_mb"} <= set(progress[-1]["progress"])
    assert (last["result"]["events"], last["result"]["position"]) == (LAST, LAST)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(cli: Cli, own: str) -> None:
    spoil()
    before = sql(Path("analytics.views.db"), "SELECT * FROM usage_v4")

    told = cli("projections", "rebuild", "--db", own, "--dry-run")
    plan = json.loads(cli("projections", "rebuild", "usage", "--db", own, "--dry-run", "--json").stdout)["plan"]

    assert "would be derived again from 14 events; nothing was done" in told.stdout
    assert ([each["name"] for each in plan["projections"]], plan["events"]) == (["usage"], LAST)
    assert sql(Path("analytics.views.db"), "SELECT * FROM usage_v4") == before


def test_nobody_is_asked_where_nobody_is(cli: Cli, own: str) -> None:
    result = cli("projections", "rebuild", "--db", own)

    assert result.exit_code == 2
    assert "Nobody is there to be asked: pass --yes." in result.stderr


def test_a_period_alone_is_derived_again(cli: Cli, own: str) -> None:
    right = cli("report", *WEEK, "--db", own, "--json").stdout
    spoil()

    result = cli("projections", "rebuild", "--from", "2024-03-01", "--to", "2024-03-08", "--db", own, "--yes")

    assert result.stdout.startswith("rebuilt ")
    assert "from 13 events of 2024-03-01T00:00:00+00:00/2024-03-08T00:00:00+00:00" in result.stdout
    assert cli("report", *WEEK, "--db", own, "--json").stdout == right


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing",), "'nothing' is none of budgets, cost, performance, usage."),
        (("--to", "2024-03-08"), "--to goes with --from."),
        (("--from", "2024-03-08", "--to", "2024-03-08"), "--from must be before --to."),
        (("--workers", "0"), "0 is not in the range x>=1"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli: Cli, own: str, words: tuple[str, ...], told: str) -> None:
    result = cli("projections", "rebuild", "--db", own, "--yes", *words)

    assert result.exit_code == 2
    assert told in result.stderr


def test_what_a_projection_cannot_use_stops_a_rebuild_and_leaves_the_live_ones(cli: Cli, own: str) -> None:
    with AnalyticsService.open(own, follow=False) as service:
        service.record_event("shop.order.placed", {"input_tokens": "many"}).unwrap()
        service.catch_up()

    stopped = cli("projections", "rebuild", "--db", own, "--yes")
    set_aside = cli("projections", "rebuild", "--db", own, "--yes", "--set-aside")

    assert stopped.exit_code == 1
    assert f"position {LAST + 1} (shop.order.placed): usage cannot use its input_tokens" in stopped.stderr
    assert set_aside.stdout.rstrip().endswith("1 value set aside")


def test_two_workers_give_what_one_gives(cli: Cli, own: str) -> None:
    right = cli("report", *WEEK, "--db", own, "--json").stdout
    spoil()

    result = cli("projections", "rebuild", "--db", own, "--yes", "--workers", "2", "--batch-size", "3")

    assert result.exit_code == 0
    assert cli("report", *WEEK, "--db", own, "--json").stdout == right
    assert not list(Path().glob("*-wal"))
