"""Where files are found: which names are meant, and what is not followed, waited for, or seen twice."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from analytics_es.ingest.sessions.declaration import Agent, Document, Home, Lines
from analytics_es.ingest.sessions.files import finding
from analytics_es.ingest.sessions.files.finding import LEADS_OUT, NO_FILE, File, PassedOver
from tests.ingest.sessions.engine import AGENT, agent, read

LOGS = Lines(pattern="logs/**/*.jsonl", read=read)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tester/logs").mkdir(parents=True)
    return tmp_path / "tester"


def names(place: Path, agent: Agent) -> list[str]:
    """Return the files that are found, in the order in which they are read."""
    return [file.path.relative_to(place).as_posix() for file in finding.files(agent, [place]) if isinstance(file, File)]


def passed_over(place: Path) -> list[PassedOver]:
    return [file for file in finding.files(agent(LOGS), [place]) if isinstance(file, PassedOver)]


def touch(place: Path, *paths: str) -> None:
    for path in paths:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text("{}\n")


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("logs/*.jsonl", ["logs/a.jsonl"]),
        ("logs/**/*.jsonl", ["logs/a.jsonl", "logs/x/b.jsonl", "logs/x/y/c.jsonl"]),
        ("logs/*/*.jsonl", ["logs/x/b.jsonl"]),
        ("logs/**/y/**/*.jsonl", ["logs/x/y/c.jsonl"]),
        ("logs/?.jsonl", ["logs/a.jsonl"]),
        ("*.json", ["d.json"]),
    ],
)
def test_a_pattern_means_files_below_the_home(place: Path, pattern: str, meant: Sequence[str]) -> None:
    touch(place, "logs/a.jsonl", "logs/x/b.jsonl", "logs/x/y/c.jsonl", "logs/a.jsonlx", "xlogs/a.jsonl", "d.json")

    assert names(place, agent(Lines(pattern=pattern, read=read))) == meant


def test_what_is_read_last_comes_last_and_a_file_of_two_patterns_once(place: Path) -> None:
    touch(place, "logs/a.jsonl", "logs/side/b.jsonl", "logs/z.jsonl")
    last = Lines(pattern="logs/side/*.jsonl", read=read, last=True)

    assert names(place, agent(LOGS, last)) == ["logs/a.jsonl", "logs/z.jsonl", "logs/side/b.jsonl"]


def test_what_is_read_last_is_looked_at_first(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(place, "logs/a.jsonl", "logs/side/b.jsonl")
    looked_at: list[str] = []
    look = finding._looked_at

    def noted(path: Path, *rest: object) -> object:
        looked_at.append(path.name)
        return look(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(finding, "_looked_at", noted)

    assert names(place, agent(LOGS, Lines(pattern="logs/side/*.jsonl", read=read, last=True))) == [
        "logs/a.jsonl",
        "logs/side/b.jsonl",
    ]
    assert looked_at == ["b.jsonl", "a.jsonl"]


def test_links_that_lead_out_are_told_and_not_followed(place: Path, tmp_path: Path) -> None:
    touch(tmp_path, "other/secret.jsonl")
    (place / "logs/folder").symlink_to(tmp_path / "other")
    (place / "logs/file.jsonl").symlink_to(tmp_path / "other/secret.jsonl")
    (place / "logs/notes.txt").symlink_to(tmp_path / "other/secret.jsonl")  # which nobody means

    assert names(place, agent(LOGS)) == []
    assert passed_over(place) == [
        PassedOver(place / "logs/file.jsonl", LEADS_OUT),
        PassedOver(place / "logs/folder", LEADS_OUT),
    ]


def test_a_folder_that_two_names_lead_to_is_gone_into_once_by_its_own(place: Path) -> None:
    touch(place, "logs/x/a.jsonl")
    (place / "logs/a-link").symlink_to(place / "logs/x")
    (place / "logs/x/loop").symlink_to(place / "logs")
    (place / "logs/itself").symlink_to(place / "logs/itself")

    assert names(place, agent(LOGS)) == ["logs/x/a.jsonl"]


def test_a_folder_elsewhere_in_the_home_is_followed(place: Path) -> None:
    touch(place, "kept/a.jsonl")
    (place / "logs/link").symlink_to(place / "kept")

    assert names(place, agent(LOGS)) == ["logs/link/a.jsonl"]


def test_what_is_no_file_is_told_and_nobody_waits_for_it(place: Path) -> None:
    os.mkfifo(place / "logs/pipe.jsonl")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(place / "logs")  # a socket's name may not be long
        server.bind("socket.jsonl")
        os.chdir(here)

        assert passed_over(place) == [
            PassedOver(place / "logs/pipe.jsonl", NO_FILE),
            PassedOver(place / "logs/socket.jsonl", NO_FILE),
        ]


def test_a_link_to_nothing_is_told(place: Path) -> None:
    (place / "logs/gone.jsonl").symlink_to(place / "nothing")

    assert passed_over(place) == [PassedOver(place / "logs/gone.jsonl", NO_FILE)]


def test_a_folder_that_cannot_be_read_is_told_and_the_others_are_read(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(place, "logs/closed/a.jsonl", "logs/open/b.jsonl")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    assert names(place, agent(LOGS)) == ["logs/open/b.jsonl"]
    assert passed_over(place) == [PassedOver(place / "logs/closed", "Permission denied")]


def test_a_folder_may_vanish_meanwhile(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(place, "logs/going/a.jsonl", "logs/open/b.jsonl")
    scandir = os.scandir

    def vanishing(path: Path) -> object:
        if Path(path).name == "going":
            raise FileNotFoundError(2, "No such file or directory")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)

    assert names(place, agent(LOGS)) == ["logs/open/b.jsonl"]
    assert passed_over(place) == []


def test_a_name_that_is_no_text_is_found(place: Path) -> None:
    (place / "logs" / os.fsdecode(b"caf\xe9.jsonl")).write_text("{}\n")

    assert [os.fsencode(name) for name in names(place, agent(LOGS))] == [b"logs/caf\xe9.jsonl"]


def test_a_folder_with_a_files_name_is_a_folder(place: Path) -> None:
    touch(place, "logs/x.jsonl/a.jsonl")

    assert names(place, agent(LOGS)) == ["logs/x.jsonl/a.jsonl"]


def test_folders_that_cannot_hold_what_is_meant_are_not_gone_into(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(place, "logs/a.jsonl", "cache/deep/b.jsonl", "documents/x/y.json")
    gone_into: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (gone_into.append(Path(path).name), scandir(path))[1])

    list(finding.files(agent(LOGS, Document(pattern="documents/*.json", read=read)), [place]))

    assert sorted(gone_into) == ["documents", "logs", "tester"]


# ── homes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_variable_names_one_folder_or_several(tmp_path: Path) -> None:
    for name in ("one", "two", ".tester"):
        (tmp_path / name).mkdir()
    environment = {"HOME": str(tmp_path), "TESTER_HOME": f"{tmp_path}/one, {tmp_path}/two,{tmp_path}/none,"}

    assert finding.homes(AGENT, environment) == [tmp_path / "one", tmp_path / "two"]


@pytest.mark.parametrize("variable", ["", " "])
def test_otherwise_they_are_in_the_users_home(tmp_path: Path, variable: str) -> None:
    (tmp_path / ".tester").mkdir()

    assert finding.homes(AGENT, {"HOME": str(tmp_path), "TESTER_HOME": variable}) == [tmp_path / ".tester"]


def test_two_names_of_one_folder_are_one_home(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    environment = {"TESTER_HOME": f"{tmp_path}/link,{tmp_path}/one,{tmp_path}/x/../one"}

    assert finding.homes(AGENT, environment) == [tmp_path / "one"]


@pytest.mark.parametrize("name", ["\0", "~nobody-of-this-name/x", "x" * 5000])
def test_a_name_that_can_be_no_folder_is_none(name: str) -> None:
    assert finding.homes(AGENT, {"TESTER_HOME": name}) == []


def test_a_loop_of_links_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    assert finding.homes(AGENT, {"TESTER_HOME": str(tmp_path / "loop")}) == []


def test_a_home_may_be_deep_in_what_the_variable_names(tmp_path: Path) -> None:
    (tmp_path / "data/below").mkdir(parents=True)
    deep = agent(homes=(Home(variable="TESTER_HOME", below="below"),))

    assert finding.homes(deep, {"TESTER_HOME": str(tmp_path / "data")}) == [tmp_path / "data/below"]
