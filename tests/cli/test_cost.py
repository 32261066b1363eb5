"""prices diff, cost as it would be, unit-costs and explain cost.cost: what people see, and what they get as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics_es.testing import provider_call
from tests.cli.conftest import LAST, WEEK, Cli
from tests.stores import opened, record

BOOK = """
[[price]]
provider = "selfhosted"
model = "llama-3.3-70b"
currency = "EUR"
effective_from = 2024-03-05T14:30:00Z
per_mtok = { input_tokens = 0.2, output_tokens = 0.4 }

[[price]]
provider = "openai"
model = "gpt-4.1"
free = true
effective_from = 2024-03-05T00:00:00Z
"""


@pytest.fixture
def book() -> str:
    Path("book.toml").write_text(BOOK)
    return "book.toml"


def shown(cli: Cli, *words: object, db: str) -> str:
    result = cli(*words, *WEEK, "--db", db)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_diff_shows_what_was_what_is_and_why(cli: Cli, own: str, book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    lines = shown(cli, "prices", "diff", book, db=own).splitlines()

    assert lines[0] == "If 2 prices were published  2024-03-01 00:00 – 2024-03-08 00:00 (UTC)"
    (free,) = (line for line in lines if "gpt-4.1" in line)
    (partly,) = (line for line in lines if "llama" in line)
    assert [figure in free for figure in ("1 unknown", "0.000000 USD")] == [True, True]
    assert free.endswith("price 2 of the file from 2024-03-05, instead of an unknown cost")
    assert "2 unknown" in partly
    assert "0.000300 EUR, 1 unknown" in partly
    assert partly.endswith("price 1 of the file from 2024-03-05 14:30, instead of an unknown cost")
    assert "3 calls reported a cost, which stays." in lines
    assert lines[-1].endswith("nothing was published")


def test_a_diff_compares_with_what_is_published(cli: Cli, own: str, book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    assert cli("prices", "import", book, "--db", own).exit_code == 0
    Path("dearer.toml").write_text(BOOK.replace("0.2", "0.4"))

    told = shown(cli, "prices", "diff", "dearer.toml", db=own)

    assert "Nothing would change" in shown(cli, "prices", "diff", book, db=own)
    assert [figure in told for figure in ("0.000300 EUR", "0.000540 EUR", "0.000240 EUR")] == [True] * 3
    assert f"instead of the price at position {LAST + 1} from 2024-03-05 14:30" in told


def test_a_diff_is_json_with_decimals_as_text(cli: Cli, own: str, book: str) -> None:
    told = json.loads(shown(cli, "prices", "diff", book, "--json", db=own))

    assert [(each["model"], each["now"]["cost"], each["entries"]) for each in told["changes"]] == [
        ("gpt-4.1", {"USD": "0"}, [2]),
        ("llama-3.3-70b", {"EUR": "0.0003"}, [1]),
    ]


def test_a_wrong_book_is_one_line(cli: Cli, own: str) -> None:
    Path("bad.toml").write_text("[[price]]\nmodel = 1\n")

    result = cli("prices", "diff", "bad.toml", "--db", own)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: bad.toml, price 1: ")


def test_costs_at_other_prices_say_so_and_what_it_was(cli: Cli, own: str, book: str) -> None:
    told = shown(cli, "cost", "--prices", book, db=own)

    assert told.startswith("What if: cost")
    assert "at the prices there are and 2 prices of book.toml, for all calls: what they reported is set aside" in told
    assert "it was: 0.205115 USD (2 calls) · 1,234.57 EUR (1 call); 3 of unknown cost" in told
    assert "supposed prices" in told.splitlines()[-1]


def test_costs_of_another_model_say_so_and_which_model_has_no_calls(cli: Cli, own: str) -> None:
    told = shown(cli, "cost", "--model", "llama-3.3-70b=gpt-4o", "--model", "typo=gpt-4o", db=own)

    assert "calls of llama-3.3-70b as if they were of gpt-4o, at its price" in told
    assert "typo: no such calls in this period, nothing is supposed of them" in told
    assert "0.007000 USD" in told


def test_costs_can_be_filtered(cli: Cli, own: str) -> None:
    told = json.loads(shown(cli, "cost", "--where", "user=bob", "--json", db=own))

    assert (told["calls"], [each["cost"] for each in told["totals"]]) == (1, ["0.2"])


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("cost",), "Cost, model gpt-4.1, currency (none)  2024"),
        (("unit-costs",), "Unit costs, model gpt-4.1, currency (none)  2024"),
        (("summary", "cost.calls"), "cost.calls, model gpt-4.1, currency (none)  2024"),
    ],
)
def test_a_title_says_by_what_its_figures_are_filtered(cli: Cli, own: str, words: tuple[str, ...], title: str) -> None:
    assert shown(cli, *words, "--where", "model=gpt-4.1", "--where", "currency=", db=own).startswith(title)


def test_where_a_filter_leaves_nothing_another_filter_is_what_helps(cli: Cli, own: str) -> None:
    assert "No provider calls in this period fit --where: try another" in shown(
        cli, "cost", "--where", "user=nobody-here", db=own
    )


def test_what_is_charged_on_top_is_named_once_for_all_tiers_of_a_model(cli: Cli, own: str) -> None:
    when = datetime(2026, 11, 20, tzinfo=UTC)  # genai-prices knows the tier from October on
    gpt = {"provider": "openai", "model": "gpt-5", "cost": None, "currency": None}
    with opened(own) as service:
        record(service, *(provider_call(occurred_at=when, **gpt, service_tier=tier) for tier in ("flex", None)))

    told = cli("cost", "--from", "2026-11-20", "--to", "2026-11-21", "--db", own).stdout
    assert (told.count("storage_searches_kcount"), "unknown" in told) == (1, False)


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("--model", "gpt-4.1=gpt-4oz"), 1, "There is no price for 'gpt-4oz'; close names are gpt-4o"),
        (("--model", "gpt-4.1"), 2, "'gpt-4.1' is not MODEL=OTHER"),
        (("--prices", "nowhere.toml"), 1, "nowhere.toml"),
    ],
)
def test_a_wrong_what_if_is_one_line(cli: Cli, own: str, words: tuple[str, ...], code: int, problem: str) -> None:
    result = cli("cost", *words, *WEEK, "--db", own)

    assert (result.exit_code, result.stdout) == (code, "")
    assert problem in result.stderr


def test_unit_costs_say_where_they_are_too_low(cli: Cli, own: str) -> None:
    told = shown(cli, "unit-costs", db=own)

    assert "job                     0.205115 USD  0.205115 USD      1  or more: 3 calls of unknown cost" in told
    assert "Unknown cost: 3 calls of 6, in no sum above" in told
    noon = cli("unit-costs", "--from", "2024-03-04T12:00", "--to", "2024-03-04T13:00", "--db", own)
    assert "no task ended well" in noon.stdout
    assert (
        "No events in this period"
        in cli("unit-costs", "--from", "2020-01-01", "--to", "2020-01-02", "--db", own).stdout
    )


def test_a_cost_is_explained_down_to_the_arithmetic(
    cli: Cli, own: str, book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    assert cli("prices", "import", book, "--db", own).exit_code == 0

    told = shown(cli, "explain", "cost.cost", db=own)

    assert "0.0003 EUR  1,200 input × 0.0000002 + 150 output × 0.0000004" in told
    assert f"the price at position {LAST + 1} from 2024-03-05 14:30" in told
    assert [how in told for how in ("no price is known", "reported")] == [True, True]
    assert "6 calls · 1,234.5681 EUR · 0.205115 USD · 1 of unknown cost" in told


def test_what_is_explained_can_be_cut_and_chosen(cli: Cli, own: str) -> None:
    told = shown(cli, "explain", "cost.cost", "--where", "user=ada", "--largest", "--limit", "1", db=own)

    assert "Calls behind the cost, user ada" in told
    assert "4 calls · 0.005115 USD · 3 of unknown cost · 3 not listed: --limit 4 lists all" in told
    assert "No calls in this period fit --where" in shown(cli, "explain", "cost.cost", "--where", "user=nobody", db=own)
    assert json.loads(shown(cli, "explain", "cost.cost", "--json", db=own))["unknown_calls"] == 3


def test_an_hour_that_comes_twice_as_clocks_are_set_back_has_a_line_each_time(cli: Cli) -> None:
    first = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, in summer; an hour later it is 02:30 again
    with opened("sqlite:///analytics.db", timezone="Europe/Berlin") as store:
        record(store, *(provider_call(occurred_at=first + timedelta(hours=hour), cost="1") for hour in range(3)))
    period = ("--from", "2024-10-27", "--to", "2024-10-28", "--by", "model", "--granularity", "hour")

    lines = cli("cost", *period, "--tz", "Europe/Berlin", "--db", "analytics.db").stdout.splitlines()

    assert [line.split()[2:] for line in lines if line.endswith(" USD      1") and "Sun" in line] == [
        ["02:00", "+0200", "1.0000", "USD", "1"],
        ["02:00", "+0100", "1.0000", "USD", "1"],
        ["03:00", "1.0000", "USD", "1"],
    ]
