"""--names: who owns the vault sees names in the place of pseudonyms, on the screen and nowhere else."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ADA, BOB, WEEK, Cli, fixed_events
from tests.stores import found_in, numbered_pseudonyms, opened

NAMES = {"ada": "ada.lovelace@example.com", "bob": "Bob, the \x1b[31mred\x1b[0m", "cy": "cy"}


@pytest.fixture(scope="module")
def named_db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a store that keeps names, and was asked once."""
    path = tmp_path_factory.mktemp("store") / "named.db"
    with numbered_pseudonyms(), opened(path, privacy={"names": True}) as service:
        events = [
            {**event, "data": {**event["data"], "user_id": NAMES[event["data"]["user_id"]]}} for event in fixed_events()
        ]
        events[-2]["data"] |= {"scope": "user"}
        service.record_events(events).unwrap()
        service.catch_up()
    return str(path)


QUESTIONS: list[tuple[str, ...]] = [
    ("cost", "--by", "user"),
    ("usage", "user"),
    ("usage", "user", NAMES["ada"]),
    ("summary", "cost.calls", "--group-by", "user"),
    ("report",),
    ("explain", "cost.cost", "--where", f"user={ADA}"),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_every_question_shows_names_where_it_shows_pseudonyms_and_says_so_in_its_title(
    cli: Cli, named_db: str, question: tuple[str, ...]
) -> None:
    without = cli(*question, *WEEK, "--db", named_db).stdout
    shown = cli(*question, *WEEK, "--db", named_db, "--names").stdout

    assert ADA in without
    assert "with names" not in without
    assert (ADA in shown, BOB in shown) == (False, False)
    assert NAMES["ada"] in shown
    assert "with names from the vault" in shown.splitlines()[0]


def test_budgets_show_whose_they_are(cli: Cli, named_db: str) -> None:
    shown = cli("budgets", "--db", named_db, "--names", "--at", "2024-03-05").stdout

    assert f"user {NAMES['ada']}" in shown
    assert "with names from the vault" in shown.splitlines()[0]


def test_a_name_cannot_steer_a_terminal(cli: Cli, named_db: str) -> None:
    shown = cli("cost", "--by", "user", *WEEK, "--db", named_db, "--names").stdout

    assert "\x1b" not in shown
    assert r"Bob, the \x1b[31mred\x1b[0m" in shown


def test_json_keeps_pseudonyms_and_has_their_names_beside(cli: Cli, named_db: str) -> None:
    question = ("cost", "--by", "user", *WEEK, "--db", named_db, "--json")
    without: dict[str, Any] = json.loads(cli(*question).stdout)
    answer: dict[str, Any] = json.loads(cli(*question, "--names").stdout)

    assert set(answer.pop("names").values()) == set(NAMES.values())
    assert (answer["rows"], answer["totals"]) == (without["rows"], without["totals"])


@pytest.mark.parametrize("form", ["csv", "md"])
def test_other_forms_have_names_in_the_place_of_pseudonyms(cli: Cli, named_db: str, form: str) -> None:
    question = ("cost", "--by", "user", *WEEK, "--db", named_db, "--format", form)
    without, shown = cli(*question).stdout, cli(*question, "--names").stdout

    assert (ADA in without, ADA in shown) == (True, False)
    assert NAMES["ada"] in shown


def test_who_has_no_name_is_counted(cli: Cli, db: str) -> None:
    shown = cli("cost", "--by", "user", *WEEK, "--db", db, "--names").stdout

    assert ADA in shown
    assert shown.endswith("3 pseudonyms without a name: it was not kept when they came\n")


def test_who_has_another_key_is_told_and_sees_nothing(cli: Cli, named_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)

    failed = cli("cost", "--by", "user", *WEEK, "--db", named_db, "--names")

    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "was made with another key" in failed.stderr


def test_asking_by_names_leaves_them_in_no_file(cli: Cli, named_db: str, tmp_path: Path) -> None:
    folder = Path(named_db).parent
    shutil.copytree(folder, tmp_path / "copy")

    for question in QUESTIONS:
        cli(*question, *WEEK, "--db", tmp_path / "copy" / "named.db", "--names")

    assert found_in(tmp_path / "copy", NAMES["ada"]) == []


def test_where_nobody_has_a_pseudonym_no_key_is_needed(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "full.db", privacy="full") as service:
        service.record_events(fixed_events()).unwrap()

    shown = cli("cost", "--by", "user", *WEEK, "--db", tmp_path / "full.db", "--names")

    assert (shown.exit_code, "ada" in shown.stdout) == (0, True)
