"""Bad arguments: they end with a code and a line that cannot steer a terminal, and change nothing."""

# ruff: noqa: SIM905  # words are easier to read in one text

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.cli.display import Bar
from tests.cli.conftest import Cli

STEERING = "\x1b]0;x\x07\u202e"
TEXTS = st.text(max_size=10) | st.sampled_from([STEERING, "\udcff", "../x", "a\nb", "x" * 5000, "'; DROP TABLE x", "-"])
WORDS = st.sampled_from(
    [*("summary usage cost performance export csv aggregate projections status metrics record import".split())]  # noqa: RUF005
    + [*("--group-by --where --from --to --last --granularity --tz --json --by --data --mapping -o --metric".split())]
    + [*("usage.events tool.call.completed user {} 24h 2024-03-01 Europe/Berlin".split())]
)


@settings(max_examples=120)
@given(arguments=st.lists(WORDS | TEXTS, max_size=6))
def test_any_arguments_end_with_a_code_and_never_with_a_traceback(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments, input="")

    assert result.exit_code in (0, 1, 2)
    assert not {"\x1b", "\u202e"} & {*result.output}


@pytest.mark.parametrize(
    "arguments",
    [
        *((STEERING,), (f"--{STEERING}",), ("import", STEERING), ("export", STEERING), ("usage", STEERING)),
        *(("report", "--last", STEERING), ("report", "--tz", STEERING), ("record", STEERING, "--data", "{}")),
        *(("report", f"--{STEERING}"), ("projections", STEERING), ("report", STEERING), ("report", "--db", STEERING)),
    ],
)
def test_what_is_wrong_is_told_without_what_could_steer_a_terminal(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)

    assert result.exit_code in (1, 2)
    assert not {"\x1b", "\x07", "\u202e"} & {*result.output}


@pytest.mark.parametrize("text", ["\udcff", "'; DROP TABLE usage_v4; --"])
def test_an_id_of_any_text_is_only_a_text(cli: Cli, db: str, text: str) -> None:
    assert cli("usage", "user", text, "--db", db).exit_code in (0, 1)
    assert cli("summary", "usage.events", "--where", f"user={text}", "--db", db).exit_code in (0, 1, 2)


def test_an_exponent_beyond_all_numbers_is_wrong_usage(cli: Cli) -> None:
    assert cli("record", "job.failed", "--data", f'{{"value": 0e{"7" * 99}}}').exit_code == 2


@pytest.mark.parametrize("data", ["@/dev/zero", "-"])
def test_data_without_an_end_is_refused(cli: Cli, data: str) -> None:
    result = cli("record", "job.failed", "--data", data, input="[" * 5_000_000)

    assert result.exit_code == 2
    assert "longer than 4194304 characters" in result.output


def test_a_file_whose_name_is_not_utf8_is_imported_and_told_as_json(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "\udcff.jsonl").write_text("{}\n")

    result = cli("import", "\udcff.jsonl", "--json")

    assert result.exit_code == 0
    assert '"file": "\\udcff.jsonl"' in result.output


@pytest.mark.parametrize("target", ["/dev/full", ".", "link", "x" * 300, "gone/x", "loop/x"])
def test_an_export_goes_to_a_new_file_or_nowhere(cli: Cli, db: str, tmp_path: Path, target: str) -> None:
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "loop").symlink_to("loop")

    result = cli("export", "csv", "--db", db, "-o", target)

    assert result.exit_code == 1
    assert not (tmp_path / "elsewhere").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"link", "loop"}


def test_a_progress_bar_tells_any_name_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Bar("importing [red]a[/b].csv") as bar:
        bar.at(1, 2)
        bar._progress.get_renderable()
        list(bar._progress.console.render(bar._progress.get_renderable()))
