"""Tags: attributes that cost is told apart by, said once and known to the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cli import main
from analytics_es.cost.tags import DECLARED, MOST_TAGS, check_tags
from analytics_es.errors import BadDeclaration, BadSettings, BadTags
from analytics_es.projection import count, key, projection, total
from analytics_es.projection.declaration import shortened
from analytics_es.service.settings import read_settings
from analytics_es.testing import NOON, provider_call
from tests.stores import contents, opened, rows, stored

pytestmark = pytest.mark.store("sqlite")

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12), "total")


@projection(version=1, consumes=("provider.>",), entities=("user", "attributes.team"))
class Tagged:
    """What a team used."""

    entity_type: str = key("entity.type")
    entity_id: str = key("entity.id")
    calls: int = count()
    input: int | None = total("input_tokens")
    weight: int | None = total("attributes.weight")


@projection(version=1, consumes=("provider.>",))
class ByHand:
    """The same, of a key."""

    team: str = key("attributes.team")
    calls: int = count()
    input: int | None = total("input_tokens")
    weight: int | None = total("attributes.weight")


def call(team: Any = None, **changes: Any) -> dict[str, Any]:
    return provider_call(attributes={} if team is None else {"team": team}, **changes)


def teams(*events: Any) -> dict[str, int]:
    return {row["entity_id"]: row["calls"] for row in rows(Tagged, *events) if row["entity_type"] == "attributes.team"}


def by_team(service: AnalyticsService, **how: Any) -> dict[str, Decimal | None]:
    answer = service.get_summary("cost.calls", DAY, group_by=["attributes.team"], **how).unwrap()
    return {group.keys["attributes.team"]: group.figures.total for group in answer.groups}


def failure(result: Any) -> tuple[str, str]:
    assert result.failure is not None
    return result.failure.code, result.failure.message


both = pytest.mark.store("sqlite", "postgres")


@pytest.fixture
def told(url: str) -> Iterator[str]:
    """Return a store that was told of a tag, with two calls of a team and one of none."""
    with opened(url, tags=["team"]) as service:
        service.record_events([call("red"), call("red", user_id="bob"), call()]).unwrap()
        service.catch_up()
    yield url


# ── an attribute as an entity ───────────────────────────────────────────────────────────────────────────────────


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["", "a", "b", "Ä ö", "x" * 300, "x" * 299 + "y"])
)


@settings(max_examples=30)
@given(st.lists(st.tuples(VALUES, st.integers(0, 50), st.sampled_from([None, 3, "heavy"])), max_size=12))
def test_a_tag_adds_up_what_a_field_declared_by_hand_does(told: list[tuple[Any, int, Any]]) -> None:
    events = [
        provider_call(
            input_tokens=tokens,
            cache_read_tokens=None,
            cache_creation_tokens=None,
            attributes={"team": team, "weight": weight},
        )
        for team, tokens, weight in told
    ]

    by_hand = {row["team"]: row for row in rows(ByHand, *events) if row["team"]}
    tagged = {row["entity_id"]: row for row in rows(Tagged, *events) if row["entity_type"] == "attributes.team"}

    assert by_hand.keys() == tagged.keys()
    for name in ("calls", "input", "weight"):
        assert {team: row[name] for team, row in by_hand.items()} == {team: row[name] for team, row in tagged.items()}


@pytest.mark.parametrize(("value", "text"), [("red", "red"), (7, "7"), (2.5, "2.5"), (True, "true"), (False, "false")])
def test_a_value_is_known_by_its_text(value: Any, text: str) -> None:
    assert {text: 1} == teams(call(value))


@pytest.mark.parametrize("value", [None, ""])
def test_a_call_without_a_value_belongs_to_no_tag_and_is_counted_once(value: Any) -> None:
    found = rows(Tagged, provider_call(attributes={"team": value}))

    assert [(row["entity_type"], row["calls"]) for row in found] == [("", 1), ("user", 1)]


def test_a_long_value_is_shortened_as_every_key_is() -> None:
    assert {shortened("x" * 300): 1} == teams(call("x" * 300))


@pytest.mark.parametrize("attributes", [["team"], "team", 7])
def test_attributes_that_are_none_take_nothing_from_the_rest(attributes: Any) -> None:
    found = rows(Tagged, stored("provider.call.completed", attributes=attributes, user_id="ada"))

    assert [(row["entity_type"], row["calls"]) for row in found] == [("", 1), ("user", 1)]


@pytest.mark.parametrize(
    ("entities", "problem"),
    [
        (("attributes.",), "is no name of an attribute"),
        (("attributes.a b",), "is no name of an attribute"),
        (("attributes.a", "attributes.a"), "is there twice"),
        (("attributes.a", "attributes.A"), "is also written attributes"),
        (("team",), "'team' is unknown: use user,"),
    ],
)
def test_a_declaration_with_a_wrong_tag_is_refused(entities: tuple[str, ...], problem: str) -> None:
    class Wrong:
        """One."""

        kind: str = key("entity.type")
        who: str = key("entity.id")
        calls: int = count()

    with pytest.raises(BadDeclaration, match=problem):
        projection(version=1, consumes=("provider.>",), entities=entities)(Wrong)


# ── which tags there are ────────────────────────────────────────────────────────────────────────────────────────


@both
def test_cost_is_told_apart_by_the_tags_that_are_declared(told: str) -> None:
    with opened(told, tags=["team"]) as service:
        assert by_team(service) == {"red": Decimal(2), "": Decimal(1)}
        assert by_team(service, where={"user": "bob"}) == {"red": Decimal(1)}
        assert "attributes.team" in next(
            each.keys for each in service.list_metrics().unwrap() if each.name == "cost.calls"
        )


def test_a_store_that_is_opened_without_a_word_has_the_tags_it_was_told_of(told: str) -> None:
    with opened(told) as service:
        service.catch_up()

        assert by_team(service) == {"red": Decimal(2), "": Decimal(1)}
        assert [each.stale for each in service.projections().unwrap()] == [None] * 4
        assert len(service.store.log.announcements(DECLARED)) == 1


def test_the_command_line_knows_them_without_the_settings_and_rebuilds_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[cost]\ntags = ["team"]\n')
    path = tmp_path / "a.db"
    with opened(path, settings=tmp_path / "a.toml") as service:
        service.record_events([call("red"), call()]).unwrap()
    asked = ["summary", "cost.calls", "--group-by", "attributes.team", "--from", "2026-03-02", "--to", "2026-03-03"]

    for _ in range(2):
        shown = CliRunner().invoke(main, [*asked, "--db", str(path)])
        assert (shown.exit_code, "red" in shown.output) == (0, True), shown.output
    listed = CliRunner().invoke(main, ["metrics", "--db", str(path)])

    assert "attributes.team" in listed.output
    with opened(path, settings=tmp_path / "a.toml") as service:
        assert [each.declaration.generation for each in service.store.read_models.everything_live()] == [0, 0, 0, 0]


def test_read_models_that_were_deleted_come_back_with_the_tags_whoever_opens_them(told: str, tmp_path: Path) -> None:
    with opened(told) as service:
        before = contents(service.store.read_models)  # type: ignore[arg-type]
    (tmp_path / "analytics.views.db").unlink()

    with opened(told) as service:
        service.catch_up()
        assert before == contents(service.store.read_models)  # type: ignore[arg-type]


@both
def test_a_changed_list_is_filled_from_the_beginning_and_until_then_never_a_wrong_sum(told: str) -> None:
    with opened(told, tags=["team", "feature"]) as service:
        code, message = failure(service.get_summary("cost.calls", DAY, group_by=["attributes.feature"]))
        assert (code, "attributes.feature" in message) == ("stale_read_model", True)
        assert by_team(service) == {"red": Decimal(2), "": Decimal(1)}

        service.catch_up()

        (nobody,) = service.get_summary("cost.calls", DAY, group_by=["attributes.feature"]).unwrap().groups
        assert (nobody.keys, nobody.figures.total) == ({"attributes.feature": ""}, 3)
        assert by_team(service) == {"red": Decimal(2), "": Decimal(1)}


def test_another_list_adds_to_what_the_store_has(told: str) -> None:
    for tags in (["feature"], ["team"], None):
        with opened(told, tags=tags) as service:
            service.catch_up()
            assert by_team(service) == {"red": Decimal(2), "": Decimal(1)}
            assert next(each.tags for each in service.store.declarations if each.name == "cost") == ("feature", "team")


def test_a_tag_that_is_taken_away_and_back_waits_for_a_rebuild_and_says_so(told: str) -> None:
    for tags in ([], ["team"]):
        with opened(told, tags=tags) as service:
            service.catch_up()
            code, message = failure(service.get_summary("cost.calls", DAY, group_by=["attributes.team"]))
            assert code == ("replaced_read_model" if tags else "unknown_key")
    assert "rebuild" in message
    with opened(told) as service:
        service.rebuild(["cost"]).unwrap()

        assert by_team(service) == {"red": Decimal(2), "": Decimal(1)}


def test_no_tags_is_said_by_an_empty_list(told: str) -> None:
    with opened(told, tags=[]) as service:
        service.catch_up()

        code, message = failure(service.get_summary("cost.calls", DAY, group_by=["attributes.team"]))

    assert (code, "tags = ['team']" in message) == ("unknown_key", True)


@both
def test_a_process_that_was_there_before_does_not_rebuild_what_another_declared(url: str) -> None:
    with opened(url) as early:
        with opened(url, tags=["team"]) as service:
            service.record_events([call("red")]).unwrap()
            service.catch_up()
        early.catch_up()

        assert by_team(early) == {"red": Decimal(1)}


def test_the_log_is_told_of_tags_once(told: str) -> None:
    for tags in (["team"], ["feature", "team"], ["team", "feature"]):
        opened(told, tags=tags).close()
    with opened(told) as service:
        states = len(service.store.log.announcements(DECLARED))

    assert states == 2


def test_code_wins_over_the_settings(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[cost]\ntags = ["team"]\n')

    with opened(":memory:", settings=tmp_path / "a.toml", tags=["feature"]) as service:
        assert next(each.tags for each in service.store.declarations if each.name == "cost") == ("feature",)


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ("team", "'team' is no list of names"),
        (["team", 3], "3 is no text"),
        (["attributes.team"], "'attributes.team' is to be named as 'team'"),
        (["my team"], "'my team' is no name of an attribute"),
        ([""], "'' is no name of an attribute"),
        (["team", "team"], "'team' is there twice"),
        ([f"t{n}" for n in range(MOST_TAGS + 1)], "21 are more than 20"),
    ],
)
def test_what_is_no_list_of_tags_is_refused(tmp_path: Path, tags: Any, problem: str) -> None:
    with pytest.raises(BadTags, match=problem):
        opened(tmp_path / "a.db", tags=tags)
    (tmp_path / "a.toml").write_text(f"[cost]\ntags = {tags!r}\n")
    with pytest.raises(BadSettings, match=f"cost.tags: .*{problem}"):
        read_settings(tmp_path / "a.toml")
    assert not (tmp_path / "a.db").exists()


def test_a_key_that_cost_has_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[cost]\ntag = []\n")

    with pytest.raises(BadSettings, match=r"there is no key cost\.tag: use tags"):
        read_settings(tmp_path / "a.toml")


def test_tags_that_differ_by_case_alone_are_refused() -> None:
    with pytest.raises(BadTags, match=r"attributes\.team is also written attributes\.Team"):
        opened(":memory:", tags=["team", "Team"])


def test_tags_without_a_projection_of_cost_are_refused() -> None:
    with pytest.raises(BadTags, match="there is no projection cost"):
        opened(":memory:", tags=["team"], projections=[Tagged])


def test_dots_are_part_of_a_name() -> None:
    assert check_tags(["service.name", "gen_ai.agent.name"]) == ("gen_ai.agent.name", "service.name")


# ── privacy and retention ───────────────────────────────────────────────────────────────────────────────────────


def test_a_tag_that_is_pseudonymised_is_asked_for_by_the_name_that_was_recorded() -> None:
    with opened(":memory:", tags=["email"], privacy="pseudonymous") as service:
        service.record_events([provider_call(attributes={"email": "ada@example.com"}), provider_call()]).unwrap()
        service.catch_up()
        asked = {"attributes.email": "ada@example.com"}

        assert service.get_summary("cost.calls", DAY, where=asked).unwrap().figures.total == 1
        groups = service.get_summary("cost.calls", DAY, group_by=["attributes.email"]).unwrap().groups
        names = [group.keys["attributes.email"] for group in groups]
        assert (len(names), "" in names, any("ada@" in name for name in names)) == (2, True, False)


def test_what_was_sealed_before_a_tag_was_declared_is_carried_over_and_said_to_be_incomplete(url: str) -> None:
    period = TimePeriod(NOON - timedelta(days=9), NOON + timedelta(days=300), "total")

    def found(service: AnalyticsService, *by: str) -> Any:
        service.catch_up()
        answer = service.get_summary("cost.calls", period, group_by=by).unwrap()
        return answer.figures.total, [group.figures.total for group in answer.groups], answer.completeness.complete_from

    def at(**options: Any) -> AnalyticsService:
        return opened(url, clock=lambda: NOON + timedelta(days=200), **options)

    with at(tags=["team"]) as service:
        service.record_events([call("red"), call("red", occurred_at=NOON + timedelta(days=190))]).unwrap()
        service.catch_up()
        horizon = service.retain({"events": "100d"}).unwrap()
        assert found(service, "attributes.team") == (2, [2], None)
    assert horizon
    with at(tags=["feature", "team"]) as service:
        total, teams, complete_from = found(service, "attributes.team")
        assert (total, teams) == (2, [2])
        assert complete_from is not None
    with at(tags=[]) as service:
        assert found(service, "user")[:2] == (2, [2])
        with service.store.read_models.read() as snapshot:
            kinds = {row[1] for row in snapshot.rows(snapshot.live["cost"])}
        assert "attributes.team" not in kinds
