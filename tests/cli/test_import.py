import json
from pathlib import Path
from typing import Any

import pytest

from analytics_es.cli.rejects import ADVICE, EQUAL
from analytics_es.ingest.importing import Importer
from tests.cli.conftest import Cli

MAPPING = """
[[event]]
type = "'provider.call.completed'"
occurred_at = "called"
id = "id"
source = "'meter'"
[event.data]
model = "model"
input_tokens = "tokens"
"""


def cloud_event(number: int, **data: Any) -> str:
    time = f"2024-03-04T12:{number // 60 % 60:02}:{number % 60:02}Z"
    event = {"specversion": "1.0", "id": f"e{number}", "source": "bus", "type": "tool.call.completed", "time": time}
    return json.dumps({**event, "data": {"tool": "bash", "duration_ms": 5, **data}})


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """3,000 rows over several batches: of each seven one is refused by the reader, and one by the door."""
    lines = [
        "{broken" if row % 7 == 3 else cloud_event(row, duration_ms=-1 if row % 7 == 5 else row)
        for row in range(1, 3001)
    ]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_refused_rows_are_counted_shown_and_kept_with_their_row_and_the_others_imported(
    cli: Cli, mixed: Path, tmp_path: Path
) -> None:
    result = cli("import", "mixed.jsonl", "--rejects", "refused.jsonl", "--json")

    kept = [json.loads(line) for line in Path("refused.jsonl").read_text().splitlines()]
    lines = mixed.read_text().split("\n")
    assert result.exit_code == 0
    assert [each["row"] for each in kept] == [row for row in range(1, 3001) if row % 7 in (3, 5)]
    assert [each["raw"] for each in kept] == [lines[each["row"] - 1] for each in kept]
    assert {each["code"] for each in kept if each["row"] % 7 == 3} == {"bad_row"}
    assert {(each["code"], each["message"]) for each in kept if each["row"] % 7 == 5} == {
        ("bad_field", "duration_ms: must be between 0 and 10^12, not -1.")
    }
    assert json.loads(result.stdout)["total"] == {
        "file": "total",
        "rows": 3000,
        "events": 3000 - len([row for row in range(1, 3001) if row % 7 == 3]),
        "recorded": 3000 - len(kept),
        "duplicates": 0,
        "differing": 0,
        "refused": len(kept),
        "no_event": 0,
        "waiting": 0,
        "prices": 0,
        "skipped": {},
        "ignored": {},
        "missing": {},
        "no_object": {},
        "problem": "",
        "read_as": "",
        "rows_are": "",
    }
    shown = [line for line in result.stderr.splitlines() if line.startswith("refused: mixed.jsonl row ")]
    assert [int(line.split()[3].rstrip(":")) for line in shown] == [3, 5, 10, 12, 17, 19, 24, 26, 31, 33]
    assert f"all {len(kept)} refused rows are in refused.jsonl" in result.stderr
    assert Path("refused.jsonl").stat().st_mode & 0o077 == 0


def test_importing_again_changes_nothing(cli: Cli, mixed: Path) -> None:
    cli("import", "mixed.jsonl")

    total = json.loads(cli("import", "mixed.jsonl", "--json").stdout)["total"]

    assert (total["recorded"], total["duplicates"], total["differing"]) == (0, 2143, 0)


def test_what_differs_from_what_is_recorded_is_counted(cli: Cli, tmp_path: Path) -> None:
    Path("a.jsonl").write_text(cloud_event(1))
    Path("b.jsonl").write_text(cloud_event(1, duration_ms=6))

    result = cli("import", "a.jsonl", "b.jsonl")

    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["a.jsonl", "1", "1", "1", "0", "0", "0"],
        ["b.jsonl", "1", "1", "0", "1", "1", "0"],
        ["total", "2", "2", "1", "1", "1", "0"],
    ]


def results(path: str, *costs: str) -> None:
    """Write results of tasks, whose ids are those of every file of its kind."""
    Path(path).parent.mkdir(exist_ok=True)
    rows = [f"2024-03-04T12:00:{task:02}Z,{task},m,{cost}" for task, cost in enumerate(costs)]
    Path(path).write_text("\n".join(["called,id,model,tokens", *rows]) + "\n")
    Path("m.toml").write_text(MAPPING.replace("source = \"'meter'\"\n", ""))


def test_rows_that_differ_fail_strict_are_kept_with_the_position_and_end_with_advice(cli: Cli) -> None:
    results("a/results.csv", "5", "6", "7")
    results("b/results.csv", "5", "60", "-1", "8")
    cli("import", "a/results.csv", "--mapping", "m.toml")

    result = cli("import", "b/results.csv", "--mapping", "m.toml", "--strict", "--rejects", "refused.jsonl")

    kept = [json.loads(line) for line in Path("refused.jsonl").read_text().splitlines()]
    assert [(row["row"], row["code"], row["position"]) for row in kept] == [
        (2, "other_content", 3),
        (3, "bad_field", None),
    ]
    assert kept[0]["raw"] == "2024-03-04T12:00:01Z,1,m,60"
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-3:] == [
        "all 2 refused or differing rows are in refused.jsonl",
        ADVICE,
        "error: 1 row refused and 1 row differs from what is recorded; everything else is imported",
    ]
    assert result.stdout.splitlines()[1].split() == ["b/results.csv", "4", "4", "1", "2", "1", "1"]


def test_a_source_tells_files_of_one_name_apart_whatever_their_ids(cli: Cli) -> None:
    results("a/results.csv", "5", "6", "7")
    results("b/results.csv", "5", "60", "70")
    cli("import", "a/results.csv", "--mapping", "m.toml")

    for recorded in (3, 0):
        result = cli("import", "b/results.csv", "--mapping", "m.toml", "--source", "run b", "--strict", "--json")
        assert json.loads(result.stdout)["total"]["recorded"] == recorded
        assert (result.exit_code, result.stderr) == (0, "")


def test_a_source_is_for_what_does_not_say_its_own(cli: Cli) -> None:
    Path("a.jsonl").write_text(cloud_event(1) + "\n" + cloud_event(2).replace('"source": "bus", ', ""))
    cli("import", "a.jsonl", "--source", "lab")

    listed = json.loads(cli("explain", "usage.events", "--from", "2024-03-04", "--to", "2024-03-05", "--json").stdout)
    assert [event["source"] for event in listed["events"]] == ["bus", "lab"]


def test_rows_of_another_file_that_say_the_same_are_noted_unless_they_come_first(cli: Cli) -> None:
    Path("m.toml").write_text(MAPPING.replace('id = "id"\nsource = "\'meter\'"\n', ""))

    def imported(name: str, *tokens: int) -> tuple[list[str], list[str]]:
        rows = [f"2024-03-04T12:00Z,m,{number}" for number in tokens]
        Path(name).write_text("\n".join(["called,model,tokens", *rows]))
        result = cli("import", name, "--mapping", "m.toml", "--strict")
        return result.stdout.splitlines()[1].split()[3:5], result.stderr.splitlines()

    assert imported("a.csv", 1, 2, 3) == (["3", "0"], [])
    assert imported("a.csv", 1, 2, 3, 4) == (["1", "3"], [])
    assert imported("a.1.csv", 1, 2, 3, 4) == (["0", "4"], [])
    assert imported("b.csv", 1, 5, 2, 6, 3) == (["2", "3"], [f"note: 2 rows say {EQUAL}"])
    assert imported("c.csv", 7, 1) == (["1", "1"], [f"note: 1 row says {EQUAL}"])


@pytest.mark.parametrize("source", ["", "x" * 257])
def test_a_source_that_none_can_be_is_wrong_usage(cli: Cli, source: str) -> None:
    Path("a.jsonl").write_text(cloud_event(1))

    assert cli("import", "a.jsonl", "--source", source).exit_code == 2
    assert cli("import", "a.jsonl", "--format", "otlp", "--source", "lab").exit_code == 2


def test_ids_are_strict_for_the_sources_that_are_named(cli: Cli) -> None:
    Path("a.jsonl").write_text(cloud_event(1))
    Path("later.jsonl").write_text(cloud_event(1).replace("12:00:01Z", "12:00:02Z"))
    Path("other.jsonl").write_text(cloud_event(1).replace("12:00:01Z", "12:00:03Z"))

    def recorded(*arguments: str) -> tuple[int, int]:
        total = json.loads(cli("import", *arguments, "--json").stdout)["total"]
        return total["recorded"], total["differing"]

    assert recorded("a.jsonl", "--strict-ids", "agents", "--strict-ids", "bu*") == (1, 0)
    assert recorded("later.jsonl") == (0, 0)
    assert cli("migrate").stdout.endswith("; ids are strict for agents, bu*\n")
    assert json.loads(cli("migrate", "--strict-ids", "*", "--json").stdout)["strict_ids"] == ["*", "agents", "bu*"]
    assert recorded("other.jsonl") == (0, 0)


def test_sources_that_share_ids_already_cannot_be_strict(cli: Cli) -> None:
    Path("a.jsonl").write_text(cloud_event(1) + "\n" + cloud_event(1).replace("12:00:01Z", "12:00:02Z"))
    cli("import", "a.jsonl")

    result = cli("import", "a.jsonl", "--strict-ids", "bus")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "1 of the ids of bus, the first at positions 2 and 3. Nothing was changed" in result.stderr
    assert cli("import", "a.jsonl", "--strict-ids", "a*b").exit_code == 1


def test_strict_ends_with_1_where_a_row_was_refused_and_imports_the_others(cli: Cli, mixed: Path) -> None:
    result = cli("import", "mixed.jsonl", "--strict")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "error: 857 rows refused; everything else is imported"
    assert "… and 847 more refused; --rejects FILE would keep them all" in result.stderr
    assert (
        json.loads(cli("usage", *("--from", "2024-03-04", "--to", "2024-03-05"), "--json").stdout)["totals"]["events"]
        == 2143
    )


def test_strict_ends_with_0_where_nothing_was_refused_and_leaves_no_rejects(cli: Cli, tmp_path: Path) -> None:
    Path("a.jsonl").write_text(cloud_event(1))

    assert cli("import", "a.jsonl", "--strict", "--rejects", "refused.jsonl").exit_code == 0
    assert not Path("refused.jsonl").exists()


@pytest.mark.parametrize("target", ["there.jsonl", "link.jsonl", "no/folder/x.jsonl", "."])
def test_rejects_never_overwrite_and_fail_before_anything_is_imported(cli: Cli, tmp_path: Path, target: str) -> None:
    Path("a.jsonl").write_text(cloud_event(1))
    Path("there.jsonl").write_text("mine")
    Path("link.jsonl").symlink_to("elsewhere.jsonl")

    result = cli("import", "a.jsonl", "--rejects", target)

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert Path("there.jsonl").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "link.jsonl", "there.jsonl"]


def test_a_csv_is_imported_by_a_mapping_and_a_new_store_is_in_the_asked_zone(cli: Cli) -> None:
    Path("m.toml").write_text(MAPPING)
    Path("calls.csv").write_text("called,id,model,tokens\n2024-03-04T12:00Z,1,m,5\n2024-03-04T12:00Z,2,m,-5\n")

    result = cli("import", "calls.csv", "--mapping", "m.toml", "--tz", "Asia/Tokyo")

    assert result.exit_code == 0
    assert "refused: calls.csv row 2: input_tokens: must be between" in result.stderr
    answer = json.loads(cli("cost", "--from", "2024-03-04", "--to", "2024-03-05", "--json").stdout)
    assert (answer["tokens"]["input"], answer["period"]["start"]) == (5, "2024-03-04T00:00:00+09:00")


def test_a_zone_that_comes_too_late_is_noted(cli: Cli) -> None:
    Path("a.jsonl").write_text(cloud_event(1))
    cli("import", "a.jsonl")

    assert (
        cli("import", "a.jsonl", "--tz", "Asia/Tokyo").stderr
        == "note: this store keeps its hours and days in UTC; --tz is for a new one\n"
    )


def test_an_import_catches_up_at_the_end(cli: Cli) -> None:
    Path("a.jsonl").write_text(cloud_event(1))
    cli("import", "a.jsonl")

    assert {each["lag_events"] for each in json.loads(cli("projections", "list", "--json").stdout)} == {0}


@pytest.mark.parametrize(
    "arguments",
    [
        ("no.jsonl",),
        (".",),
        ("calls.csv",),
        ("notes.txt",),
        ("calls.csv", "--mapping", "no.toml"),
        ("calls.csv", "--mapping", "bad.toml"),
        ("calls.csv", "--mapping", "evil.toml"),
        (),
    ],
    ids=" ".join,
)
def test_an_import_that_cannot_begin_creates_nothing(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    Path("calls.csv").write_text("at\n")
    Path("notes.txt").write_text("at\n")
    Path("bad.toml").write_text("[[event")
    Path("evil.toml").write_text(
        "[[event]]\ntype = \"(SELECT content FROM read_text('/etc/passwd'))\"\noccurred_at='at'"
    )
    before = sorted(tmp_path.iterdir())

    result = cli("import", *arguments)

    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_an_import_that_breaks_off_tells_how_far_it_came(
    cli: Cli, mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Importer.record
    calls = []

    def fails_later(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", "analytics.db")
        return record(*arguments, **options)

    monkeypatch.setattr(Importer, "record", fails_later)
    result = cli("import", "mixed.jsonl")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[1].split() == ["mixed.jsonl", "1,000", "857", "714", "0", "0", "286"]
    assert result.stderr.splitlines()[-1] == "error: analytics.db: No space left on device"


# ── traces ──────────────────────────────────────────────────────────────────────────────────────────────────────

TRACES = Path(__file__).parent.parent / "data" / "otlp"


def test_traces_are_imported_and_what_is_no_span_is_kept(cli: Cli, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "x"}]}]}]}')
    files = (TRACES / "genai-openai.jsonl", TRACES / "genai-agent.jsonl", bad)

    first = cli("import", *files, "--format", "otlp", "--rejects", "rejects.jsonl", "--json")
    again = cli("import", *files, "--format", "otlp", "--json")

    assert totals(first.stdout) == (8, 0, 1)
    assert totals(again.stdout) == (0, 8, 1)
    (refused,) = map(json.loads, Path("rejects.jsonl").read_text().splitlines())
    assert (refused["row"], refused["raw"]) == (1, '{"traceId":"x"}')
    assert "row 1: not a span: its traceId is 'x', not hex digits as OTLP/JSON has them" in first.stderr


def totals(stdout: str) -> tuple[int, int, int]:
    total = json.loads(stdout)["total"]
    return total["recorded"], total["duplicates"], total["refused"]


def test_traces_need_no_mapping(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)

    result = cli("import", TRACES / "genai-openai.jsonl", "--format", "otlp", "--mapping", "m.toml")

    assert result.exit_code == 2
    assert "a format needs no --mapping" in result.stderr


TWO_EVENTS = """
[[event]]
type = "'provider.call.completed'"
occurred_at = 'called_at'
id = 'id'
[event.data]
model = 'model'
input_tokens = 'units'

[[event]]
type = "'tool.call.completed'"
occurred_at = 'called_at'
id = "id || ':tool'"
[event.data]
tool = 'model'
duration_ms = 'units'
"""


def calls(file: str, *rows: str) -> None:
    Path("two.toml").write_text(TWO_EVENTS)
    Path(file).write_text("\n".join(["called_at,id,model,units", *rows]) + "\n")


def test_a_row_of_which_several_events_are_refused_is_one_row(cli: Cli) -> None:
    good = "2026-11-01T10:00:00Z,g,gpt,1"
    both = [f"2026-11-01T10:00:00Z,b{n},gpt,-{n}" for n in range(1, 12)]
    untimed = [f"yesterday,u{n},gpt,{n}" for n in range(200)]
    calls("calls.csv", good, *both, *untimed)

    result = cli("import", "calls.csv", "--mapping", "two.toml", "--strict", "--rejects", "r.jsonl", "--json")

    kept = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    answer = json.loads(result.stdout)
    assert result.stderr.splitlines()[-2:] == [
        "all 211 refused rows are in r.jsonl",
        "error: 211 rows refused; everything else is imported",
    ]
    assert (answer["total"]["recorded"], answer["total"]["refused"], len(answer["refusals"])) == (2, 211, 10)
    assert [row["row"] for row in kept] == list(range(2, 213))
    assert kept[0]["message"] == (
        "input_tokens: must be between 0 and 10^12, not -1. duration_ms: must be between 0 and 10^12, not -1."
    )
    assert kept[-1]["message"] == "its time is 'yesterday', not ISO 8601"
    assert {row["raw"] for row in kept} == {*both, *untimed}


def test_a_row_that_is_refused_and_differs_is_told_as_both_and_one_of_several_files_is_its_own(cli: Cli) -> None:
    calls("first.csv", "2026-11-01T10:00:00Z,a,gpt,1", "2026-11-01T10:00:00Z,b,gpt,1")
    cli("import", "first.csv", "--mapping", "two.toml", "--source", "s")
    calls("again.csv", "2026-11-01T10:00:00Z,a,other,1")
    calls("worse.csv", "2026-11-01T10:00:00Z,b,other,-1.5")

    result = cli("import", "again.csv", "worse.csv", "--mapping", "two.toml", "--source", "s", "--strict")

    assert result.stderr.splitlines()[-1] == (
        "error: 1 row refused and 1 row differs from what is recorded; everything else is imported"
    )
    assert "refused: worse.csv row 1" in result.stderr
    assert "differs: again.csv row 1" in result.stderr
    assert "refused" in result.stdout.splitlines()[0]


def test_what_the_policy_of_privacy_left_out_is_listed_at_the_end_with_what_keeps_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text("\n".join(cloud_event(row, attributes={"comment": "well done, Ada"}) for row in range(3)))

    assert '"attributes.comment" = "keep"' in cli("import", str(path)).stdout
    assert "attributes.comment" not in cli("import", str(path)).stdout, "nothing came in"

    path.write_text(cloud_event(7, attributes={"comment": "see you"}))
    (entry,) = json.loads(cli("import", str(path), "--json").stdout)["left_out_fields"]
    assert (entry["field"], entry["events"]) == ("attributes.comment", 4)
