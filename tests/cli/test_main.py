import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import pytest

from analytics_es.cli import main
from analytics_es.cli import store as store_module
from analytics_es.cli.commands import LazyGroup
from tests.children import ran
from tests.cli.conftest import FIRST, WEEK, Cli
from tests.stores import PATIENCE, eventually

PRICES = Path(__file__).parent.parent.parent / "docs" / "examples" / "prices" / "acme.toml"
PROGRAM = [sys.executable, "-W", "error", "-m", "analytics_es.cli"]


def commands(group: click.Group = main, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield above
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        else:
            yield (*above, name)


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_the_help_of_a_command_has_a_purpose_of_one_line_and_an_example(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command, "--help")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert re.fullmatch(r"  [A-Z].*[.:]|  Event-sourced.*", lines[2])
    assert re.search(rf"^    analytics-es {' '.join(command)}", result.stdout, re.MULTILINE)
    assert max(len(line) for line in lines) <= 100


def test_the_list_of_commands_cuts_no_purpose_off(cli: Cli) -> None:
    output = cli("--help").stdout

    assert "..." not in output.replace("[ARGS]...", "")
    for command in ("aggregate", "cost", "demo", "export", "import", "metrics", "performance", "projections", "record"):
        assert f"\n  {command} " in output


@pytest.mark.parametrize("group", [main, main.commands["projections"]], ids=["all", "projections"])
def test_the_list_of_commands_says_what_their_own_help_says(group: LazyGroup) -> None:
    helps = {name: group.commands[name].get_short_help_str(limit=1000) for name in group.purposes}

    assert group.purposes == helps


def test_a_command_that_is_misspelled_is_named(cli: Cli) -> None:
    assert "'performance'" in cli("performnce").stderr


def test_the_examples_of_the_help_are_understood(cli: Cli, own: str) -> None:
    shutil.copy(PRICES, "contract.toml")
    for command in ("usage", "performance", "cost", "unit-costs", "summary", "report"):
        for example in re.findall(r"^    analytics-es (.*)$", cli(command, "--help").stdout, re.MULTILINE):
            words = example.replace("--db demo.db", "").split()
            assert cli(*words, "--db", own).exit_code == 0, example


@pytest.mark.parametrize(
    "arguments", [(), ("nonsense",), ("usage", "--nonsense"), ("summary",), ("usage", "a", "b", "c")]
)
def test_wrong_usage_ends_with_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)

    assert result.exit_code == 2
    assert "Usage: analytics-es" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_told(cli: Cli) -> None:
    assert re.fullmatch(r"analytics-es, version \S+( installed\))?\n", cli("--version").stdout)


def test_an_interruption_ends_with_130_and_a_short_line(cli: Cli, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module.AnalyticsService, "catch_up", interrupted)
    result = cli("usage", "--db", db)

    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted\n")


def test_an_error_of_the_system_is_a_failure_in_one_line(cli: Cli, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr(store_module.AnalyticsService, "catch_up", fails)
    result = cli("usage", "--db", db)

    assert (result.exit_code, result.stderr) == (1, "error: /some/file: Permission denied\n")


def test_a_bug_stays_a_traceback(cli: Cli, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(store_module.AnalyticsService, "catch_up", broken)
    with pytest.raises(ZeroDivisionError):
        cli("usage", "--db", db)


# ── as a process ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_module_runs_as_a_program_without_a_warning(db: str) -> None:
    done = ran([*PROGRAM, "report", *WEEK, "--db", db])

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Report  2024-03-01 00:00 – 2024-03-08 00:00 (UTC)\n")


def test_a_reader_that_goes_away_ends_it_quietly(db: str) -> None:
    shell = f"{' '.join(PROGRAM)} usage --from 2020-01-01 --to 2024-03-08 --granularity hour --db {db} | head -1"

    done = ran(shell, shell=True)  # noqa: S604 -- a pipe is what is tested

    assert done.stdout.startswith("Usage of everyone")
    assert done.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_follows_until_it_is_stopped(cli: Cli, number: signal.Signals) -> None:
    cli("record", "job.completed", "--data", "{}")
    running = subprocess.Popen([*PROGRAM, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    status = partial(cli, "projections", "status", "--json")
    eventually(lambda: {one["lag_events"] for one in json.loads(status().stdout)["projections"]} == {0})

    running.send_signal(number)
    out, err = running.communicate(timeout=PATIENCE)

    began, ended = (line.split(" INFO ")[1] for line in err.splitlines())
    assert (running.returncode, out) == (0, "")
    assert began.startswith("following ")
    assert ended == f"stopped at position {FIRST}"


def test_an_encoding_that_cannot_say_it_gets_a_question_mark(cli: Cli, db: str) -> None:
    done = ran(
        [*PROGRAM, "report", *WEEK, "--db", db],
        text=False,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "ascii"},
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Report  2024-03-01 00:00 ? 2024-03-08")
    assert Path(db).exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("command", ["--help", "agents --help", "agents setup codex", "--version"])
def test_a_full_disk_is_one_line(command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, *command.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, "error: [Errno 28] No space left on device\n")
