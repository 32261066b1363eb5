"""correct: what was, what is, and that a dry run and the same again do nothing."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import FIRST, LAST, Cli

CALL = f"call of claude-sonnet-4-5 at position {FIRST}, 2024-03-04 12:00:00 UTC"
AT = f"at position {LAST + 1}"
NOTE = ("--note", "invoice of March")


@pytest.fixture
def correct(cli: Cli, own: str) -> Cli:
    return lambda *arguments: cli("correct", *arguments, *NOTE, "--db", own)


def test_it_shows_what_was_and_what_is(correct: Cli) -> None:
    shown = [correct(FIRST, cost, "--currency", "USD").stdout.splitlines() for cost in ("0.0061", "0.0061", "0.0060")]

    assert shown == [
        [CALL, "was 0.005115 → is 0.0061 USD (+0.000985)", f"correction 1 of this call, {AT}"],
        [CALL, "was 0.0061 → is 0.0061 USD", f"nothing changes: its correction 1 says so already, {AT}"],
        [CALL, "was 0.0061 → is 0.006 USD (-0.0001)", f"correction 2 of this call, at position {LAST + 2}"],
    ]


def test_a_dry_run_does_nothing(correct: Cli) -> None:
    for _ in range(2):
        assert correct(FIRST, 2, "--dry-run").stdout.splitlines() == [
            CALL,
            "was 0.005115 → is 2 USD (+1.994885)",
            "it would be correction 1 of this call; nothing was done",
        ]
    assert correct(FIRST, "0.005115").stdout.endswith("\nnothing changes: that is what it reported\n")


def test_json_has_every_field_and_exact_decimals(correct: Cli) -> None:
    assert json.loads(correct(FIRST, "1000", "--json").stdout) == {
        "position": LAST + 1,
        "corrects": FIRST,
        "number": 1,
        "occurred_at": "2024-03-04T12:00:00+00:00",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "was": "0.005115",
        "now": "1000",
        "change": "999.994885",
        "currency": "USD",
        "duplicate": False,
    }


def test_what_it_costs_now_is_in_the_next_report(cli: Cli, own: str, correct: Cli) -> None:
    correct(FIRST, "1000")

    asked = cli("cost", "--from", "2024-03-04", "--to", "2024-03-05", "--json", "--db", own)

    assert json.loads(asked.stdout)["totals"][0]["reported_cost"] == "1000.2"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((8, "1"), "error: The cost of the event at position 8 cannot be corrected: tool.call.completed is no call"),
        ((99, "1"), "error: There is no position 99: this log has 0 to 14."),
        ((FIRST, "much"), "error: cost: must be a number, not 'much'."),
        (
            (FIRST, "1", "--currency", "EUR"),
            f"error: The cost of the event at position {FIRST} cannot be corrected: it is charged",
        ),
    ],
)
def test_what_cannot_be_corrected_is_one_line(correct: Cli, arguments: tuple[object, ...], told: str) -> None:
    result = correct(*arguments)

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(told)


def test_a_correction_needs_a_note_and_a_store(cli: Cli) -> None:
    assert "Missing option '--note'" in cli("correct", 1, 2).stderr
    assert "There is no store at none.db" in cli("correct", 1, 2, *NOTE, "--db", "none.db").stderr


def test_a_zero_is_confirmed_once(cli: Cli, own: str, correct: Cli) -> None:
    zero = '{"provider": "acme", "model": "large", "input_tokens": 5, "cost": "0", "currency": "USD"}'
    cli("record", "provider.call.completed", "--data", zero, "--db", own)

    lines = [correct(LAST + 1, "0").stdout.splitlines()[1:] for _ in range(2)]

    assert lines == [
        ["was 0 → is 0 USD, which is known from here on", f"correction 1 of this call, at position {LAST + 2}"],
        ["was 0 → is 0 USD", f"nothing changes: its correction 1 says so already, at position {LAST + 2}"],
    ]
