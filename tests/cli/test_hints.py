"""Commands that are shown to be copied work as they are copied: they name the store that was named."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from analytics_es.testing import NOON, budget_allocated, provider_call
from tests.cli.conftest import WEEK, Cli
from tests.servers import Server
from tests.stores import append, opened, stored

HINT = re.compile(r"`analytics-es ([^`]+)`")
MARCH = ("--from", "2026-03-01", "--to", "2026-03-08")


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Return a store of many users and models, with a value that no projection can read and one event not folded."""
    path = tmp_path / "my stores" / "of today.db"
    path.parent.mkdir()
    with opened(path) as analytics:
        calls = [provider_call(user_id=f"u{n}", tenant_id=f"t{n}", model=f"m{n}", operation=f"o{n}") for n in range(30)]
        analytics.record_events(calls).unwrap()
        append(analytics.store.log, stored("tool.call.completed", occurred_at=NOON.isoformat(), duration_ms="long"))
        analytics.catch_up()
        analytics.record_event(**provider_call()).unwrap()
    return str(path)


SHOWN = [
    ("budgets", "none"),
    ("projections", "status"),
    ("report", *MARCH),
    ("usage", "user", "--top", "3", *MARCH),
    ("summary", "usage.evnts", *MARCH),
    ("explain", "cost.total", *MARCH),
    ("dead-letters", "show", "999999"),
    ("prices", "show", "no-such-model-at-all"),
]


@pytest.mark.parametrize("command", SHOWN, ids=" ".join)
def test_a_command_that_is_shown_finds_the_same_store(cli: Cli, store: str, command: tuple[str, ...]) -> None:
    told = cli(*command, "--db", store)

    hints = HINT.findall(told.output)
    assert hints
    for hint in hints:
        copied = cli(*shlex.split(hint)) if "import" not in hint and " run" not in f" {hint}" else None
        assert shlex.split(hint)[-2:] == ["--db", store]
        assert copied is None or (copied.exit_code, "no store" in copied.output) == (0, False), copied.output


ABOUT = [
    MARCH,
    ("--month", "2026-03"),
    ("--since", "2026-03-01", "--until", "2026-03-07"),
    ("--from", "2026-03-02T06:30", "--last", "2d", "--tz", "Asia/Kolkata"),
    (*MARCH, "--as-of", "20"),
]


@pytest.mark.parametrize("about", ABOUT, ids=" ".join)
@pytest.mark.parametrize("command", ["report", "usage user --top 3"])
def test_a_command_that_is_shown_is_about_the_same_time(
    cli: Cli, store: str, command: str, about: tuple[str, ...]
) -> None:
    told = cli(*command.split(), *about, "--db", store).output
    asked = [shlex.split(hint) for hint in HINT.findall(told) if hint.split()[0] in ("usage", "summary", "cost")]
    (period,) = set(re.findall(r"  (2026\S+ \S+ – \S+ \S+ \S+?)[,\n]", told))

    assert asked
    for hint in asked:
        assert period in cli(*hint).output
        assert ("--as-of" in hint) == ("--as-of" in about)


def test_budgets_of_a_period_that_is_over_are_listed_as_of_its_end(cli: Cli, store: str) -> None:
    with opened(store) as analytics:
        for number in range(5):
            allocated = {"budget_id": f"b{number}", "amount": "1", "currency": "USD", "ends_at": "2026-03-09T00:00:00Z"}
            analytics.record_event("budget.allocated", allocated, occurred_at=NOON).unwrap()
    report = cli("report", *MARCH, "--db", store).output
    (hint,) = [hint for hint in HINT.findall(report) if hint.startswith("budgets")]

    assert "as of 2026-03-07 23:59" in report
    assert "b4" in cli(*shlex.split(hint)).output


def test_where_the_store_was_not_typed_a_command_is_as_short_as_before(
    cli: Cli, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_ES_DB", store)

    assert HINT.findall(cli("budgets", "none").output) == ["budgets"]


def test_a_schema_and_the_settings_are_named_too(cli: Cli, postgres: Server, vault_key: None, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[privacy]\npreset = "full"\n')
    url = postgres.url.replace(":@", ":secret@")
    options = ("--db", url, "--schema", postgres.schema(), "--config", str(tmp_path / "settings.toml"))
    cli("migrate", *options)

    (hint,) = HINT.findall(cli("budgets", "none", *options).output)

    assert shlex.split(hint) == ["budgets", "--db", url.replace(":secret@", "@"), *options[2:]]


LOOKS_LIKE = "`analytics-es demo` {0} --last 4w"


def test_a_name_that_looks_like_a_command_stays_as_it_is(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a {store}.db"
    with opened(path) as analytics:
        analytics.record_event(**budget_allocated(budget_id=LOOKS_LIKE, scope="all")).unwrap()
        analytics.record_event(**provider_call(model="no-such", cost=None, currency=None)).unwrap()
        analytics.catch_up()
    named = cli("budgets", LOOKS_LIKE, "--db", path).output
    absent = cli("budgets", f"no {LOOKS_LIKE}", "--db", path).output
    failed = cli("summary", LOOKS_LIKE, "--db", path).output

    assert f"{LOOKS_LIKE}: 1 call of unknown cost" in " ".join(named.split())
    assert f"There is no budget 'no {LOOKS_LIKE}': `analytics-es budgets --db '{path}'` lists" in absent
    assert f"There is no metric '{LOOKS_LIKE}'" in failed
    assert f"`analytics-es metrics --db '{path}'` lists them all." in failed


def test_the_questions_of_the_demo_can_be_copied(cli: Cli, tmp_path: Path) -> None:
    told = cli("demo", "--db", tmp_path / "a demo.db", "--days", "1", "--jobs", "3").stdout

    questions = [line.strip() for line in told.splitlines() if line.startswith("  analytics-es ")]
    assert len(questions) == 3
    assert [cli(*shlex.split(question)[1:]).exit_code for question in questions] == [0, 0, 0]


def test_the_demo_names_its_store_where_nobody_did(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    hints = HINT.findall(cli("demo", "--days", "1", "--jobs", "20").stdout)

    assert hints
    assert [hint for hint in hints if not hint.endswith("--db demo.db")] == []


def test_every_command_that_is_shown_is_in_quotes_that_are_completed(cli: Cli, store: str) -> None:
    for command in SHOWN:
        output = cli(*command, "--db", store).output
        assert output.count("analytics-es ") == len(HINT.findall(output)), output
    assert "analytics-es" not in cli("usage", *WEEK, "--db", store).output
