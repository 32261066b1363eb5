"""import of files whose format is known: without a word, by its name, and what is said where it is neither."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analytics_es.ingest.files.catalogue import names
from tests.cli.conftest import Cli

FORMATS = Path(__file__).parents[1] / "data" / "formats"


def copied(file: str) -> str:
    """Copy a file of a format here, and return its name."""
    path = FORMATS / file
    shutil.copy(path, path.name)
    return path.name


def test_a_file_that_is_recognised_says_so(cli: Cli) -> None:
    result = cli("import", copied("litellm/spend.json"))

    assert result.exit_code == 0
    assert "read as litellm: LiteLLM's spend logs (spend.json)" in result.stdout


def test_rows_that_sum_calls_up_say_that_they_count_beside_them(cli: Cli) -> None:
    output = cli("import", copied("openai-usage/usage.json"), copied("openai-costs/costs.json")).stdout

    assert "note: rows are sums of calls: where the store has the same calls from elsewhere, both count" in output
    assert "note: rows are amounts that were charged:" in output


def test_a_format_is_named_or_recognised_and_adds_nothing_twice(cli: Cli) -> None:
    file = copied("litellm/spend.json")
    first = json.loads(cli("import", file, "--json").stdout)["total"]
    again = json.loads(cli("import", file, "--format", "litellm", "--json").stdout)["total"]

    assert (first["recorded"], again["recorded"], again["duplicates"]) == (9, 0, 9)


def test_another_source_is_said_for_another_organisation(cli: Cli) -> None:
    file = copied("openai-costs/costs.json")
    cli("import", file)
    other = json.loads(cli("import", file, "--source", "openai:other", "--json").stdout)["total"]

    assert (other["recorded"], other["differing"]) == (5, 0)


@pytest.mark.parametrize(
    ("file", "arguments", "problem"),
    [
        ("openai-costs/costs.json", ("--format", "litellm"), "it is not of the format litellm: it has no"),
        ("litellm/spend.json", ("--format", "litelm"), "'litelm' is not one of otlp, anthropic-cost,"),
    ],
)
def test_what_is_not_of_the_format_is_an_error(cli: Cli, file: str, arguments: tuple[str, ...], problem: str) -> None:
    result = cli("import", copied(file), *arguments)

    assert result.exit_code != 0
    assert problem in result.stderr


def test_a_file_that_is_much_like_a_format_names_it_and_what_it_lacks(cli: Cli) -> None:
    Path("spend.csv").write_text("request_id,call_type,api_key,startTime,endTime\n1,chat,k,2026-03-02,2026-03-02\n")

    assert "it looks like litellm, but has no spend: write a mapping" in cli("import", "spend.csv").stderr


def test_buckets_without_anything_in_them_are_of_either_format(cli: Cli) -> None:
    Path("page.json").write_text('{"object": "page", "data": [{"start_time": 1, "end_time": 2, "results": []}]}')

    doubtful = cli("import", "page.json").stderr
    named = json.loads(cli("import", "page.json", "--format", "openai-usage", "--json").stdout)["total"]

    assert "it may be of the format openai-costs or openai-usage: say which by --format" in doubtful
    assert (named["rows"], named["events"], named["refused"]) == (1, 0, 0)


@pytest.mark.parametrize("document", ["[]", '{"data": [], "has_more": false}', ""])
def test_a_day_without_anything_is_no_error_where_the_format_is_named(cli: Cli, document: str) -> None:
    Path("day.json").write_text(document)

    result = cli("import", "day.json", "--format", "litellm", "--json")

    assert result.exit_code == 0
    assert (json.loads(result.stdout)["total"]["events"], json.loads(result.stdout)["total"]["refused"]) == (0, 0)


def test_rows_that_a_known_format_has_no_event_for_are_told_without_a_word_of_mappings(cli: Cli) -> None:
    Path("page.json").write_text('{"object": "page", "data": [{"start_time": 1, "end_time": 2, "results": []}]}')

    told = cli("import", "page.json", "--format", "openai-usage").stdout

    assert "1 row of known formats gave no event: they tell of no call, tool, task or cost" in told
    assert "[[event]]" not in told


def test_the_formats_are_listed(cli: Cli) -> None:
    listed = json.loads(cli("import", "--list-formats", "--json").stdout)

    assert {entry["format"] for entry in listed} == {"otlp", *names()}
    assert all(entry["get"] and entry["since"] for entry in listed)
    assert "GET /spend/logs" in cli("import", "--list-formats").stdout
