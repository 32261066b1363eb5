"""What becomes of attributes as emitters, frameworks and applications send them, wherever in an event they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from analytics_es.ingest.privacy import PrivacyPolicy
from tests.privacy_corpus import CORPUS, DROP, KEEP, PROSE, PSEUDONYMISE, Entry, pairs
from tests.privacy_unseen import KEPT, LEFT_OUT

PRESETS = ["pseudonymous", "anonymous"]
PSEUDONYM = "p_0123456789abcdef"
# Where an attribute may be: how it gets there, and how it is found again.
PLACES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "in attributes": (lambda fields: {"attributes": fields}, lambda data: data["attributes"]),
    "at the top": (lambda fields: fields, lambda data: data),
    "nested": (lambda fields: {"zeta": {"eta": fields}}, lambda data: data["zeta"]["eta"]),
    "in a list": (lambda fields: {"zeta": [[fields]]}, lambda data: data["zeta"][0][0]),
}


def outcome(policy: PrivacyPolicy, place: str, name: str, value: Any) -> str:
    """Say what becomes of one attribute."""
    put, find = PLACES[place]
    left = find(policy.apply(put({name: value}), lambda *_: PSEUDONYM))
    if name not in left:
        return DROP
    same = left[name] == value and type(left[name]) is type(value)
    return KEEP if same else PSEUDONYMISE if left[name] == PSEUDONYM else repr(left[name])


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 1_000
    assert len({entry.name for entry in CORPUS}) >= 750


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_attribute_of_the_corpus_ends_right(preset: str, place: str) -> None:
    policy = PrivacyPolicy.of(preset)

    assert not wrong(policy, place, [(entry, getattr(entry, preset)) for entry in CORPUS])


@pytest.mark.parametrize("place", PLACES)
def test_full_keeps_all_of_it(place: str) -> None:
    assert not wrong(PrivacyPolicy.of("full"), place, [(entry, KEEP) for entry in CORPUS])


def wrong(policy: PrivacyPolicy, place: str, right: Iterable[tuple[Entry, str]]) -> list[tuple[Entry, str]]:
    outcomes = ((entry, wanted, outcome(policy, place, entry.name, entry.value)) for entry, wanted in right)
    return [(entry, actual) for entry, wanted, actual in outcomes if actual != wanted]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("preset", PRESETS)
def test_what_was_written_after_the_rules_ends_right_too(preset: str, place: str) -> None:
    policy = PrivacyPolicy.of(preset)
    stored = [pair for pair in pairs(LEFT_OUT) if outcome(policy, place, *pair) == KEEP]
    lost = [pair for pair in pairs(KEPT) if outcome(policy, place, *pair) != KEEP]

    assert stored == []
    of_sessions = [("gen_ai.conversation.id", "conv_5j66UpCpwteGg4YSxUnt7lPY")] if preset == "anonymous" else []
    assert lost == [*of_sessions, ("password_resets", 2), ("cache.result", "hit")]


# Which the issue of version 0.3 found to be stored as they were.
STORED_BEFORE = (
    *("input.value", "output.value", "llm.input_messages", "messages.0", "prompt.0", "db.statement", "request_data"),
    *("gcp.vertex.agent.llm_request", "ai.response.object", "metadata.user_api_key_user_email", "transcript"),
    *("ai.request.headers.authorization", "reasoning", "emails", "login", "surname"),
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", STORED_BEFORE)
def test_no_text_is_stored_under_a_name_of_texts_or_of_people(preset: str, place: str, name: str) -> None:
    policy = PrivacyPolicy.of(preset)
    for value in (*PROSE, "Ada", "ok", "ada@example.com"):
        assert outcome(policy, place, name, value) != KEEP
        assert outcome(policy, place, name, [value, value]) != KEEP


@pytest.mark.parametrize("name", ["reasoning_tokens", "prompt_tokens", "messages", "llm.input_messages", "input.value"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_number_under_such_a_name_is_a_figure(preset: str, name: str) -> None:
    for number in (7, 0, 2.5, True):
        assert outcome(PrivacyPolicy.of(preset), "in attributes", name, number) == KEEP
