"""What nothing reads is told where it came in and where it is asked for, and refused where that is wanted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

LINES = [
    {"specversion": "1.0", "id": f"{n}", "source": "s", "type": kind, "time": "2026-03-02T12:00:00Z", "data": data}
    for n, (kind, data) in enumerate(
        [
            ("provider.call.completed", {"model": "gpt-5", "prompt_tokens": 5, "ticket": "x"}),
            ("provider.call.completed", {"model": "gpt-5", "prompt_tokens": 5}),
            ("llm.call.completed", {}),
        ]
    )
]
UNREAD = [
    {"type": "provider.call.completed", "field": "prompt_tokens", "events": 2, "suggestion": "input_tokens"},
    {"type": "llm.call.completed", "field": "type", "events": 1, "suggestion": "provider.call.completed"},
    {"type": "provider.call.completed", "field": "ticket", "events": 1, "suggestion": None},
]


@pytest.fixture(autouse=True)
def events(cli: Cli) -> None:
    Path("events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in LINES))


def test_an_import_ends_with_what_nothing_reads(cli: Cli) -> None:
    shown = cli("import", "events.jsonl")
    told = json.loads(cli("import", "events.jsonl", "--json", "--db", "other.db").stdout)

    assert "What no projection reads" in shown.stdout
    assert "input_tokens" in shown.stdout
    assert (told["total"]["recorded"], told["unread_fields"]) == (3, UNREAD)


def test_status_and_answers_tell_it(cli: Cli) -> None:
    cli("import", "events.jsonl")
    told = json.loads(cli("projections", "status", "--json").stdout)
    shown = cli("projections", "status").stdout
    answer = cli("cost", "--from", "2026-03-02", "--to", "2026-03-03").stdout

    assert told["unread_fields"] == UNREAD
    assert "did you mean" in shown
    assert "read by nothing: prompt_tokens (did you mean input_tokens?)" in " ".join(answer.split())


def test_status_tells_what_the_policy_left_out_and_how_to_keep_it(cli: Cli) -> None:
    cli("record", "task.completed", "--data", '{"attributes": {"comment": "well done", "team": "core"}}')
    cli("usage", "--last", "1h")  # which catches up
    told = json.loads(cli("projections", "status", "--json").stdout)
    shown = cli("projections", "status").stdout

    rule = '"attributes.comment" = "keep"'
    assert told["left_out_fields"] == [
        {"type": "task.completed", "field": "attributes.comment", "events": 1, "allow": rule}
    ]
    assert "What the policy of privacy left out" in shown
    assert rule in shown


def test_answers_tell_what_contradicts_itself(cli: Cli) -> None:
    attributes = {"analytics_es.contradiction": "total_tokens"}
    call = {"provider": "openai", "model": "gpt-5", "input_tokens": 5, "output_tokens": 1, "attributes": attributes}
    cli("record", "provider.call.completed", "--data", json.dumps(call))

    for question in (("cost",), ("usage",), ("summary", "usage.events")):
        shown = " ".join(cli(*question, "--last", "1h").stdout.split())
        assert "1 figure contradicted by what was told beside: total_tokens" in shown


def test_answers_tell_of_partial_calls(cli: Cli) -> None:
    attributes = {"partial": True, "machine": "mill"}
    call = {"provider": "openai", "model": "gpt-5", "input_tokens": 5, "output_tokens": 1, "attributes": attributes}
    for _ in range(2):
        cli("record", "provider.call.completed", "--data", json.dumps(call))

    for question in (("cost",), ("usage",), ("summary", "usage.events"), ("report",), ("performance",)):
        shown = " ".join(cli(*question, "--last", "1h").stdout.split())
        assert "2 calls are partial: their last usage was never written" in shown
    told = json.loads(cli("cost", "--last", "1h", "--json").stdout)["completeness"]
    assert (told["partial_calls"], told["contradictions"], told["contradicting"]) == (2, 0, [])


def test_an_import_tells_of_partial_calls_apart_from_what_contradicts_itself(cli: Cli) -> None:
    attributes = {"partial": True, "analytics_es.contradiction": "total_tokens partial"}
    call = {"provider": "openai", "model": "gpt-5", "input_tokens": 5, "attributes": attributes}
    event = {**LINES[0], "data": call}
    Path("one.jsonl").write_text(json.dumps({**event, "id": "one"}) + "\n")
    Path("other.jsonl").write_text(json.dumps({**event, "id": "other"}) + "\n")

    shown = cli("import", "one.jsonl").stdout
    told = json.loads(cli("import", "other.jsonl", "--json").stdout)

    assert "1 event told figures that contradict one another: 1 total_tokens" in shown
    assert "1 call is partial: its last usage was never written" in shown
    assert (told["partial_calls"], told["contradictions"]) == (1, {"total_tokens": 1})


def test_strict_fields_refuse_such_rows(cli: Cli) -> None:
    told = json.loads(cli("import", "events.jsonl", "--strict-fields", "--json").stdout)

    assert (told["total"]["refused"], {row["code"] for row in told["refusals"]}) == (3, {"not_read"})


def test_record_notes_it_or_refuses_it(cli: Cli) -> None:
    arguments = ("record", "provider.call.completed", "--data", '{"prompt_tokens": 5}')
    noted, refused = cli(*arguments), cli(*arguments, "--strict-fields")

    assert noted.exit_code == 0
    assert "note: prompt_tokens of provider.call.completed is read by no projection: did you mean" in noted.stderr
    assert refused.exit_code == 1
    assert "did you mean input_tokens?" in refused.stderr
