"""The end of an import says what became of each file, why rows are refused, and what there is to doubt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_es.ingest.importing import Importer
from tests.cli.conftest import Cli

MAPPING = """
[[event]]
type = "'provider.call.completed'"
occurred_at = "ts"
id = "id"
[event.data]
provider = "provider"
model = "model"
input_tokens = "tokens"
cost = "usd"
currency = "CASE WHEN usd IS NOT NULL THEN 'USD' END"
"""


def call(number: int, **changes: Any) -> dict[str, Any]:
    made = {"ts": f"2026-03-02T09:00:{number:02}Z", "id": f"c{number}", "provider": "openai", "model": "gpt-4o"}
    return made | {"tokens": 100, "usd": None} | changes


def write(name: str, *calls: Any) -> str:
    Path("m.toml").write_text(MAPPING)
    Path(name).write_text(json.dumps(calls))
    return name


def answer(cli: Cli, *arguments: str) -> Any:
    return json.loads(cli("import", *arguments, "--mapping", "m.toml", "--json").stdout)


def test_an_import_that_went_well_is_a_table(cli: Cli) -> None:
    result = cli("import", write("a.json", call(1), call(2)), "--mapping", "m.toml")

    assert result.stderr == ""
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["file", "rows", "events", "recorded", "duplicates", "differing", "refused"],
        ["a.json", "2", "2", "2", "0", "0", "0"],
    ]


def test_refused_rows_are_counted_by_reason(cli: Cli) -> None:
    name = write(
        "a.json", call(1), *(call(n, tokens=-n) for n in range(2, 30)), call(40, ts="soon"), 5, call(41, ts="x")
    )
    result = cli("import", name, "--mapping", "m.toml")

    (title,) = (place for place, line in enumerate(result.stdout.splitlines()) if line == "Refused rows")
    assert [line.split(maxsplit=2) for line in result.stdout.splitlines()[title + 2 :][:3]] == [
        ["bad_field", "28", "input_tokens: must be between 0 and 10^12, not -2."],
        ["bad_row", "2", "its time is 'soon', not ISO 8601"],
        ["bad_row", "1", "not a JSON object with fields"],
    ]
    reasons = answer(cli, name)["refused_by_reason"]
    assert [(reason["code"], reason["rows"]) for reason in reasons] == [
        ("bad_field", 28),
        ("bad_row", 2),
        ("bad_row", 1),
    ]


def test_a_file_that_does_not_fit_does_not_stop_the_others(cli: Cli) -> None:
    write("good.json", call(1))
    write("typed.json", {"ts": 5, "id": "x"})
    Path("other.csv").write_text("a,b\n1,2\n")
    Path("broken.json").write_text(json.dumps([call(3), call(4)])[:-1])
    Path("cut.jsonl.gz").write_bytes(b"not packed")
    Path("page.json").write_text(json.dumps({"data": [call(5)]}))
    files = ("typed.json", "other.csv", "broken.json", "cut.jsonl.gz", "page.json", "good.json")

    result = cli("import", *files, "--mapping", "m.toml")

    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()[1:8]}
    assert lines["good.json"] == ["1", "1", "1", "0", "0", "0"]
    assert lines["broken.json"] == ["3", "2", "2", "0", "0", "1"]
    assert lines["page.json"] == ["0"] * 6
    said = [line for line in result.stderr.splitlines() if line.startswith("not read")]
    assert [line.split(": ")[1] for line in said] == [
        "typed.json",
        "other.csv",
        "broken.json",
        "cut.jsonl.gz",
        "page.json",
    ]
    assert "occurred_at: is BIGINT, not a time" in said[0]
    assert "say --rows 'data'" in said[4]
    assert result.stderr.splitlines()[-1] == "error: 5 of 6 files could not be read; everything else is imported"
    assert result.exit_code == 1
    assert [bool(file["problem"]) for file in answer(cli, *files)["files"]] == [True] * 5 + [False]


def test_one_file_or_all_that_do_not_fit_create_nothing(cli: Cli) -> None:
    write("a.json", call(1))
    for name in ("page.json", "other.json"):
        Path(name).write_text(json.dumps({"data": [call(5)]}))
    before = sorted(Path().iterdir())

    one = cli("import", "page.json", "--mapping", "m.toml")
    both = cli("import", "page.json", "other.json", "--mapping", "m.toml")

    assert "page.json cannot be read: this is one JSON object" in one.stderr
    assert both.stderr.splitlines()[-1] == "error: 2 of 2 files could not be read"
    assert (one.exit_code, both.exit_code) == (1, 1)
    assert sorted(Path().iterdir()) == before


def test_a_file_that_breaks_off_fails_and_what_is_there_is_imported(cli: Cli) -> None:
    Path("broken.json").write_text(json.dumps([call(3), call(4)])[:-1])
    write("m.json")

    result = cli("import", "broken.json", "--mapping", "m.toml")

    assert result.stderr.splitlines()[-1] == "error: 1 of 1 file could not be read"
    assert result.stdout.splitlines()[1].split()[3] == "2"
    assert result.exit_code == 1


def test_keys_that_files_lack_are_said_by_name_with_a_near_one(cli: Cli) -> None:
    without = {key: part for key, part in call(1).items() if key != "usd"}
    write("a.json", without, call(2) | {"usd": None})
    write("b.json", {**without, "id": "b1", "cost_usd": 1}, {**without, "id": "b2"})
    write("c.json", {**without, "id": "c9", "Tokens_": 7, "tokens": None} | {"usd2": 5})

    missing = answer(cli, "a.json", "b.json", "c.json")["missing_keys"]

    assert missing == [{"key": "usd", "files": 2, "rows": 3, "suggestion": "usd2"}]
    assert "Keys that no row has" in cli("import", "b.json", "--mapping", "m.toml").stdout


def test_models_without_a_price_are_those_of_what_came_in_now_at_its_time(cli: Cli) -> None:
    calls = [call(1), *(call(n, model="own-7b", provider=None) for n in (2, 3)), call(4, model="own-7b", usd=1)]
    calls += [call(5, model="none-used", tokens=None), call(6, model="own-9b")]

    found = answer(cli, write("a.json", *calls))["models_without_price"]

    assert found == [
        {"provider": "", "model": "own-7b", "calls": 2},
        {"provider": "openai", "model": "own-9b", "calls": 1},
    ]
    assert answer(cli, "a.json")["models_without_price"] == []
    write("b.json", call(7, model="own-7b"), call(8, model="own-7b", ts="2026-05-02T09:00:00Z"))
    Path("prices.json").write_text(
        json.dumps(
            [
                {
                    "model": "own-7b",
                    "effective_from": "2026-04-01T00:00:00Z",
                    "currency": "USD",
                    "per_mtok": {"input_tokens": "1"},
                }
            ]
        )
    )
    published = cli("prices", "import", "prices.json")
    assert published.exit_code == 0, published.stderr
    assert answer(cli, "b.json")["models_without_price"] == [{"provider": "openai", "model": "own-7b", "calls": 1}]


def test_rows_that_no_table_is_for_and_contradictions_are_counted(cli: Cli) -> None:
    write("a.json", call(1), call(2), call(3, tokens=None))
    told = 'where = "tokens IS NOT NULL"\nid = "id"'
    attributes = '\n[event.data.attributes]\n"analytics_es.contradiction" = "\'total_tokens cost\'"\n'
    Path("m.toml").write_text(MAPPING.replace('id = "id"', told) + attributes)

    result = cli("import", "a.json", "--mapping", "m.toml")

    assert result.stdout.splitlines()[1].split() == ["a.json", "3", "2", "2", "0", "0", "0"]
    assert "1 row gave no event: no [[event]] table of the mapping is for such, or the list is empty" in result.stdout
    assert "2 events told figures that contradict one another: 2 cost, 2 total_tokens" in result.stdout


def test_an_import_that_is_interrupted_counts_what_is_in(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    record, done = Importer.record, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if done:
            raise KeyboardInterrupt
        done.append(1)
        return record(*arguments, **options)

    monkeypatch.setattr(Importer, "record", interrupted)
    name = write("a.json", *(call(1, id=f"c{n}") for n in range(3000)))
    result = cli("import", name, "--mapping", "m.toml")

    assert result.exit_code == 130
    assert result.stdout.splitlines()[1].split() == ["a.json", "1,000", "1,000", "1,000", "0", "0", "0"]


def test_an_element_that_is_refused_is_named_and_a_row_of_many_says_so_briefly(cli: Cli) -> None:
    tools = "[[event]]\neach = 'tools'\ntype = \"'tool.call.completed'\"\noccurred_at = 'ts'\n[event.data]\n"
    write("a.json", {"ts": "2026-03-02", "tools": [1, -2, 3] + [-5] * 500})
    Path("m.toml").write_text(tools + "duration_ms = 'each'\n")

    result = cli("import", "a.json", "--mapping", "m.toml")

    assert result.stdout.splitlines()[1].split() == ["a.json", "1", "503", "2", "0", "0", "1"]
    assert "refused: a.json row 1: element 2: duration_ms: must be between 0 and 10^12, not -2." in result.stderr
    assert len(result.stderr) < 2000


def test_what_is_left_out_as_no_object_is_there_is_told_by_path(cli: Cli) -> None:
    name = write("a.json", call(1, usage={"in": 5}), call(2, usage='{"in": 6}'), call(3), call(4, usage=[7], tokens=1))
    Path("m.toml").write_text(MAPPING.replace('"tokens"', '"usage.in"'))

    told = answer(cli, name)
    again = cli("import", name, "--mapping", "m.toml").stdout

    assert told["total"]["no_object"] == {"usage.in (usage is a list)": 1, "usage.in (usage is a text)": 1}
    assert "should be: 1 usage.in (usage is a list), 1 usage.in (usage is a text)\n" in again


def test_so_is_what_an_element_of_a_list_lacks_of_events_that_come_in(cli: Cli) -> None:
    name = write(
        "a.json", {"ts": "2026-03-02T09:00:00Z", "calls": [{"of": {"in": 1}}, {"of": "2"}, {"of": "x", "no": 1}]}
    )
    Path("m.toml").write_text(
        """
        [[event]]
        each = "calls"
        where = "each.no IS NULL"
        type = "'tool.call.completed'"
        occurred_at = "ts"
        [event.data]
        duration_ms = "each.of.in"
        """
    )

    assert answer(cli, name)["total"]["no_object"] == {"each.of.in (each.of is a text)": 1}
