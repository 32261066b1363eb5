import json
import os
import re
import sys
from pathlib import Path

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_plain
from analytics_es.testing import provider_call, tool_call
from tests.children import ran
from tests.cli.conftest import ADA, NOON, WEEK, Cli

PERIOD = TimePeriod.parse("2024-03-01/2024-03-08")


def lines(cli: Cli, db: str, *arguments: str) -> list[str]:
    result = cli("explain", *arguments, "--db", db)
    assert (result.exit_code, result.stderr) == (0, "")
    return [re.sub(r"  +", "  ", line.strip()) for line in result.stdout.splitlines() if line]


@pytest.fixture
def calls(tmp_path: Path) -> str:
    path = tmp_path / "calls.db"
    with AnalyticsService.open(path, follow=False) as service:
        for n, cost in enumerate(("0.25", "1234.5", "0.000000001")):
            service.record_event(**provider_call(occurred_at=NOON, cost=cost), id=f"call-{n}", source="app").unwrap()
    return str(path)


def test_the_events_behind_a_number_are_listed_and_summed_up_in_full(cli: Cli, calls: str) -> None:
    assert lines(cli, calls, "cost.reported_cost", *WEEK) == [
        "cost.reported_cost  2024-03-01 00:00 – 2024-03-08 00:00 (UTC)",
        "position  time  type  subject  source  id  value USD",
        "2  2024-03-04 12:00:00.000  provider.call.completed  claude-sonnet-4-5  app  call-0  0.25",
        "3  2024-03-04 12:00:00.000  provider.call.completed  claude-sonnet-4-5  app  call-1  1,234.5",
        "4  2024-03-04 12:00:00.000  provider.call.completed  claude-sonnet-4-5  app  call-2  0.000000001",
        "3 events · sum 1,234.750000001 USD",
        "as of position 4 · up to date · all readable · period closed · UTC",
    ]


def test_the_largest_come_first_and_what_is_not_listed_is_told(cli: Cli, calls: str) -> None:
    told = lines(cli, calls, "cost.reported_cost", "--largest", "--limit", "1", *WEEK)

    assert told[2] == "3  2024-03-04 12:00:00.000  provider.call.completed  claude-sonnet-4-5  app  call-1  1,234.5"
    assert told[3] == "3 events · sum 1,234.750000001 USD · 2 of them not listed: --limit 3 lists all"


def test_the_latest_come_first_where_that_is_asked(cli: Cli, calls: str) -> None:
    reported = lines(cli, calls, "cost.reported_cost", "--latest", "--limit", "1", *WEEK)
    costs = lines(cli, calls, "cost.cost", "--latest", "--limit", "1", *WEEK)

    assert [told[2].split()[0] for told in (reported, costs)] == ["4", "4"]


def test_two_orders_at_once_are_refused(cli: Cli, calls: str) -> None:
    result = cli("explain", "cost.cost", "--largest", "--latest", "--db", calls, *WEEK)

    assert result.exit_code == 2
    assert "--largest is one order, --latest another: leave one of them out." in result.stderr


def test_each_kind_of_figure_is_told(cli: Cli, db: str) -> None:
    counted = lines(cli, db, "usage.failures", *WEEK)
    seen = lines(cli, db, "usage.first_seen", "--limit", "0", *WEEK)
    spread = lines(cli, db, "performance.duration", "--where", "operation=tool.call", *WEEK)

    assert counted[-2] == "3 events"
    assert seen[-2] == "13 events · smallest 2024-03-04 12:00:00 · 13 of them not listed: --limit 13 lists all"
    assert spread[-2] == "2 events · sum 71 ms · smallest 35.5 ms · largest 35.5 ms"


def test_an_hour_is_explained_in_the_zone_that_is_asked(cli: Cli, db: str) -> None:
    hour = ("--from", "2024-03-04T13:00", "--last", "1h", "--tz", "Europe/Berlin")

    told = lines(cli, db, "usage.events", "--where", "user=ada", *hour)

    assert re.findall(r"13:00:00\.000", "\n".join(told)) == ["13:00:00.000"] * 5
    assert told[0] == f"usage.events, user {ADA}  2024-03-04 13:00 – 2024-03-04 14:00 (Europe/Berlin)"


def test_json_is_what_the_service_says(cli: Cli, db: str) -> None:
    cli("usage", "--db", db)
    with AnalyticsService.open(db, follow=False) as service:
        found = service.explain("usage.duration", PERIOD, where={"user": "bob"}, limit=3, largest=True).unwrap()

    asked = ("usage.duration", "--where", "user=bob", "--limit", "3", "--largest")
    result = cli("explain", *asked, *WEEK, "--db", db, "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    assert to_plain(found) == json.loads(result.stdout)


def test_nothing_is_told_as_nothing(cli: Cli, db: str) -> None:
    assert "No events in this period" in lines(cli, db, "usage.events", "--last", "1h")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("usage.evnts",), 1, "There is no metric 'usage.evnts': did you mean usage.events"),
        (("usage.events", "--where", "colour=red"), 1, "'colour' is not a key of usage"),
        (("usage.events", "--where", "red"), 2, "'red' is not KEY=VALUE"),
        (("usage.events", "--limit", "-1"), 2, "-1 is not in the range"),
        (("cost.reported_cost",), 1, "cost.reported_cost is here in EUR, USD, which are never added"),
    ],
)
def test_what_cannot_be_explained_is_told_in_a_line(
    cli: Cli, db: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = cli("explain", *arguments, *WEEK, "--db", db)

    assert (code, "") == (result.exit_code, result.stdout)
    assert message in result.stderr


def test_no_id_and_no_key_can_steer_a_terminal(cli: Cli, tmp_path: Path) -> None:
    steering = "\x1b]0;x\x07\u202e"
    with AnalyticsService.open(tmp_path / "s.db", follow=False) as service:
        event = tool_call(occurred_at=NOON, user_id=steering)
        service.record_event(**event, id=steering, source=steering).unwrap()

    told = cli("explain", "usage.events", "--where", f"user={steering}", *WEEK, "--db", tmp_path / "s.db")

    assert "1 event" in told.stdout
    assert not {"\x1b", "\x07", "\u202e"} & {*told.output}


def test_an_answer_is_the_same_text_in_every_process(db: str, tmp_path: Path) -> None:
    """Sets of texts have another order in every process: none of them may reach an answer."""
    script = tmp_path / "ask.py"
    script.write_text(
        "import sys\nfrom analytics_es.cli import main\n"
        "for words in (['explain', 'cost.cost'], ['cost', '--by', 'user'], ['report'], ['unit-costs']):\n"
        "    main([*words, *sys.argv[1:]], standalone_mode=False)\n"
    )

    def asked(seed: str) -> str:
        command = [sys.executable, str(script), *WEEK, "--db", db, "--json"]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = ran(command, env=environment)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    first = asked("0")

    assert '"input_tokens"' in first
    assert [asked(seed) for seed in ("1", "2", "3")] == [first] * 3
