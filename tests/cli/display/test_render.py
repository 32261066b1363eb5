import os
import pty
import re
import signal
import subprocess
import sys
from operator import itemgetter
from select import select

import pytest

from analytics_es.cli.display.layout import bar
from analytics_es.cli.display.render import show
from analytics_es.presentation import Beside, Column, Grid, Line, Number, Share, Styled
from tests.cli.conftest import WEEK, Cli
from tests.stores import PATIENCE

ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
GRID = Grid(
    "Title",
    [
        Column("name", itemgetter("name")),
        Number("first", itemgetter("first"), drop=1),
        Number("second", itemgetter("second"), drop=2),
        Column("", itemgetter("bar"), bar=True),
    ],
    [
        {"name": "a name", "first": "1,000", "second": Styled("2,000", "red"), "bar": Share(0.5)},
        {"name": "b", "first": "1", "second": "2", "bar": Share(0.001)},
    ],
    "a remark",
)


def on_a_terminal(columns: int, *arguments: str, until: bytes = b"") -> tuple[str, int]:
    """Run a command with a terminal for both outputs; once it says `until`, interrupt it."""
    above, below = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns)}
    running = subprocess.Popen(
        [sys.executable, "-m", "analytics_es.cli", *arguments], stdout=below, stderr=below, stdin=below, env=env
    )
    os.close(below)
    seen = b""
    while select([above], [], [], PATIENCE)[0]:
        try:
            part = os.read(above, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not part:
            break
        seen += part
        if until and until in seen:
            running.send_signal(signal.SIGINT)
            until = b""
    os.close(above)
    return seen.decode().replace("\r\n", "\n"), running.wait(PATIENCE)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_has_colours_and_bars_and_no_line_that_is_too_long(db: str, columns: int) -> None:
    output, code = on_a_terminal(columns, "report", *WEEK, "--db", db)

    lines = ANSI.sub("", output).splitlines()
    assert code == 0
    assert ANSI.search(output)
    assert "█" in output
    assert "Unknown cost: 2 calls" in output
    assert max(len(line.rstrip()) for line in lines) <= columns


def test_run_tells_on_a_terminal_how_far_it_is(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}")

    output, code = on_a_terminal(80, "run", until=b"position 2 ")

    assert code == 0
    assert "following · position 2 · up to date · Ctrl-C stops" in ANSI.sub("", output)
    assert output.endswith("stopped at position 2\n")


def test_a_terminal_that_wants_no_colour_gets_none(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    output, _ = on_a_terminal(80, "report", *WEEK, "--db", db)

    assert set(ANSI.findall(output)) <= {"\x1b[1m", "\x1b[2m", "\x1b[0m"}


def test_two_tables_stand_side_by_side_where_they_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    other = Grid("Other", [Column("id", str)], ["x", "y", "z"])

    show([Beside(GRID, other)])
    monkeypatch.setenv("COLUMNS", "30")
    show([Beside(GRID, other)])

    lines = shown(capsys)
    assert lines[:5] == [
        "Title                              Other",
        "  name    first  second              id",
        "  a name  1,000   2,000  ████████    x",
        "  b           1       2  ▏           y",
        "  a remark                           z",
    ]
    assert lines[lines.index("Other", 5) :] == ["Other", "  id", "  x", "  y", "  z"]


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return ANSI.sub("", capsys.readouterr().out).splitlines()


def test_a_pipe_gets_every_column_and_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    show([GRID, Line("the end")])

    assert shown(capsys) == [
        "Title",
        "  name    first  second",
        "  a name  1,000   2,000",
        "  b           1       2",
        "  a remark",
        "",
        "the end",
    ]


@pytest.mark.parametrize(("columns", "titles"), [(80, "name first second"), (26, "name first"), (10, "name")])
def test_what_is_narrow_leaves_columns_out_and_never_cuts_a_number(
    columns: int, titles: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("analytics_es.cli.display.layout.NARROWEST", 6)

    show([Grid("", [Number("id", lambda _: "123,456"), *GRID.columns], GRID.rows)])

    header, first, *_ = shown(capsys)
    assert header.split() == ["id", *titles.split()]
    assert "123,456" in first
    assert ("1,000" in first) == ("first" in titles)


def test_columns_that_are_left_out_are_told_with_the_width_that_shows_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics_es.cli.display.layout.NARROWEST", 6)
    monkeypatch.setenv("COLUMNS", "20")
    show([GRID])
    narrow = shown(capsys)
    monkeypatch.setenv("COLUMNS", "23")
    show([GRID])

    assert narrow[-3:] == ["  a remark", "  1 column more at", "  23 characters"]
    assert shown(capsys)[1:] == [
        "  name    first  second",
        "  a name  1,000   2,000",
        "  b           1       2",
        "  a remark",
    ]


@pytest.mark.parametrize("question", ["usage", "performance", "cost", "summary performance.duration"])
def test_a_question_says_how_to_have_the_columns_that_are_left_out(
    cli: Cli, db: str, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    narrow = cli(*question.split(), *WEEK, "--db", db).stdout
    (width, *_) = re.findall(r"columns? more at (\d+) characters, or with --format csv", " ".join(narrow.split()))
    monkeypatch.setenv("COLUMNS", "250")

    assert "more at" not in cli(*question.split(), *WEEK, "--db", db).stdout
    assert 60 < int(width) < 250


def test_what_cannot_be_left_out_is_folded_if_it_is_a_name_and_kept_whole_if_it_is_a_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")

    columns = [Column("name", str), Number("n", lambda _: "123,456,789,012")]

    show([Grid("", columns, ["a-name-of-25-characters-漢字"])])

    assert shown(capsys) == [
        "  name                        n",
        "  a-name-of-25  123,456,789,012",
        "  -characters-",
        "  漢字",
    ]


def test_a_text_that_is_too_long_is_broken_between_words_and_a_word_only_where_it_must_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "34")
    rows = [{"what": "usage of the API, in buckets", "get": "/v1/organizations/usage"}]

    show([Grid("", [Column("what it is", itemgetter("what")), Column("where", itemgetter("get"))], rows)])

    assert shown(capsys) == [
        "  what it is       where",
        "  usage of the     /v1/organizatio",
        "  API, in buckets  ns/usage",
    ]


def test_a_column_that_folds_is_narrowed_before_others_are_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    columns = [Column("file", itemgetter("file"), folds=True), Number("rows", itemgetter("rows"), drop=1)]

    show([Grid("", columns, [{"file": "a/long/path/of/a/file.json", "rows": "1,000"}])])

    assert shown(capsys) == [
        "  file              rows",
        "  a/long/path/of/  1,000",
        "  a/file.json",
    ]


def test_a_column_that_no_row_has_anything_in_is_left_out_and_not_said_to_be_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = [Column("file", itemgetter("file")), Number("before", itemgetter("before"), drop=1)]

    show([Grid("", columns, [{"file": "a.json", "before": "–"}])])
    show([Grid("", columns, [{"file": "a.json", "before": "–"}, {"file": "b.json", "before": "0"}])])

    assert shown(capsys) == ["  file", "  a.json", "  file    before", "  a.json       –", "  b.json       0"]


@pytest.mark.parametrize("columns", ["0", "1", "-5", "abc", ""])
def test_any_number_of_columns_will_do(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    show([GRID, Line("a · b")])

    assert any("2,000" in line or "a name" in line for line in shown(capsys))


def test_a_bar_is_never_empty_for_something_nor_longer_than_full() -> None:
    assert bar(0) == ""
    assert bar(0.0001) == "▏"
    assert bar(0.5) == "█" * 8
    assert bar(1.85) == "█" * 16
    assert bar(0.5, blocks=False) == "#" * 8
