"""What comes in and gives no event is kept so that it can be recorded later, and as the policy of privacy leaves it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.errors import NoVaultKey
from analytics_es.events.event import CORRECTED, REJECTED
from analytics_es.events.fields import LEFT_OUT
from analytics_es.ingest import InProcessBus, Message
from analytics_es.ingest.rejections import MAX_BYTES
from analytics_es.testing import NOON
from tests.former_presets import former
from tests.stores import data_of, found_in, opened

ADA, SECRET = "ada@example.com", "Who am I, and where is my keyboard?"
CALL = {
    "provider": "openai",
    "model": "gpt-4.1",
    "cost": 12.50,
    "currency": "USD",
    "input_tokens": 1200,
    "output_tokens": -3,
    "user_id": ADA,
    "prompt": SECRET,
    "attributes": {"user.email": ADA, "prompt": SECRET, "n": 3},
}
both = pytest.mark.store("sqlite", "postgres")


def delivered(analytics: AnalyticsService, payload: Any, topic: str = "provider.call.completed") -> dict[str, Any]:
    """Return what is kept of a message that a bus delivers."""
    with analytics.subscribe_to(bus := InProcessBus()):
        bus.publish(topic, payload, id="m-1", source="platform", time=NOON)
    return data_of(analytics, REJECTED)[-1]


@both
def test_under_the_default_a_call_is_kept_with_its_figures_and_the_reason_with_its_field(
    analytics: AnalyticsService,
) -> None:
    kept = delivered(analytics, CALL)

    assert kept["reason"] == {
        "code": "bad_field",
        "field": "output_tokens",
        "problem": "output_tokens: must be between 0 and 10^12….",
    }
    assert "sha256" not in kept and kept["size"] > 0  # who knows the rest could try names against it
    event, pseudonym = kept["event"], kept["event"]["data"]["user_id"]
    assert {name: event[name] for name in ("type", "id", "source", "occurred_at")} == {
        "type": "provider.call.completed",
        "id": "m-1",
        "source": "platform",
        "occurred_at": NOON.isoformat(),
    }
    assert event["data"] == {
        **{name: CALL[name] for name in ("provider", "model", "cost", "currency", "input_tokens", "output_tokens")},
        "user_id": pseudonym,
        "attributes": {"user.email": pseudonym, "n": 3},
        LEFT_OUT: "attributes.prompt prompt",
    }
    assert analytics.store.vault.find("user", ADA) == pseudonym
    assert not {"raw", "headers"} & kept.keys()


@pytest.mark.parametrize("form", ["mapping", "json", "cloudevent", "batch", "bytes"])
@pytest.mark.store("sqlite")
def test_nothing_of_a_name_or_a_text_is_in_any_byte(analytics: AnalyticsService, tmp_path: Path, form: str) -> None:
    event = {"specversion": "1.0", "type": "provider.call.completed", "id": "1", "source": "s", "data": CALL}
    payload = {
        "mapping": CALL,
        "json": json.dumps(CALL),
        "cloudevent": json.dumps({**event, "time": "yesterday"}),
        "batch": json.dumps([CALL]),
        "bytes": json.dumps(CALL).encode("utf-16"),
    }[form]

    kept = delivered(analytics, payload)
    analytics.catch_up()

    assert found_in(tmp_path, ADA) == found_in(tmp_path, SECRET) == []
    if form != "bytes":
        assert Decimal(str(kept["event"]["data"]["cost"])) == Decimal("12.5")


@pytest.mark.parametrize(
    ("cost", "kept"),
    [
        ("12.50 USD", "12.50 USD"),
        ("1,250.00", "1,250.00"),
        ("-3e40", "-3e40"),
        ({"amount": 12.5, "currency": "EUR", "of": "Ada Lovelace"}, {"amount": 12.5, "currency": "EUR"}),
        (["12.50", "Ada"], ["12.50"]),
        ("Ada paid 12.50", None),
        (True, True),
        (float("nan"), None),
    ],
)
def test_of_a_documented_field_that_is_wrong_figures_are_kept_and_no_text(cost: Any, kept: Any) -> None:
    with opened() as analytics:
        data = delivered(analytics, {"cost": cost, "currency": "USD"})["event"]["data"]

    assert data.get("cost") == kept
    assert data["currency"] == "USD"


@pytest.mark.parametrize("event_type", ["provider.call.completed", "review.completed", "No type"])
def test_that_is_so_whatever_type_it_is_said_to_be_of(event_type: str) -> None:
    with opened() as analytics:
        said = {"cost": "Ada paid 12.50", "cost_change": "of Ada", "amount": "12.50", "duration_ms": "as Ada"}
        data = delivered(analytics, {"specversion": "1.0", "type": event_type, "data": said})["event"]["data"]

    assert (data["amount"], data.get("cost"), data.get("cost_change")) == ("12.50", None, None)


@pytest.mark.parametrize(
    "text",
    [
        '{"cost": 12.50, "currency": "USD", "user_id": "ada@example.com"',
        '{"cost": 12.50, "currency": "USD", "prompt": "Ada\udc80" ',
        "cost=12.50 currency=USD user=ada@example.com",
    ],
)
def test_of_what_is_no_json_the_figures_of_documented_fields_are_kept(text: str) -> None:
    with opened() as analytics:
        kept = delivered(analytics, text.encode("utf-8", "replace"))

    assert kept["event"]["data"] == {"cost": "12.50", "currency": "USD"}
    assert kept["reason"]["code"] == "unreadable_message"


def test_text_that_is_not_utf_8_spoils_no_figures() -> None:
    with opened() as analytics:
        kept = delivered(analytics, b'{"cost": 12.50, "currency": "USD", "prompt": "Gr\xfc\xdfe"}')

    assert kept["event"]["data"] == {"cost": 12.5, "currency": "USD", LEFT_OUT: "prompt"}


def test_in_a_delivery_of_no_known_shape_the_data_are_found() -> None:
    with opened() as analytics:
        intake = analytics.subscribe_to(InProcessBus())._intake
        intake.record({"payload": {"cost": 12.5, "user_id": ADA, "prompt": SECRET}})
        (kept,) = data_of(analytics, REJECTED)

    assert kept["event"]["data"]["cost"] == 12.5
    assert SECRET not in str(kept) and ADA not in str(kept)


@pytest.mark.parametrize("payload", [b"", b"no json", b"7", b'"text"', None, object(), b"[[[[" * 5000])
def test_what_holds_no_data_is_kept_with_the_reason_alone(payload: Any) -> None:
    with opened() as analytics:
        analytics.subscribe_to(InProcessBus())._intake.record_batch([Message(topic="no type", payload=payload)])
        (kept,) = data_of(analytics, REJECTED)

    assert kept["reason"]["code"] in ("unreadable_message", "bad_type")


@pytest.mark.parametrize("policy", ["full", {"rules": {"*.raw": "keep"}}])
def test_where_the_raw_bytes_are_kept_they_are_enough(policy: Any) -> None:
    with opened(privacy=policy) as analytics:
        kept = delivered(analytics, json.dumps(CALL).encode())

    assert "event" not in kept
    assert json.loads(base64.b64decode(kept["raw"])) == CALL


def test_own_rules_decide_by_the_paths_of_the_event(tmp_path: Path) -> None:
    rules = {"tenant_id": "pseudonymise", "attributes.salary": "drop", "input_tokens": "drop", "*.message": "keep"}
    event = {**CALL, "tenant_id": "acme", "attributes": {"salary": 7, "n": 1}}
    with opened(privacy={"rules": rules}) as analytics:
        kept = delivered(analytics, event)
        assert kept["event"]["data"]["tenant_id"] == analytics.store.vault.find("tenant", "acme")
        assert kept["event"]["data"]["attributes"] == {"n": 1}
        assert "input_tokens" not in kept["event"]["data"]
        assert kept["reason"]["message"] == "output_tokens: must be between 0 and 10^12, not -3."


@pytest.mark.parametrize("preset", ["pseudonymous", "anonymous"])
def test_it_is_so_under_the_presets_of_before(preset: str) -> None:
    with opened(privacy=former(preset)) as analytics:
        kept = delivered(analytics, CALL)

    assert (kept["event"]["data"]["cost"], kept["event"]["data"]["currency"]) == (12.5, "USD")
    assert ("user_id" in kept["event"]["data"]) == (preset == "pseudonymous")
    assert ADA not in str(kept) and SECRET not in str(kept)


def test_without_a_key_of_the_vault_a_message_that_names_somebody_is_kept_without_the_name(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url) as analytics:

        def keyless(kind: str, text: str) -> str:
            raise NoVaultKey(place="here", problem="none was given")

        monkeypatch.setattr(analytics.store.vault, "pseudonym", keyless)
        analytics.store.recorder.door = type(analytics.store.recorder.door)(
            lambda: NOON, analytics.store.policy, keyless
        )
        kept = delivered(analytics, CALL)

    assert (kept["event"]["data"]["cost"], kept["event"]["data"]["user_id"]) == (12.5, None)


def test_what_is_large_is_kept_without_what_is_long() -> None:
    many = {f"n{number}": number for number in range(20_000)}
    with opened() as analytics:
        kept = delivered(analytics, {**CALL, **many, "prompt": SECRET * 10_000})

    assert kept["event"]["truncated"]
    assert kept["event"]["data"]["cost"] == 12.5
    assert len(orjson.dumps(kept["event"])) < 2 * MAX_BYTES


def test_what_contradicts_an_event_is_kept_with_what_it_says() -> None:
    with opened() as analytics:
        delivered_first = {**CALL, "output_tokens": 3}
        with analytics.subscribe_to(bus := InProcessBus()):
            bus.publish("provider.call.completed", delivered_first, id="m-1", source="platform", time=NOON)
        kept = delivered(analytics, {**delivered_first, "cost": 13})

    assert (kept["reason"]["code"], kept["event"]["data"]["cost"]) == ("other_content", 13)


def test_a_correction_that_turns_out_wrong_is_kept_as_it_came_and_makes_no_pseudonym_of_a_pseudonym() -> None:
    call = {"provider": "openai", "cost": "12.50", "currency": "USD"}
    with opened() as analytics:
        analytics.record_event(
            CORRECTED,
            {
                "corrects": {"source": "platform", "id": "c"},
                "cost_change": "-0.50",
                "currency": "EUR",
                "user_id": ADA,
            },
            id="c:correction:1",
            source="platform",
            occurred_at=NOON,
        ).unwrap()
        analytics.record_event("provider.call.completed", call, id="c", source="platform", occurred_at=NOON).unwrap()
        analytics.catch_up()
        (kept,) = data_of(analytics, REJECTED)

        assert kept["event"]["data"]["cost_change"] == "-0.50"
        assert kept["event"]["data"]["user_id"] == analytics.store.vault.find("user", ADA)


def test_the_same_message_is_kept_once_however_often_it_is_delivered() -> None:
    with opened() as analytics:
        for _ in range(3):
            delivered(analytics, CALL)
        assert len(data_of(analytics, REJECTED)) == 1


@pytest.mark.store("sqlite", privacy="full")
def test_forget_masks_what_is_kept_beside_raw_bytes_that_were_cut(analytics: AnalyticsService, tmp_path: Path) -> None:
    kept = delivered(analytics, json.dumps({"cost": 12.5, "output_tokens": -1, "pad": "x" * 100_000, "user_id": ADA}))
    assert kept["event"]["data"]["user_id"] == ADA

    analytics.forget(ADA).unwrap()

    (kept,) = data_of(analytics, REJECTED)
    assert kept["event"]["data"]["user_id"].startswith("p_")
    assert found_in(tmp_path, ADA) == []


ANY_TEXT = st.text(st.characters(codec=None), max_size=40)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | ANY_TEXT | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT | st.integers(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["cost", "user_id", "prompt", "attributes", "input_tokens", "x", "data", "starts_at"])


@given(data=st.dictionaries(NAMES, ANY, max_size=5) | ANY, topic=st.sampled_from(["provider.call.completed", "x", ""]))
def test_whatever_is_delivered_is_kept_or_recorded(data: Any, topic: str) -> None:
    with opened() as analytics:
        intake = analytics.subscribe_to(InProcessBus())._intake
        intake.record_batch([Message(topic=topic, payload=data)])
        assert intake.stats.received == 1


class Strange(Mapping[str, Any]):
    """A payload of the publisher's own class, which fails when it is looked at."""

    def __getitem__(self, name: str) -> Any:
        raise ZeroDivisionError

    def __iter__(self) -> Any:
        raise ZeroDivisionError

    def __len__(self) -> int:
        return 1


def test_what_fails_when_it_is_looked_at_is_kept_with_the_reason() -> None:
    with opened() as analytics:
        assert delivered(analytics, Strange())["reason"]["code"] in ("unreadable_message", "fails_when_read")
