import json

import pytest

from tests.cli.conftest import FIRST, Cli


@pytest.fixture(autouse=True)
def _letter(cli: Cli) -> None:
    cli("record", "shop.order.placed", "--data", '{"input_tokens": "many"}')
    cli("usage")


def test_letters_are_listed(cli: Cli) -> None:
    (found,) = json.loads(cli("dead-letters", "list", "--json").stdout)

    assert (found["projection"], found["position"], found["field"]) == ("usage", FIRST, "input_tokens")
    assert cli("dead-letters", "list").stdout.splitlines()[1].split()[:3] == [str(FIRST), "usage", "input_tokens"]


def test_a_letter_is_shown_with_its_cause(cli: Cli) -> None:
    told = 'usage: input_tokens: total of input_tokens; input_tokens = "many" is not a number'

    assert told in cli("dead-letters", "show", FIRST).stdout
    (cause,) = json.loads(cli("dead-letters", "show", FIRST, "--json").stdout)["causes"]
    assert cause["letter"]["projection"] == "usage"


@pytest.mark.parametrize("arguments", [("show", 3), ("retry", 3), ("discard", 3, "--yes")])
def test_a_position_without_a_letter_is_one_line(cli: Cli, arguments: tuple[object, ...]) -> None:
    result = cli("dead-letters", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: There is no dead letter at position 3: ")
    assert result.stderr.count("\n") == 1


def test_a_retry_says_what_was_solved_and_what_remains(cli: Cli) -> None:
    assert cli("dead-letters", "retry", "--all").stdout == "tried 1 dead letter: 0 solved, 1 remaining\n"
    assert json.loads(cli("dead-letters", "retry", FIRST, "--json").stdout)["remaining"] == 1


@pytest.mark.parametrize("arguments", [(), (FIRST, "--all")])
def test_a_retry_is_of_one_position_or_of_all(cli: Cli, arguments: tuple[object, ...]) -> None:
    assert cli("dead-letters", "retry", *arguments).exit_code == 2


def test_a_letter_is_discarded_when_confirmed(cli: Cli) -> None:
    assert cli("dead-letters", "discard", FIRST, input="n\n").exit_code == 1
    assert len(json.loads(cli("dead-letters", "list", "--json").stdout)) == 1

    assert cli("dead-letters", "discard", FIRST, "--yes").stdout == f"discarded 1 dead letter at position {FIRST}\n"
    assert cli("dead-letters", "list").stdout == "no dead letters\n"
    (found,) = json.loads(cli("dead-letters", "list", "--discarded", "--json").stdout)
    assert found["discarded"]
    assert json.loads(cli("projections", "status", "--json").stdout)["projections"][3]["unreadable"] == 1
