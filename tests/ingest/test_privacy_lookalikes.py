"""What hides in a shape that is kept, below a name that is kept, in a name, or in a field that nobody has checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.events.fields import FAMILIES, LEFT_OUT
from analytics_es.ingest import plain_values
from analytics_es.ingest.door import Door
from analytics_es.ingest.plain_values import is_id, is_plain
from analytics_es.ingest.plain_words import ID_PREFIXES
from analytics_es.ingest.privacy import MOST_WORDS, PRESETS, PrivacyPolicy
from analytics_es.ingest.shapes import OFTEN
from analytics_es.testing import NOON
from tests.examples import examples
from tests.stores import data_of, record

OF_PRIVACY = ["pseudonymous", "anonymous"]

LOOKALIKES = (
    *("text/ada", "image/ada-lovelace", "message/please-call-ada", "model/ada.lovelace", "text/plain; charset=ada"),
    *("Europe/Kleinmachnow", "America/Please_Call_Ada", "de_Anna_XY", "ab-Anna-XX"),
    *("ada-5b7c1a5e-2f7d-4b7d-9f53-b1cdb5f1c111", "adalovelace_01h455vb4pex5vsknk084sn02q"),
    *("c-a-l-l-a-d-a", "h.e.l.l.o", "bad-user-no-refund-customer-legal-complaint-open-stop-account"),
    *("user-01701234567", "call-01701234567", "order_01701234567", "1-800-555-0199", "9.5.1985", "9/5/1985"),
    *("001B.4411.3AB7", "416461204c6f76656c616365", "4164612063616c6c7320617420313220"),
    *("ADA1985", "ANNA1990", "MAX1", "Max", "Ruby", "Brown", "Ray Dean", "Max Reed", "Ruby Brown", "April May"),
    *("call me", "help me", "call us"),
)
STILL_PLAIN = (
    *("text/plain; charset=utf-8", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    *("application/x-ndjson", "text/event-stream", "audio/mpeg", "image/svg+xml", "multipart/form-data"),
    *("Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Etc/UTC", "zh-Hant-TW", "sr_Latn_RS"),
    *(
        "run-5b7c1a5e-2f7d-4b7d-9f53-b1cdb5f1c111",
        "e-5b7c1a5e-2f7d-4b7d-9f53-b1cdb5f1c111",
        "user_01h455vb4pex5vsknk084sn02q",
    ),
    *("01ARZ3NDEKTSV4RRFFQ69G5FAV", "JIRA-1042", "INV-2026", "INV-2025-0042", "P1", "EU27", "order_00000001234"),
    *("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "brown", "ruby", "BLUE", "Central US", "in progress"),
    *(
        "max_tokens",
        "stop_sequence",
        "context_length_exceeded",
        "user not found",
        "waiting_for_input",
        "gen_ai.chat",
        "192.0",
        "10.15.7",
        "v2.0.0-rc.1",
    ),
)


@pytest.mark.parametrize("value", LOOKALIKES)
def test_what_only_has_the_form_of_something_plain_is_left_out(value: str) -> None:
    assert not is_plain(value)


@pytest.mark.parametrize("value", STILL_PLAIN)
def test_what_is_plain_stays(value: str) -> None:
    assert is_plain(value)


@pytest.mark.parametrize("value", ["AdaLovelace1985", "PleaseCallAda12", "adaLovelace42"])
def test_words_with_a_number_are_no_id(value: str) -> None:
    assert not is_id(value)


NAMES = (
    *("doğum_tarihi", "tc_kimlik_no", "pesel", "data_urodzenia", "инн", "дата_рождения", "تاريخ_الميلاد", "जन्म_तिथि"),
    *(
        "आधार",
        "出生日期",
        "생년월일",
        "주민등록번호",
        "マイナンバー",
        "numéro_sécu",
        "codice_fiscale",
        "pass\u200bword",
    ),
    *("user\u200b_id", "ｅｍａｉｌ", "e\u0301mail"),
)


@pytest.mark.parametrize("preset", OF_PRIVACY)
@pytest.mark.parametrize("name", NAMES)
def test_days_of_birth_and_numbers_of_people_are_not_stored_in_any_language(preset: str, name: str) -> None:
    for value in ("1985-05-09", 85050912345):
        assert left(preset, {name: value}).get(name) != value


def left(policy: Any, data: dict[str, Any]) -> dict[str, Any]:
    return PrivacyPolicy.of(policy).apply(data, lambda *_: "p_0123456789abcdef")


@pytest.mark.parametrize("preset", OF_PRIVACY)
@pytest.mark.parametrize("name", ["team", "tools", "service", "run_id", "request.id"])
def test_what_lies_in_a_field_of_one_word_has_names_of_its_own(preset: str, name: str) -> None:
    inner = {"lead": "Ada", "greets": ["Ada"], "deep": {"lead": "adaLovelace1x2"}, "team": "core", "n": 1}

    stored = left(preset, {name: inner})[name]
    assert stored == {"greets": [], "deep": {}, "team": "core", "n": 1}
    assert left(preset, {name: [{"lead": "Ada"}]})[name] == [{}]


@pytest.mark.parametrize("preset", OF_PRIVACY)
def test_a_list_of_many_words_may_be_prose(preset: str) -> None:
    words = ["please", "call", "ada", "at", "noon", "and", "tell", "her", "that", "mother", "is", "ill"]

    assert left(preset, {"tools": words[:MOST_WORDS]}) == {"tools": words[:MOST_WORDS]}
    stored = left(preset, {"tools": [*words, "run_42"]})
    assert not {"ada", "mother", "ill", "please", "tell"} & set(stored["tools"])
    assert "run_42" in stored["tools"]
    assert stored[LEFT_OUT] == "tools"


@pytest.mark.parametrize("preset", OF_PRIVACY)
@pytest.mark.parametrize(
    "name",
    [
        "ada@example.com",
        "score of ada@example.com",
        "192.168.1.7",
        "+491701234567",
        "0170 1234567",
        "please call ada at noon",
    ],
)
def test_a_name_that_is_somebodys_address_or_a_sentence_is_not_stored(preset: str, name: str) -> None:
    data = {name: 5, "zeta": {name: 5, "n": 1}, "attributes": {name: 5, "n": 1}}

    assert left(preset, data) == {"zeta": {"n": 1}, "attributes": {"n": 1}, LEFT_OUT: "+3"}


def test_names_that_are_odd_are_names() -> None:
    names = ("@timestamp", "@type", "2026-03-02", "20260302", "p99.9", "1.2.3", "Cost per unit", "1000-2000")
    data = dict.fromkeys(names, 5)

    assert left("pseudonymous", dict(data)) == data


def test_a_rule_of_your_own_keeps_such_a_name() -> None:
    policy = {"preset": "pseudonymous", "rules": {"attributes.to@example.com": "keep"}}

    assert left(policy, {"attributes": {"to@example.com": 5}}) == {"attributes": {"to@example.com": 5}}


# ── fields that are documented, where nobody checks them ────────────────────────────────────────────────────────

PROSE = "divorce lawyer near Ada Lovelace"
UNCHECKED = ("searches", "requests", "cost", "amount", "priority", "threshold", "starts_at", "batch", "service_tier")


@pytest.mark.parametrize("preset", OF_PRIVACY)
@pytest.mark.parametrize("name", UNCHECKED)
@pytest.mark.parametrize("times", [1, OFTEN + 5], ids=["the long way", "by a quick look"])
def test_a_text_in_a_field_of_figures_is_left_out_where_nobody_checks_it(preset: str, name: str, times: int) -> None:
    door = Door(clock=lambda: NOON, policy=PrivacyPolicy.of(preset), pseudonym_of=lambda *_: "p")
    for said in (PROSE, [PROSE], {"x": PROSE}):
        for _ in range(times):
            assert b"Ada" not in door.admit("game.played", {name: said, "n": 1}).state
    assert f'"{name}":5'.encode() in door.admit("game.played", {name: 5}).state


@pytest.mark.parametrize("preset", OF_PRIVACY)
def test_what_lies_in_a_documented_field_is_looked_at_where_nobody_checks_it(preset: str) -> None:
    door = Door(clock=lambda: NOON, policy=PrivacyPolicy.of(preset), pseudonym_of=lambda *_: "p")
    for name in ("tool", "operation", "model", "provider", "corrects"):
        assert b"Ada" not in door.admit("game.played", {name: {"x": [PROSE], "y": {"z": PROSE}}}).state
    assert b'"tool":"Web search"' in door.admit("game.played", {"tool": "Web search"}).state


@pytest.mark.parametrize("family", FAMILIES)
def test_fields_of_other_families_are_not_kept_as_documented(family: str) -> None:
    door = Door(clock=lambda: NOON, policy=PrivacyPolicy.of("pseudonymous"), pseudonym_of=lambda *_: "p")
    unchecked = {"priority", "threshold", "requests"} - ({"priority", "threshold"} if family == "budget" else set())
    for name in unchecked - ({"requests"} if family == "provider" else set()):
        assert b"Ada" not in door.admit(f"{family}.thing.done", {name: PROSE}).state


def test_a_rule_of_your_own_and_a_field_that_is_read_keep_it() -> None:
    own = {"preset": "pseudonymous", "rules": {"priority": "keep"}}
    door = Door(clock=lambda: NOON, policy=PrivacyPolicy.of(own))
    read = Door(clock=lambda: NOON, policy=PrivacyPolicy.of("pseudonymous"), declared=((), ("priority",)))

    for stored in (door, read):
        assert b"near Ada" in stored.admit("game.played", {"priority": PROSE}).state


@pytest.mark.store("sqlite", "postgres")
def test_a_sentence_is_not_taken_for_names_of_what_was_left_out(analytics: AnalyticsService) -> None:
    record(analytics, {"event_type": "game.played", "data": {"n": 1, LEFT_OUT: "please call ada at noon"}})

    assert data_of(analytics, "game.played") == [{"n": 1}]


def test_rules_of_before_are_not_changed_by_this() -> None:
    former = PrivacyPolicy(preset="pseudonymous", rules=(("*.prompt", "drop_text"),))

    assert former.checking(()) is former
    assert left(former, {"ada@example.com": 5, "cost": PROSE}) == {"ada@example.com": 5, "cost": PROSE}
    assert PrivacyPolicy.of("full").checking(()).rules == PRESETS["full"]


def _of_calls() -> st.SearchStrategy[str]:
    digits = st.sampled_from(
        ["0123456789abcdef", "0123456789abcdefABCDEF", "0123456789ghGH", "4567abcdef", "0123456Gab"]
    )
    rest = digits.flatmap(lambda letters: st.text(letters, min_size=10, max_size=33))
    return st.builds("{}{}{}".format, st.sampled_from(sorted(ID_PREFIXES)), st.sampled_from("-_"), rest)


@examples(500)
@given(_of_calls())
def test_what_one_look_takes_for_an_id_is_one_by_all_rules(text: str) -> None:
    if plain_values._ID.fullmatch(text):
        assert not plain_values._is_private(text)
        assert plain_values._has_shape(text) or plain_values._is_of_words(text)


@pytest.mark.parametrize(
    "value", ["chatcmpl-8f2a41c09be7d6a5", "call_a1b2c3d4e5f60718", "msg_01XFDUDYJgAAzy2ugW3UE4tQ"]
)
def test_ids_that_are_new_with_every_call_need_one_look(value: str) -> None:
    assert plain_values._ID.fullmatch(value)


@pytest.mark.parametrize("value", ["fc-97a3ab21101b3283517837b0b53a6a1", "row_fe66348bfDec05Dec407"])
def test_what_may_be_a_key_is_looked_at_more_closely(value: str) -> None:
    assert plain_values._ID.fullmatch(value) is None
