"""What of an event may be stored, and that nothing else is."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import BadPolicy, RefusedEvent
from analytics_es.events.codec import decode
from analytics_es.events.fields import FREE_TEXT
from analytics_es.ingest.door import Door
from analytics_es.ingest.privacy import IDENTITY, PrivacyPolicy, Rules
from analytics_es.ingest.privacy_names import SESSIONS
from analytics_es.projection import count, key, projection
from analytics_es.testing import NOON, message_added, provider_call
from tests.stores import found_in, opened, policies, recorded

pytestmark = pytest.mark.store("sqlite")

ADA = "ada@example.com"
MARCH = TimePeriod(NOON.replace(day=1, hour=0), NOON.replace(day=31))


def kept(policy: PrivacyPolicy, **data: Any) -> dict[str, Any]:
    """Return what a policy leaves of data, with pseudonyms one can read."""
    return policy.apply(data, lambda kind, text: f"<{kind} {text}>")


# ── presets ─────────────────────────────────────────────────────────────────────────────────────────────────────

TALK: dict[str, Any] = {
    "user_id": ADA,
    "tenant_id": "acme",
    "conversation_id": "talk-1",
    "model": "gpt-4.1",
    "prompt": "Who am I?",
    "messages": [{"role": "user", "content": "Hello"}],
    "attributes": {"user.email": ADA, "client.address": "10.0.0.1", "plan": "pro", "gen_ai.prompt": "Hello", "n": 3},
}
LEFT_OUT = "attributes.gen_ai.prompt messages prompt"


def test_full_keeps_everything() -> None:
    assert kept(PrivacyPolicy.of("full"), **TALK) == TALK


def test_pseudonymous_keeps_no_name_and_no_text() -> None:
    data = orjson.loads(orjson.dumps(TALK))

    assert kept(PrivacyPolicy.of("pseudonymous"), **data) == {
        "user_id": f"<user {ADA}>",
        "tenant_id": "acme",
        "conversation_id": "talk-1",
        "model": "gpt-4.1",
        "attributes": {"user.email": f"<user {ADA}>", "client.address": "<user 10.0.0.1>", "plan": "pro", "n": 3},
        "analytics.left_out": LEFT_OUT,
    }


def test_anonymous_keeps_nobody_not_even_by_a_pseudonym() -> None:
    data = orjson.loads(orjson.dumps(TALK))

    assert kept(PrivacyPolicy.of("anonymous"), **data) == {
        "tenant_id": "acme",
        "model": "gpt-4.1",
        "attributes": {"plan": "pro", "n": 3},
        "analytics.left_out": LEFT_OUT,
    }


@pytest.mark.parametrize("preset", ["pseudonymous", "anonymous"])
def test_a_number_of_messages_is_a_figure_and_no_text(preset: str) -> None:
    assert kept(PrivacyPolicy.of(preset), messages=3, result=True) == {"messages": 3, "result": True}


@pytest.mark.parametrize("name", IDENTITY)
@pytest.mark.parametrize("preset", ["pseudonymous", "anonymous"])
def test_who_somebody_is_is_known_at_the_top_and_in_attributes(preset: str, name: str) -> None:
    left = orjson.dumps(PrivacyPolicy.of(preset).apply({name: ADA, "attributes": {name: ADA}}, lambda *_: "p"))

    assert ADA.encode() not in left


@pytest.mark.parametrize("name", ["userId", "USER_ID", "user-id", "User_Id"])
def test_names_count_alike_however_they_are_written(name: str) -> None:
    assert kept(PrivacyPolicy.of("pseudonymous"), **{name: ADA}) == {name: f"<user {ADA}>"}


@projection(version=1, consumes=("review.>",), where="data.verdict IS NOT NULL")
class Verdicts:
    """Reads fields of one's own, and a text."""

    verdict: str = key("data.verdict")
    mood: str = key("attributes.mood")
    prompts: int = count(where="data.prompt IS NOT NULL")


# ── rules ───────────────────────────────────────────────────────────────────────────────────────────────────────


def of(*each: tuple[str, str]) -> PrivacyPolicy:
    return PrivacyPolicy(rules=each)


def test_the_last_rule_that_fits_decides() -> None:
    data = {"team": "red", "attributes": {"team": "red"}}

    assert kept(of(("*.team", "drop"), ("attributes.team", "keep")), **data) == {"attributes": {"team": "red"}}
    assert kept(of(("attributes.team", "keep"), ("*.team", "drop")), team="red", attributes={"team": "red"}) == {
        "attributes": {}
    }


def test_own_rules_come_after_those_of_the_preset() -> None:
    policy = PrivacyPolicy.of({"rules": {"prompt": "keep", "tenant_id": "pseudonymise"}})

    assert kept(policy, prompt="Hello", tenant_id="acme", user_id="ada") == {
        "prompt": "Hello",
        "tenant_id": "<tenant acme>",
        "user_id": "<user ada>",
    }


def test_a_path_leads_into_what_is_nested_and_a_name_with_dots_is_the_same_path() -> None:
    policy = of(("user.email", "drop"))

    assert kept(policy, user={"email": ADA, "plan": "pro"}) == {"user": {"plan": "pro"}}
    assert kept(policy, **{"user.email": ADA}) == {}
    assert kept(policy, attributes={"user.email": ADA}) == {"attributes": {"user.email": ADA}}


def test_what_lies_in_a_field_shares_its_action_unless_a_rule_says_otherwise() -> None:
    policy = of(("who", "pseudonymise"), ("who.plan", "keep"))

    assert kept(policy, who={"mail": ADA, "all": [ADA, 7, None, True, ""], "plan": "pro"}) == {
        "who": {"mail": f"<user {ADA}>", "all": [f"<user {ADA}>", "<user 7>", None, True, ""], "plan": "pro"}
    }


def test_everything_below_a_field_and_everything_at_all_can_be_named() -> None:
    assert kept(of(("attributes.*", "drop")), a=1, attributes={"b": 1}) == {"a": 1, "attributes": {}}
    assert kept(of(("*", "drop"), ("model", "keep")), a=1, model="m") == {"model": "m"}


def test_the_items_of_a_list_have_the_path_of_the_list() -> None:
    policy = of(("turns.text", "drop"))

    assert kept(policy, turns=[{"text": "Hello", "n": 1}, {"n": 2}]) == {"turns": [{"n": 1}, {"n": 2}]}


def test_more_names_than_are_remembered_are_treated_alike() -> None:
    policy = of(("*.mail", "drop"))
    data = {f"x{n}": n for n in range(1500)}

    assert kept(policy, **data, attributes={"mail": ADA}) == {**data, "attributes": {}}
    assert kept(policy, **{"y": 1, "z.mail": ADA}) == {"y": 1}


def test_everything_in_a_field_of_a_name_can_be_named_anywhere() -> None:
    policy = of(("*.prompt.*", "drop"))

    assert kept(policy, prompt={"text": "Hi"}, own={"prompt": {"n": 1}}) == {"prompt": {}, "own": {"prompt": {}}}
    assert kept(policy, attributes={"prompt.0": "Hi", "prompt": "Hi", "prompts.0": "Hi"}) == {
        "attributes": {"prompt": "Hi", "prompts.0": "Hi"}
    }


@pytest.mark.parametrize(
    ("name", "action"),
    [
        *(
            ("email", "drop"),
            ("user_email", "drop"),
            ("UserEMail", "drop"),
            ("userEmail", "drop"),
            ("useremail", "drop"),
        ),
        *(("email.0", "drop"), ("email_status", "keep_plain"), ("status.email", "drop"), ("emails", "keep")),
        *(("owner.name", "pseudonymise"), ("owner", "keep"), ("name", "keep"), ("ownerName", "pseudonymise")),
        *(("prénom", "drop_text"), ("PRENOM", "drop_text"), ("status_of", "keep")),
    ],
)
def test_of_the_words_of_a_name_the_last_one_that_a_rule_knows_counts(name: str, action: str) -> None:
    rules = (
        ("~user,email", "drop"),
        ("~status", "keep_plain"),
        ("~owner name,id", "pseudonymise"),
        ("~prénom", "drop_text"),
    )

    assert PrivacyPolicy(rules=rules).action(name) == action
    assert PrivacyPolicy(rules=rules).action(f"attributes.{name}") == action


def test_what_no_rule_is_about_has_the_action_of_what_it_lies_in_else_that_of_the_rest() -> None:
    policy = of(("**", "keep_plain"), ("own", "keep"), ("~text", "drop_text"))

    assert kept(policy, own={"a": "Ada", "b": ["Ada"], "text": "Ada"}, other={"a": "Ada", "n": 1}, c="ok") == {
        "own": {"a": "Ada", "b": ["Ada"]},
        "other": {"n": 1},
        "c": "ok",
        "analytics.left_out": "other.a own.text",
    }


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("keep_plain", ["ok", 7, None, True]),
        ("keep_id", ["ok", 7, None, True, "zot_5j66UpCpwteGg4YSxUnt7lPY"]),
        ("keep_word", ["ok", 7, None, True, "zot_5j66UpCpwteGg4YSxUnt7lPY", "Ada"]),
    ],
)
def test_own_rules_may_keep_what_is_plain_an_id_or_a_word(action: str, left: list[Any]) -> None:
    values = ["ok", 7, None, True, "zot_5j66UpCpwteGg4YSxUnt7lPY", "Ada", "well done, Ada", "ada@example.com"]

    assert kept(of(("own", action)), own=values) == {"own": left}


@pytest.mark.store("sqlite", "postgres", tags=["mood", "user.email", "api_key", "summary"])
def test_a_tag_is_kept_as_it_is_unless_it_says_who_somebody_is_or_is_a_secret(analytics: AnalyticsService) -> None:
    said = {"mood": "rather good", "user.email": ADA, "api_key": "hunter2", "summary": "All is well", "zeta": "Ada"}
    analytics.record_event(**provider_call(attributes=said)).unwrap()

    (event,) = recorded(analytics, "provider.call.completed")
    assert {**event.data["attributes"], "user.email": "p"} == {
        "mood": "rather good",
        "user.email": "p",
        "summary": "All is well",
    }
    assert event.data["attributes"]["user.email"].startswith("p_")
    assert event.data["analytics.left_out"] == "attributes.api_key attributes.zeta"


def test_a_tag_that_is_declared_later_is_kept_from_then_on_and_the_answer_says_so(tmp_path: Path) -> None:
    def call(analytics: AnalyticsService) -> None:
        analytics.record_event(**provider_call(attributes={"mood": "rather good"})).unwrap()
        analytics.catch_up()

    with opened(tmp_path / "a.db") as before:
        call(before)
    with opened(tmp_path / "a.db", tags=["mood"]) as analytics:
        call(analytics)
        costs = analytics.get_cost_breakdown(MARCH, by=["attributes.mood"]).unwrap()

    assert {row.keys["attributes.mood"] for row in costs.rows} == {"", "rather good"}
    assert costs.completeness.not_stored == ("attributes.mood",)


def test_what_a_projection_of_ones_own_reads_is_kept_and_free_text_is_not() -> None:
    with opened(projections=[Verdicts]) as analytics:
        said = {"verdict": "Rather good", "prompt": "Who am I?", "attributes": {"mood": "Fine, thanks", "zeta": "Ada"}}
        analytics.record_event("review.completed", said).unwrap()

        (event,) = recorded(analytics)
        assert event.data == {
            "verdict": "Rather good",
            "attributes": {"mood": "Fine, thanks"},
            "analytics.left_out": "attributes.zeta prompt",
        }


def test_why_a_cost_was_corrected_is_for_people_to_read(analytics: AnalyticsService) -> None:
    position = analytics.record_event(**provider_call(cost="1", currency="USD")).unwrap().position
    analytics.correct_cost(position, cost="2", note="The invoice says so.").unwrap()

    assert [event.data["note"] for event in recorded(analytics, "provider.cost.corrected")] == ["The invoice says so."]


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"rules": {"~": "drop"}}, "'~' names no words: write ~email, or ~user,owner name,id"),
        ({"rules": {"~a,,b": "drop"}}, "'~a,,b' names no words"),
        ({"rules": {"*.*": "drop"}}, "'*.*' is not a path"),
        ("secret", "'secret' is not a preset: use full, pseudonymous, anonymous"),
        (
            {"rules": {"user_id": "hide"}},
            "user_id is to be 'hide': use keep, pseudonymise, drop, drop_text, keep_plain, keep_id, keep_word",
        ),
        ({"rules": {"a.*.b": "drop"}}, "'a.*.b' is not a path"),
        ({"rules": {"a..b": "drop"}}, "'a..b' is not a path"),
        ({"rules": {"": "drop"}}, "'' is not a path"),
        ({"rules": ["user_id"]}, "rules must map paths to actions"),
        ({"rules": {"user_id": 3}}, "rules must map paths to actions"),
        ({"presets": "full"}, "presets is not known: use preset, rules and names"),
    ],
)
def test_what_is_no_policy_is_refused_with_what_is_allowed(tmp_path: Path, wanted: Any, problem: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        AnalyticsService.open(tmp_path / "a.db", privacy=wanted)

    assert problem in str(caught.value)
    assert list(tmp_path.iterdir()) == []


# ── at the door ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_wanted_never_reaches_the_disk(analytics: AnalyticsService, tmp_path: Path) -> None:
    secret = "Grüße, \"Ada\" 日本"  # fmt: skip
    for n in range(50):
        event = provider_call(user_id=ADA, prompt=secret, attributes={"enduser.id": f"{ADA}-{n}", "prompt": secret})
        analytics.record_event(**event).unwrap()
    analytics.record_events([message_added(user_id=secret, text=ADA)] * 3).unwrap()
    analytics.catch_up()

    assert found_in(tmp_path, ADA) == found_in(tmp_path, secret) == []
    analytics.close()
    assert found_in(tmp_path, ADA) == found_in(tmp_path, secret) == []
    assert {"analytics.db", "analytics.views.db", "analytics.vault.db", "analytics.vault.key"} <= {
        path.name for path in tmp_path.iterdir()
    }


def test_the_search_for_bytes_would_find_them(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db", follow=False, privacy="full") as analytics:
        analytics.record_event(**provider_call(user_id=ADA)).unwrap()
        analytics.catch_up()

        assert found_in(tmp_path, ADA) == ["a.db-wal", "a.views.db-wal"]
    (tmp_path / "base64").write_bytes(base64.b64encode(b"{'to': '" + ADA.encode() + b"'}"))
    (tmp_path / "utf-16").write_text(f"to {ADA}", "utf-16")

    assert found_in(tmp_path, ADA) == ["a.db", "a.views.db", "base64", "utf-16"]


def test_the_same_subject_has_the_same_pseudonym_everywhere_and_another_has_another(
    analytics: AnalyticsService,
) -> None:
    analytics.record_event(**provider_call(user_id=ADA, attributes={"user.email": ADA})).unwrap()
    analytics.record_event(**provider_call(user_id="bob")).unwrap()

    first, second = (event.data for event in recorded(analytics))
    assert first["user_id"] == first["attributes"]["user.email"]
    assert first["user_id"] != second["user_id"]
    assert first["user_id"].startswith("p_")


def test_the_same_event_again_is_a_duplicate_that_tells_the_same(analytics: AnalyticsService) -> None:
    event = {**provider_call(user_id=ADA), "id": "1"}
    analytics.record_event(**event).unwrap()

    again = analytics.record_event(**event).unwrap()

    assert (again.duplicate, again.differs) == (True, False)


def test_of_a_forgotten_subject_the_same_event_again_differs_and_changes_nothing(analytics: AnalyticsService) -> None:
    event = {**provider_call(user_id=ADA), "id": "1"}
    analytics.record_event(**event).unwrap()
    before = recorded(analytics)[0]
    analytics.forget(ADA).unwrap()

    again = analytics.record_event(**event).unwrap()

    assert (again.duplicate, again.differs) == (True, True)
    assert recorded(analytics)[0] == before


def test_a_bad_event_is_refused_before_a_pseudonym_is_made(analytics: AnalyticsService, tmp_path: Path) -> None:
    failure = analytics.record_event("provider.call.completed", {"user_id": ADA, "input_tokens": -1}).failure

    assert failure is not None
    assert failure.code == "bad_field"
    assert not (tmp_path / "analytics.vault.db").exists()


NAMES = st.sampled_from(
    ["user_id", "email", "prompt", "a", "user", "messages", "attributes", "B_c", "x.y", "user.email"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.just("text"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PATHS = st.lists(NAMES, min_size=1, max_size=2).map(".".join)
# The presets of before version 0.3, as the logs of stores tell them: they go on as they were.
FORMER: dict[str, Rules] = {
    "full": (),
    "pseudonymous": (
        *((f"*.{name}", "pseudonymise") for name in IDENTITY),
        *((f"*.{name}", "drop_text") for name in FREE_TEXT),
    ),
    "anonymous": (
        *((f"*.{name}", "drop") for name in (*IDENTITY, *SESSIONS)),
        *((f"*.{name}", "drop_text") for name in FREE_TEXT),
    ),
}
PATTERNS = PATHS | PATHS.map("*.{}".format) | PATHS.map("{}.*".format) | st.just("*")
POLICIES = st.builds(
    lambda former, more: PrivacyPolicy(rules=(*former, *more.items())),
    st.sampled_from([*FORMER.values()]),
    st.dictionaries(PATTERNS, st.sampled_from(("keep", "pseudonymise", "drop", "drop_text")), max_size=4),
)


def numbered(value: Any, count: Iterator[int]) -> Any:
    """Replace every text by one that is nowhere else."""
    if isinstance(value, dict):
        return {name: numbered(item, count) for name, item in value.items()}
    if isinstance(value, list):
        return [numbered(item, count) for item in value]
    return f"#{next(count)}#" if isinstance(value, str) else value


def texts(value: Any) -> Iterator[str]:
    """Yield every text."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def fits(rule: str, path: str) -> bool:
    """Say, in the plain and slow way, whether a rule fits a path."""
    pattern, parts = (text.lower().replace("_", "").split(".") for text in (rule, path))
    if pattern[-1] == "*":
        return len(parts) >= len(pattern) and parts[: len(pattern) - 1] == pattern[:-1]
    if pattern[0] == "*":
        return len(parts) >= len(pattern) - 1 and parts[-(len(pattern) - 1) :] == pattern[1:]
    return parts == pattern


def kept_texts(policy: PrivacyPolicy, value: Any, path: str = "", inherited: str = "keep") -> Iterator[str]:
    """Yield, in the plain and slow way, the texts that a policy keeps."""
    action = [inherited, *(each for rule, each in policy.rules if path and fits(rule, path))][-1]
    if action == "drop" or (action == "drop_text" and not isinstance(value, int | float)):
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from kept_texts(policy, item, f"{path}.{name}" if path else name, action)
    elif isinstance(value, list):
        for item in value:
            yield from kept_texts(policy, item, path, action)
    elif isinstance(value, str) and action == "keep":
        yield value


@given(policy=POLICIES, data=st.dictionaries(NAMES, VALUES, max_size=5))
def test_under_any_policy_the_bytes_hold_what_it_keeps_and_nothing_else(
    policy: PrivacyPolicy, data: dict[str, Any]
) -> None:
    door = Door(lambda: NOON, policy, lambda kind, text: "p_")
    told = numbered(data, itertools.count())
    try:
        state = door.write("custom.thing.happened", told).state
    except RefusedEvent:
        return  # a user_id is a text, attributes are flat: nothing is stored

    assert {text for text in texts(told) if text.encode() in state} == {*kept_texts(policy, told)}


# ── the policy is an event ──────────────────────────────────────────────────────────────────────────────────────


def record_calls(path: Path, privacy: Any, count: int = 1) -> None:
    with AnalyticsService.open(path, follow=False, privacy=privacy) as analytics:
        for _ in range(count):
            analytics.record_event(**provider_call()).unwrap()


def test_the_policy_in_force_is_the_first_event(analytics: AnalyticsService) -> None:
    receipt = analytics.record_event(**provider_call()).unwrap()

    assert receipt.position == 2
    assert policies(analytics) == [(1, "pseudonymous")]


def test_full_on_a_new_log_is_nothing_new(tmp_path: Path) -> None:
    record_calls(tmp_path / "a.db", "full", 2)

    with AnalyticsService.open(tmp_path / "a.db", follow=False, privacy="full") as analytics:
        assert analytics.store.log.head() == 2


def test_a_policy_is_told_when_it_changes_and_only_then(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for policy in ("full", "anonymous", "anonymous", {"preset": "anonymous", "rules": {"a": "drop"}}, "full", "full"):
        record_calls(path, policy, 2)

    with AnalyticsService.open(path, follow=False, privacy="anonymous") as analytics:
        assert policies(analytics) == [(3, "anonymous"), (8, "anonymous"), (11, "full")]


def test_threads_that_record_first_at_once_tell_it_once(analytics: AnalyticsService) -> None:
    ready = threading.Barrier(4)

    def record() -> None:
        ready.wait()
        analytics.record_event("job.completed", {}).unwrap()

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert policies(analytics) == [(1, "pseudonymous")]


def test_a_policy_is_told_with_its_rules_and_fingerprint(tmp_path: Path) -> None:
    policy = PrivacyPolicy.of({"preset": "full", "rules": {"prompt": "drop"}})
    record_calls(tmp_path / "a.db", policy)

    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        rows = analytics.store.log.scan(after=0, limit=1).to_pylist()
        told = decode(1, rows[0]["type"], rows[0]["state"]).data

    assert told == {
        "preset": "full",
        "rules": [{"path": "prompt", "action": "drop"}],
        "fingerprint": policy.fingerprint,
    }


def test_what_the_service_says_itself_tells_no_policy(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.export_data("json", MARCH, to=tmp_path / "e.jsonl").unwrap()

    assert policies(analytics) == []


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_questions_by_name_are_answered_by_pseudonym(analytics: AnalyticsService) -> None:
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()
    analytics.record_event(**provider_call(user_id="bob")).unwrap()
    analytics.catch_up()
    pseudonym = recorded(analytics)[0].data["user_id"]

    usage = analytics.get_usage_stats("user", ADA, MARCH).unwrap()
    summary = analytics.get_summary("usage.events", MARCH, where={"user": ADA}).unwrap()
    keys = analytics.get_summary("usage.events", MARCH, where={"entity_type": "user", "entity_id": ADA}).unwrap()
    explained = analytics.explain("cost.calls", MARCH, where={"user": ADA}).unwrap()
    with analytics.as_of(3) as then:
        before = then.get_usage_stats("user", ADA, MARCH).unwrap()

    assert (usage.entity_id, usage.totals.events) == (pseudonym, 1)
    assert (summary.figures.total, keys.figures.total, before.totals.events) == (1, 1, 1)
    assert (explained.keys, explained.count) == ({"user": pseudonym}, 1)


def test_a_pseudonym_and_an_unknown_name_are_asked_for_as_they_are(analytics: AnalyticsService) -> None:
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()
    analytics.catch_up()
    pseudonym = recorded(analytics)[0].data["user_id"]

    assert analytics.get_usage_stats("user", pseudonym, MARCH).unwrap().totals.events == 1
    assert analytics.get_usage_stats("user", "nobody", MARCH).unwrap().totals.events == 0
    assert analytics.get_usage_stats("tenant", "acme", MARCH).unwrap().totals.events == 1


def test_asking_makes_no_vault(analytics: AnalyticsService, tmp_path: Path) -> None:
    assert analytics.get_usage_stats("user", ADA, MARCH).unwrap().totals.events == 0
    assert not (tmp_path / "analytics.vault.db").exists()
    assert not (tmp_path / "analytics.vault.key").exists()
