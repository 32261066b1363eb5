import json
from pathlib import Path

import pytest

from tests.cli.conftest import FIRST, Cli


def test_recording_prints_the_position_and_creates_the_store(cli: Cli, tmp_path: Path) -> None:
    result = cli("record", "job.completed", "--data", '{"duration_ms": 5}')

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"recorded at position {FIRST}\n", "")
    assert (tmp_path / "analytics.db").exists()


def test_recording_again_changes_nothing_and_says_so(cli: Cli) -> None:
    same = ("record", "job.completed", "--id", "1", "--occurred-at", "2024-03-04T12:00Z", "--source", "me")
    cli(*same, "--data", "{}")

    assert cli(*same, "--data", "{}").stdout == f"already recorded at position {FIRST}\n"
    assert "with other content: what was recorded first stays" in cli(*same, "--data", '{"status": "ok"}').stdout
    assert json.loads(cli(*same, "--data", "{}", "--json").stdout) == {
        "position": FIRST,
        "duplicate": True,
        "differs": False,
        "waiting": False,
    }


def test_data_may_come_from_standard_input_or_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"tool": "grep"}')
    cli("record", "tool.call.completed", "--data", "-", input='{"tool": "bash"}')
    cli("record", "tool.call.completed", "--data", "@event.json")

    top = json.loads(cli("usage", "tool", "--json").stdout)["top_entities"]

    assert [each["entity_id"] for each in top] == ["bash", "grep"]


def test_numbers_are_recorded_exactly(cli: Cli) -> None:
    for _ in range(10):
        cost = '{"cost": 0.100000000000000001, "currency": "USD"}'
        assert cli("record", "provider.call.completed", "--data", cost).exit_code == 0

    cli("export", "json", "-o", "events.jsonl")

    assert Path("events.jsonl").read_text().count('"0.100000000000000001"') == 10


@pytest.mark.parametrize("data", ["", "{", "NaN", '{"a": Infinity}', "[" * 100_000, '{"a": 1e}', "9" * 5000, "@"])
def test_data_that_is_no_json_is_wrong_usage(cli: Cli, tmp_path: Path, data: str) -> None:
    result = cli("record", "job.completed", "--data", data)

    assert result.exit_code in (1, 2)
    assert result.stderr.splitlines()[-1].lower().startswith("error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense", "--data", "{}"),
        ("job.completed", "--data", "[]"),
        ("job.completed", "--data", "{}", "--id", "1"),
        ("job.completed", "--data", '{"duration_ms": -1}'),
        ("job.completed", "--data", "@no.json"),
    ],
    ids=" ".join,
)
def test_what_the_door_refuses_is_a_failure_in_one_line(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli("record", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_what_only_this_package_says_is_refused(cli: Cli) -> None:
    result = cli("record", "analytics.tags.declared", "--data", '{"tags": ["team"]}')

    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error: 'analytics.tags.declared' is reserved: types that begin with analytics. are"
    )


def test_a_correction_that_comes_before_its_call_is_said_to_wait(cli: Cli) -> None:
    data = '{"corrects": {"source": "a", "id": "c"}, "cost_change": "1", "currency": "USD"}'
    about = ("--source", "a", "--id", "c:correction:1", "--occurred-at", "2024-03-04T12:00Z")

    result = cli("record", "provider.cost.corrected", "--data", data, *about)

    assert result.stdout == (
        "recorded at position 2: it waits for the call that it corrects, and counts from when that is there\n"
    )


def test_what_the_policy_of_privacy_left_out_is_noted_with_what_keeps_it(cli: Cli) -> None:
    said = '{"attributes": {"comment": "well done, Ada", "team": "core"}, "notes": "all of it"}'

    result = cli("record", "review.completed", "--data", said)

    assert result.stdout == f"recorded at position {FIRST}\n"
    assert "note: left out by the policy of privacy: attributes.comment, notes; to keep such a field" in result.stderr
    assert '"attributes.comment" = "keep" in [privacy.rules]' in result.stderr
    assert "Ada" not in result.stderr
    assert cli("record", "review.completed", "--data", '{"rating": 5}').stderr == ""
