"""report --html and --svg, and check FILE."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from analytics_es.cli import report_file
from analytics_es.errors import CannotWrite
from analytics_es.presentation.report import writing
from tests.cli.conftest import ADA, LAST, WEEK, Cli
from tests.presentation.report.forging import as_an_older_version, untold
from tests.stores import opened

HTML = ("report", *WEEK, "--html")


def test_a_page_is_written_and_one_line_says_so(cli: Cli, own: str, tmp_path: Path) -> None:
    done = cli(*HTML, "week.html", "--no-script")
    size = len((tmp_path / "week.html").read_bytes())

    assert (done.exit_code, done.stdout) == (0, "")
    assert re.fullmatch(
        rf"wrote \S+week\.html: as of position {LAST}, {size / 1000:.1f} kB, sha256 [0-9a-f]{{64}}; "
        r"`analytics-es check \S+week\.html`\n",
        done.stderr,
    )
    assert "<script" not in (tmp_path / "week.html").read_text()


def test_the_line_names_the_store_that_was_named(cli: Cli, own: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    for name in ("db", "vault.db", "vault.key"):
        Path(own).with_suffix(f".{name}").rename(other.with_suffix(f".{name}"))
    done = cli(*HTML, "week.html", "--db", other, "--no-script")

    assert done.stderr.endswith(f"`analytics-es check {tmp_path / 'week.html'} --db {other}`\n")


def test_a_page_has_what_charts_need_unless_it_is_for_a_mail(cli: Cli, own: str, tmp_path: Path) -> None:
    cli(*HTML, "week.html")

    assert (tmp_path / "week.html").read_text().count("<script>") == 2


def test_a_dash_is_standard_output(cli: Cli, own: str) -> None:
    done = cli(*HTML, "-", "--no-script")

    assert done.stdout_bytes.startswith(b"<!doctype html>")
    assert re.fullmatch(rf"wrote the report: as of position {LAST}, \S+ kB, sha256 [0-9a-f]{{64}}\n", done.stderr)


def test_json_says_what_was_written(cli: Cli, own: str, tmp_path: Path) -> None:
    said = json.loads(cli(*HTML, "week.html", "--no-script", "--json").stdout)

    assert (said["path"], said["position"]) == (str(tmp_path / "week.html"), LAST)
    assert said["sha256"] in (tmp_path / "week.html").read_text()


def test_a_file_is_replaced_only_where_that_is_said(cli: Cli, own: str, tmp_path: Path) -> None:
    (tmp_path / "week.html").write_text("mine")
    refused = cli(*HTML, "week.html")
    replaced = cli(*HTML, "week.html", "--no-script", "--replace")

    assert (refused.exit_code, replaced.exit_code) == (1, 0)
    assert "exists and stays as it is: choose another name, or add --replace" in refused.stderr
    assert cli("check", "week.html").exit_code == 0


def test_of_two_files_none_is_written_where_one_cannot_be(cli: Cli, own: str, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("mine")
    done = cli(*HTML, "a.html", "--no-script", "--svg", "a.svg")

    assert (done.exit_code, (tmp_path / "a.html").exists()) == (1, False)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--no-script",), "--no-script goes with --html"),
        (("--no-script", "--svg", "a.svg"), "--no-script goes with --html"),
        (("--replace",), "--replace goes with --html or --svg"),
        (("--html", "a", "--svg", "./a", "--replace"), "--html and --svg name the same file"),
        (("--html", "-", "--svg", "-"), "--html and --svg name the same file"),
    ],
)
def test_what_says_nothing_is_refused(cli: Cli, own: str, options: tuple[str, ...], problem: str) -> None:
    done = cli("report", *options)

    assert (done.exit_code, problem in done.stderr) == (2, True)


def test_it_answers_about_what_is_asked(cli: Cli, own: str, tmp_path: Path) -> None:
    cli("report", "--html", "a.html", "--no-script", "--month", "2024-03", "--tz", "Europe/Berlin", "--as-of", "9")
    text = (tmp_path / "a.html").read_text()

    assert "1 to 31 Mar 2024, Europe/Berlin · month=2024-03 · tz=Europe/Berlin" in text
    assert "<dt>Position</dt><dd>9, as of" in text
    assert cli("check", "a.html").exit_code == 0


def test_words_of_the_period_are_told_as_they_were_said(cli: Cli, own: str, tmp_path: Path) -> None:
    cli("report", "--html", "a.html", "--no-script", "--last", "7d", "--granularity", "hour")
    cli("report", "--html", "b.html", "--no-script", "--last-week")

    assert "granularity=hour · last=7d" in (tmp_path / "a.html").read_text()
    assert cli("check", "a.html").exit_code == 0
    assert "last-week" in (tmp_path / "b.html").read_text()


@pytest.mark.parametrize(
    "asked",
    [
        ("--last", "24h"),
        ("--last", "4w"),
        ("--today",),
        ("--this-month",),
        ("--last-month", "--tz", "America/New_York"),
        ("--month", "2024-03", "--tz", "Asia/Kolkata"),
        ("--from", "2024-03-01", "--to", "2024-03-31", "--tz", "Europe/Berlin"),
        ("--from", "2024-03-01T07:30:00+05:30", "--to", "2024-03-31"),
        ("--since", "2024-03-01", "--until", "2024-03-31", "--tz", "Europe/Berlin"),
        ("--last", "7d", "--as-of", "9"),
    ],
)
def test_whatever_the_period_was_asked_with_it_holds(cli: Cli, own: str, asked: tuple[str, ...]) -> None:
    written = cli("report", "--html", "a.html", "--no-script", *asked)

    assert (written.exit_code, written.stderr.count("error"), cli("check", "a.html").output.splitlines()[0]) == (
        0,
        0,
        "a.html holds",
    )


def test_a_standard_output_that_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_file.sys, "stdout", None)
    with pytest.raises(CannotWrite, match="standard output cannot be written: it is closed"):
        report_file._put_out(b"<p>")


# ── check FILE ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_report_that_holds_ends_with_0(cli: Cli, own: str) -> None:
    cli(*HTML, "week.html", "--no-script")
    done = cli("check", "week.html")

    assert (done.exit_code, done.stderr, done.stdout) == (
        0,
        "",
        "week.html holds\n"
        f"2024-03-01 00:00 – 2024-03-08 00:00 (UTC) · as of position {LAST} · analytics_es 0.1.0\n"
        "Derived again from the log and drawn again: every figure and every byte is the same.\n",
    )


def test_a_report_that_was_edited_ends_with_1_and_shows_where(cli: Cli, own: str, tmp_path: Path) -> None:
    cli(*HTML, "week.html", "--no-script")
    path = tmp_path / "week.html"
    path.write_text(path.read_text().replace("1,234.57", "1,334.57"))
    done = cli("check", "week.html")

    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout.startswith("week.html does not hold: it is not as it was written\n")
    assert "1,334.57" in done.stdout and "1,234.57" in done.stdout
    assert done.stdout.endswith("the file was changed after it was written: its checksum does not fit\n")


def test_json_says_all_of_it(cli: Cli, own: str) -> None:
    cli(*HTML, "week.html", "--no-script")
    said = json.loads(cli("check", "week.html", "--json").stdout)

    assert (said["holds"], said["verdict"], said["drawn"], said["position"]) == (True, "holds", True, LAST)


@pytest.mark.parametrize("content", ["", "<html>", None])
def test_what_is_no_report_ends_with_2_and_one_line(cli: Cli, own: str, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "week.html").write_text(content)
    done = cli("check", "week.html")

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: week.html ")


@pytest.mark.parametrize("store", ["nosuch.db", "week.html"])
def test_a_store_that_cannot_be_read_is_no_verdict(cli: Cli, tmp_path: Path, store: str) -> None:
    (tmp_path / "week.html").write_text("no store")
    done = cli("check", "week.html", "--db", store)

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_of_what_another_version_wrote_the_log_is_asked(cli: Cli, own: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        as_an_older_version(patch)
        cli(*HTML, "week.html", "--no-script")
    done = cli("check", "week.html")

    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "week.html holds")
    assert done.stdout.splitlines()[2:] == [
        f"Derived again from the log: every figure is the same, and the log says at {LAST + 1} that this very file was "
        "written. It was not drawn again.",
        "since then: written by analytics_es 0.0.9, checked by 0.1.0",
    ]


def test_what_cannot_be_said_to_hold_is_drawn_anew(cli: Cli, own: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        as_an_older_version(patch)
        patch.setattr(writing, "announce_report", untold)
        written = cli(*HTML, "week.html", "--no-script")
    done, anew = cli("check", "week.html"), cli("check", "week.html", "--redraw", "anew.html")

    assert "; the log could not be told of it: this version alone can check it; `analytics-es check" in written.stderr
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        1,
        "draw it anew from the log, to compare by eye: --redraw FILE",
    )
    assert (anew.exit_code, "anew.html: as of position " in anew.stderr) == (1, True)
    assert (cli("check", "anew.html").exit_code, "--redraw" in anew.stdout) == (0, False)


def test_after_a_report_nothing_is_behind(cli: Cli, own: str) -> None:
    cli(*HTML, "week.html", "--no-script")

    assert json.loads(cli("check", "--json").stdout)["lag_events"] == 0


def test_a_place_that_is_taken_ends_with_2_and_nothing_is_compared(cli: Cli, own: str, tmp_path: Path) -> None:
    cli(*HTML, "week.html", "--no-script")
    done = cli("check", "week.html", "--redraw", "week.html")

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "week.html exists and is never overwritten" in done.stderr


def test_what_another_store_says_is_not_drawn(cli: Cli, own: str, tmp_path: Path) -> None:
    cli(*HTML, "week.html", "--no-script")
    opened(tmp_path / "other.db").close()
    done = cli("check", "week.html", "--db", "other.db", "--redraw", "anew.html")

    assert (done.exit_code, done.stderr, (tmp_path / "anew.html").exists()) == (1, "nothing was drawn anew\n", False)


# ── the picture of a terminal ───────────────────────────────────────────────────────────────────────────────────


def test_a_picture_is_what_a_terminal_shows_and_loads_nothing(cli: Cli, own: str, tmp_path: Path) -> None:
    done = cli("report", *WEEK, "--svg", "week.svg")
    cli("report", *WEEK, "--svg", "again.svg")
    svg = (tmp_path / "week.svg").read_text()

    assert (done.exit_code, done.stdout, svg) == (0, "", (tmp_path / "again.svg").read_text())
    assert re.fullmatch(r"wrote week\.svg: \S+ kB\n", done.stderr)
    assert re.findall(r"https?://(?!www\.w3\.org|www\.textualize\.io)|@font-face|url\((?!#)|<script", svg) == []
    assert ADA in svg and "analytics-es&#160;report" in svg


def test_a_picture_goes_to_standard_output_too(cli: Cli, own: str) -> None:
    done = cli("report", *WEEK, "--svg", "-")

    assert (done.stdout.startswith("<svg"), done.stderr) == (True, "")


def test_both_files_are_written_at_once(cli: Cli, own: str, tmp_path: Path) -> None:
    cli(*HTML, "week.html", "--no-script", "--svg", "week.svg")

    assert {"week.html", "week.svg"} <= {file.name for file in tmp_path.iterdir()}


def test_a_picture_of_that_name_stays(cli: Cli, own: str, tmp_path: Path) -> None:
    (tmp_path / "week.svg").write_text("mine")

    assert cli("report", "--svg", "week.svg").exit_code == 1
    assert cli("report", "--svg", "week.svg", "--replace").exit_code == 0
