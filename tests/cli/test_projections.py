import json

from analytics_es.testing import cost_corrected
from tests.cli.conftest import FIRST, Cli
from tests.stores import opened


def test_projections_are_listed(cli: Cli, db: str) -> None:
    cli("usage", "--db", db)

    lines = cli("projections", "list", "--db", db).stdout.splitlines()

    assert lines[0].split() == ["projection", "version", "rows"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["budgets", "2"],
        ["cost", "4"],
        ["performance", "3"],
        ["usage", "3"],
    ]


def test_a_status_tells_the_lag_and_does_not_catch_up(cli: Cli) -> None:
    cli("record", "job.completed", "--data", "{}")

    for _ in range(2):
        output = cli("projections", "status").stdout
        assert "behind" in output
        assert "any question catches up" in output
    cli("usage")

    assert "any question" not in cli("projections", "status").stdout


def test_a_status_lists_what_could_not_be_read(cli: Cli) -> None:
    cli("record", "shop.order.placed", "--data", '{"input_tokens": "many"}')
    cli("usage")

    found = json.loads(cli("projections", "status", "--json").stdout)

    assert found["unreadable_values"] == [{"projection": "usage", "position": FIRST, "field": "input_tokens"}]
    assert [each["unreadable"] for each in found["projections"]] == [0, 0, 0, 1]
    assert f"usage              {FIRST}  input_tokens" in cli("projections", "status").stdout


def test_what_only_looks_as_if_this_package_had_said_it_is_listed(cli: Cli) -> None:
    with opened("analytics.db") as service:
        service.store.recorder.announce("analytics.tags.declared", {"tags": 7})
        service.store.recorder.announce("analytics.tags.declared", {"teams": []})

    shown, told = cli("projections", "status"), cli("projections", "status", "--json")

    assert "Not said by this package, and ignored" in shown.stdout
    assert json.loads(told.stdout)["unread_announcements"] == [
        {"position": 1, "type": "analytics.tags.declared", "problem": "tags is no list of texts"},
        {"position": 2, "type": "analytics.tags.declared", "problem": "it has no 'tags'"},
    ]


def test_corrections_that_fit_no_call_are_listed_unless_nothing_is_checked(cli: Cli) -> None:
    with opened("analytics.db") as service:
        service.record_event(**cost_corrected()).unwrap()

    shown, unchecked = cli("projections", "status"), cli("projections", "status", "--no-check", "--json")
    (listed,) = json.loads(cli("projections", "status", "--json").stdout)["doubtful_corrections"]

    assert "Corrections that fit no call" in shown.stdout
    assert (listed["id"], listed["counted"]) == ("call-1:correction:1", False)
    assert json.loads(unchecked.stdout)["doubtful_corrections"] is None
