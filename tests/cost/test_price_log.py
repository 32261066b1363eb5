"""Published prices: checked before anything is written, events of the log, found again by everybody."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.cost.price_log import DEFAULT_CHANGED, PUBLISHED
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.files import read_prices
from analytics_es.cost.prices.genai import Edition
from analytics_es.cost.prices.quantities import KINDS, both, wholes
from analytics_es.cost.prices.reading import read_entry
from analytics_es.errors import GUIDE, BadPrice, CannotRead, MissingExtra, UnknownModel
from analytics_es.testing import DAY, NOON, price, provider_call, record
from tests.stores import data_of, nth, opened

pytestmark = pytest.mark.store("sqlite", "memory", "postgres", clock=lambda: NOON)

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


once = pytest.mark.store("memory")  # where databases make no difference


def input_price(service: AnalyticsService, at: datetime = NOON, model: str = "acme-large") -> Any:
    return service.price("acme", model, at).unwrap().prices["input_tokens"].base


# ── publishing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_published_is_in_force(analytics: AnalyticsService) -> None:
    analytics.record_event(**provider_call()).unwrap()

    receipt = analytics.publish_prices([price(model="other"), price()], note="contract").unwrap()

    assert (receipt.position, receipt.duplicate) == (nth(3), False)
    assert analytics.price("acme", "acme-large", NOON).unwrap().origin.position == nth(3)
    assert [each["note"] for each in data_of(analytics, PUBLISHED)] == ["contract", "contract"]


def test_a_correction_comes_after_and_what_it_corrects_stays(analytics: AnalyticsService) -> None:
    analytics.publish_prices([price()]).unwrap()
    before = analytics.price_book().unwrap()
    analytics.publish_prices([price(per_mtok={"input_tokens": 9})]).unwrap()
    after = analytics.price_book().unwrap()

    assert input_price(analytics) == Decimal("0.000009")
    assert after.upto(1).published == before.published
    assert [each["entry"]["per_mtok"]["input_tokens"] for each in data_of(analytics, PUBLISHED)] == ["2", "9"]


@pytest.mark.store("sqlite", "postgres")
def test_another_process_sees_what_was_published_and_so_does_a_later_one(url: str) -> None:
    with opened(url, clock=lambda: NOON) as one, opened(url, clock=lambda: NOON) as other:
        assert not other.price("acme", "acme-large", NOON).ok
        one.publish_prices([price()]).unwrap()
        assert input_price(other) == Decimal("0.000002")
        other.publish_prices([price(per_mtok={"input_tokens": 3})]).unwrap()
        assert input_price(one) == Decimal("0.000003")
    with opened(url, clock=lambda: NOON) as later:
        assert input_price(later) == Decimal("0.000003")


@once
def test_what_was_published_last_is_not_published_again(analytics: AnalyticsService) -> None:
    entries = [price(), price(model="other")]
    first = analytics.publish_prices(entries).unwrap()

    again = analytics.publish_prices(entries).unwrap()
    other = analytics.publish_prices([price(per_mtok={"input_tokens": 9})]).unwrap()
    back = analytics.publish_prices([price()]).unwrap()

    assert (again.position, again.duplicate) == (first.position, True)
    assert [each.duplicate for each in (other, back)] == [False, False]
    assert input_price(analytics) == Decimal("0.000002")


@once
def test_one_wrong_entry_and_nothing_is_published(analytics: AnalyticsService) -> None:
    failure = analytics.publish_prices([price(), price(currency="Euro")]).failure

    assert failure and failure.code == "bad_price"
    assert failure.message == (
        "price 2: currency must be an ISO 4217 code such as USD, not 'Euro'. Nothing was published; "
        f"{GUIDE}/cost.md shows what a price looks like."
    )
    assert analytics.store.log.head() == 0


@once
@pytest.mark.parametrize("note", ["", "x" * 1025])
def test_a_note_is_a_short_text(analytics: AnalyticsService, note: Any) -> None:
    failure = analytics.publish_prices([price()], note=note).failure

    assert failure and "the note: it must be a text of 1 to 1024 characters" in failure.message
    assert analytics.store.log.head() == 0


@once
def test_a_text_that_cannot_be_stored_is_refused_and_nothing_is_published(analytics: AnalyticsService) -> None:
    failure = analytics.publish_prices([price(), price(model="a\0b")]).failure

    assert failure and failure.code == "bad_text"
    assert analytics.store.log.head() == 0


@once
def test_an_empty_list_is_refused(analytics: AnalyticsService) -> None:
    failure = analytics.publish_prices([]).failure

    assert failure and failure.message.startswith("the list of prices: it is empty.")


@once
def test_an_entry_that_cannot_be_read_is_listed_and_the_others_go_on(analytics: AnalyticsService) -> None:
    """As one of a newer version, or one that was recorded past `publish_prices`."""
    for data in ({"entry": price(per_furlong={"input_tokens": 1})}, {"entry": 3}, {}):
        analytics.store.recorder.announce(PUBLISHED, data)
    analytics.publish_prices([price()]).unwrap()

    book = analytics.price_book().unwrap()

    assert (list(book.unread), [each.position for each in book.published]) == ([1, 2, 3], [4])
    assert list(book.upto(2).unread) == [1, 2]


def test_published_prices_are_found_by_an_index(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        analytics.publish_prices([price()]).unwrap()
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("DROP INDEX stored_events_own")  # a log that was made before there was one
    connection.close()

    with AnalyticsService.open(tmp_path / "a.db", follow=False) as analytics:
        assert input_price(analytics) == Decimal("0.000002")


# ── default prices ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_edition_of_the_default_prices_is_recorded_when_first_used(url: str) -> None:
    edition = genai.edition()
    with opened(url, clock=lambda: NOON) as analytics:
        analytics.publish_prices([price()]).unwrap()
        input_price(analytics)
        assert data_of(analytics, DEFAULT_CHANGED) == []
        for _ in range(2):
            assert analytics.price("anthropic", "claude-sonnet-4-5", NOON).unwrap().origin.version == edition.version

        told = {"package": "genai-prices", "version": edition.version, "digest": edition.digest}
        assert data_of(analytics, DEFAULT_CHANGED) == [told]


@pytest.mark.store("sqlite")
def test_and_when_it_changed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def used() -> None:
        with opened(url, clock=lambda: NOON) as analytics:
            analytics.price("anthropic", "claude-sonnet-4-5", NOON).unwrap()

    used()
    used()
    monkeypatch.setattr(genai, "edition", lambda: Edition(version="99.0.0", digest="another"))
    used()
    used()

    with opened(url, clock=lambda: NOON) as analytics:
        assert [each["version"] for each in data_of(analytics, DEFAULT_CHANGED)][1:] == ["99.0.0"]


@once
def test_an_unknown_model_is_told_with_names_that_are_close(analytics: AnalyticsService) -> None:
    analytics.publish_prices([price()]).unwrap()

    def told(provider: str | None, model: str) -> str:
        with pytest.raises(UnknownModel) as caught:
            analytics.price(provider, model, NOON).unwrap()
        return str(caught.value)

    assert "for 'claude-sonet-4-5' of 'anthropic'; close names are claude-sonnet-4-5" in told(
        "anthropic", "claude-sonet-4-5"
    )
    assert "close names are acme-large" in told("acme", "acme-lage")
    assert "but there is one of perplexity: name the provider" in told(None, "sonar-deep-research")
    assert "which genai-prices knows, but not by what events tell" in told("cerebras", "qwen-3-coder-480b")
    assert told("acme", "42") == (
        "There is no price for '42' of 'acme'. Prices are published with `analytics-es prices import`."
    )


@once
def test_without_the_package_published_prices_are_known_and_the_rest_says_what_to_install(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(genai, "installed", lambda: False)
    with opened(url, clock=lambda: NOON) as analytics:
        analytics.publish_prices([price()]).unwrap()

        assert input_price(analytics) == Decimal("0.000002")
        with pytest.raises(MissingExtra):
            analytics.price("anthropic", "claude-sonnet-4-5").unwrap()


@once
@pytest.mark.parametrize("installed", [True, False])
def test_an_unknown_cost_says_what_to_install_if_that_is_why(
    url: str, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(genai, "installed", lambda: installed)
    bare = {"cost": None, "currency": None}
    silent = {name: None for name in provider_call()["data"] if name.endswith("_tokens")}
    with opened(url, clock=lambda: NOON) as analytics:
        calls = [provider_call(**bare, model=model) for model in ("claude-sonnet-4-5", "ours", "priced", None)]
        record(analytics, *calls, provider_call(**bare, **silent, model="priced"))
        analytics.publish_prices([price(provider="anthropic", model="priced")]).unwrap()

        unknown = analytics.get_cost_breakdown(DAY).unwrap().unknown

    install = "" if installed else "pip install 'analytics-es[prices]'"
    missing = {} if installed else {"claude-sonnet-4-5": install}
    assert {cost.model: cost.hint for cost in unknown} == {**missing, "ours": install, "": "", "priced": ""}


@once
def test_the_time_of_a_price_is_now_unless_said_otherwise(analytics: AnalyticsService) -> None:
    analytics.publish_prices(
        [price(), price(effective_from=NOON + timedelta(seconds=1), per_mtok={"input_tokens": 9})]
    ).unwrap()

    assert analytics.price("acme", "acme-large").unwrap().prices["input_tokens"].base == Decimal("0.000002")


# ── entries ─────────────────────────────────────────────────────────────────────────────────────────────────────

TIERED = {"input_tokens": {"base": 1, "tiers": [{"above": 5, "price": 2}, {"above": 5, "price": 3}]}}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"model": None}, "model must be a text of 1 to 1024 characters, not None"),
        ({"model": " "}, "model must be a text of 1 to 1024 characters, not ' '"),
        ({"provider": 7}, "provider must be a text of 1 to 1024 characters, not 7"),
        ({"aliases": "x"}, "aliases must be a list of at most 100 texts, not 'x'"),
        ({"aliases": [""]}, "an alias must be a text of 1 to 1024 characters, not ''"),
        ({"currency": None}, "currency must be an ISO 4217 code such as USD, not None"),
        ({"curency": "EUR"}, "'curency' is not known: did you mean currency?"),
        ({"zzz": 1}, "'zzz' is not known: use provider, model"),
        ({"effective_from": None}, "effective_from is missing: the time from which it holds"),
        ({"effective_from": "2026-01-01"}, "effective_from must be a time with its zone, such as 2026-01-01T00:00:00Z"),
        ({"effective_from": date(2026, 1, 1)}, "effective_from must be a time with its zone"),
        ({"effective_from": "soon"}, "effective_from must be a time with its zone"),
        ({"effective_from": datetime(1900, 1, 1, tzinfo=UTC)}, "effective_from is outside the years 1990 to 2100"),
        ({"effective_until": "2026-01-01T00:00:00Z"}, "effective_until must be after effective_from"),
        ({"hours": ["06:00"]}, "hours must be two times of the day in UTC"),
        ({"hours": ["06:00", "06:00"]}, "hours must be two times of the day in UTC"),
        ({"hours": ["06:00+01:00", "07:00"]}, "hours must be two times of the day in UTC"),
        ({"hours": ["six", "seven"]}, "hours must be two times of the day in UTC"),
        ({"per_mtok": None}, "say one of prices (per_mtok, per_1k, each), free = true, or multiplier"),
        ({"free": True}, "say one of prices (per_mtok, per_1k, each), free = true, or multiplier"),
        ({"free": "yes"}, "free must be true or false, not 'yes'"),
        ({"multiplier": "0.8"}, "say one of prices"),
        ({"multiplier": "0.8", "per_mtok": None}, "a multiplier has the currency of the default price"),
        ({"multiplier": "-1", "per_mtok": None, "currency": None}, "multiplier must be between 0 and 1e+12, not -1"),
        ({"multiplier": 0, "per_mtok": None, "currency": None}, "nothing costs anything: say so by free = true"),
        ({"per_mtok": {"input_tokens": 0, "output_tokens": "0.0"}}, "nothing costs anything: say so by free = true"),
        ({"free": True, "per_mtok": None, "batch": 1}, "what is free costs nothing in a batch, too"),
        ({"batch": 0.5}, "batch must be a number as text or Decimal, not a float"),
        ({"per_mtok": {"input_tokens": 0.1}}, "input_tokens must be a number as text or Decimal, not a float"),
        ({"per_mtok": {"input_tokens": True}}, "input_tokens must be a number as text or Decimal, not a boolean"),
        ({"per_mtok": {"input_tokens": "two"}}, "input_tokens must be a number, not 'two'"),
        ({"per_mtok": {"input_tokens": "NaN"}}, "input_tokens must be between 0 and 1e+12, not NaN"),
        ({"per_mtok": {"input_tokens": "-1"}}, "input_tokens must be between 0 and 1e+12, not -1"),
        ({"per_mtok": {"input_tokens": 10**4000}}, "input_tokens must be"),
        ({"per_mtok": {"input_tokens": "1E+99999"}}, "input_tokens must be between 0 and 1e+12"),
        ({"per_mtok": None, "each": {"input_tokens": "1000000.1"}}, "input_tokens must be at most 1e+12 per_mtok, not"),
        ({"per_mtok": None, "per_1k": {"output_tokens": 10**9 + 1}}, "output_tokens must be at most 1e+12 per_mtok"),
        ({"each": {"requests": "999999999999"}}, "requests must be at most 1e+12 per_1k, not '999999999999' for 1"),
        ({"per_mtok": {"input_tokens": "1E-13"}}, "input_tokens has more than 12 decimals: 1E-13"),
        ({"per_mtok": {"input_tokens": "0." + "1" * 500}}, "input_tokens has more than 12 decimals: 0.111"),
        ({"per_mtok": {"input": 1}}, "per_mtok: 'input' is not known: did you mean input_tokens?"),
        ({"per_mtok": {"searches": 1}}, "per_mtok: 'searches' is not known"),
        ({"per_mtok": 3}, "per_mtok maps kinds to prices, this is an int"),
        ({"each": {"input_tokens": 1}}, "input_tokens has two prices"),
        ({"per_mtok": {"cache_read_tokens": 1}}, "cache_read_tokens has a price, but input_tokens, which it is a part"),
        (
            {"per_mtok": {"input_tokens": 1, "cache_read_tokens": 1, "input_audio_tokens": 1}},
            "cache_read_tokens and input_audio_tokens have prices, but cache_read_audio_tokens, which is both, has",
        ),
        ({"per_mtok": TIERED}, "input_tokens: tiers must be in order, the lowest threshold first"),
        ({"per_mtok": {"input_tokens": {"base": 1, "tiers": 3}}}, "input_tokens: tiers must be a list of at most 100"),
        ({"per_mtok": {"input_tokens": {"base": 1, "tiers": [3]}}}, "input_tokens: a tier has above and price"),
        (
            {"per_mtok": {"input_tokens": {"base": 1, "tiers": [{"above": "5", "price": 1}]}}},
            "input_tokens: above must be a whole number of input tokens, not '5'",
        ),
        ({"per_mtok": {"input_tokens": {"tiers": []}}}, "input_tokens must be a number as text or Decimal"),
        ({"per_mtok": {"input_tokens": {"base": 1, "tier": []}}}, "input_tokens: 'tier' is not known: did you mean"),
    ],
)
def test_what_is_wrong_with_an_entry_is_told(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadPrice) as caught:
        read_entry(price(**change), where="here")

    assert str(caught.value).startswith(f"here: {problem}")


@pytest.mark.parametrize("told", [None, 3, "price", ["model"]])
def test_an_entry_is_a_mapping(told: Any) -> None:
    with pytest.raises(BadPrice, match="an entry maps names to values"):
        read_entry(told)


def amounts() -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal("1E-12"), 10**6, places=12)


@st.composite
def prices(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a price that can be published."""
    own: dict[str, Any] = {"per_mtok": None, "currency": None}
    way = draw(st.sampled_from(["free", "multiplier", "prices"]))
    if way == "free":
        own["free"] = True
    elif way == "multiplier":
        own["multiplier"] = draw(amounts())
    else:
        own |= {"currency": "EUR", **draw(of_kinds())}
    if way != "free" and draw(st.booleans()):
        own["batch"] = draw(amounts())
    if draw(st.booleans()):
        own["hours"] = draw(st.lists(st.times(), min_size=2, max_size=2, unique=True))
    own["effective_from"] = draw(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
    if draw(st.booleans()):
        own["effective_until"] = own["effective_from"] + timedelta(microseconds=draw(st.integers(1, 10**12)))
    return price(**own, aliases=draw(st.lists(st.text(min_size=1).filter(str.strip), max_size=3)))


@st.composite
def of_kinds(draw: st.DrawFn) -> dict[str, Any]:
    """Draw prices of some kinds, each in one of the units it may have, with those that these need."""
    kinds = draw(st.sets(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    while missing := {each for kind in kinds for each in wholes(kind)} - kinds or {
        joint for one in kinds for other in kinds if (joint := both(one, other)) and joint not in kinds
    }:
        kinds |= missing
    found: dict[str, Any] = {}
    for kind in kinds:
        units = ["per_1k", "each", *(["per_mtok"] if "tokens" in kind else [])]
        tiers = [
            {"above": above, "price": draw(amounts())}
            for above in sorted(draw(st.sets(st.integers(1, 10**9), max_size=2)))
        ]
        base = draw(amounts())
        found.setdefault(draw(st.sampled_from(units)), {})[kind] = {"base": base, "tiers": tiers} if tiers else base
    return found


@given(prices())
def test_an_entry_is_read_back_as_it_was_written(told: dict[str, Any]) -> None:
    entry = read_entry(told)

    assert read_entry(json.loads(json.dumps(entry.to_dict()))) == entry


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["base", "tiers", "above", *KINDS]), inner)
    ),
    max_leaves=6,
)
names = st.sampled_from(
    [*price(), "aliases", "effective_until", "hours", "per_1k", "each", "batch", "free", "multiplier"]
)


@given(st.dictionaries(names, json_values, max_size=3))
def test_whatever_an_entry_says_it_is_read_or_refused(change: dict[str, Any]) -> None:
    try:
        entry = read_entry({**price(), **change})
    except BadPrice as error:
        assert len(str(error)) < 400 + len(GUIDE)
    else:
        assert read_entry(json.loads(json.dumps(entry.to_dict()))) == entry


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def written(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_example_of_the_documentation_can_be_read() -> None:
    assert [(each.provider, each.model) for each in read_prices(EXAMPLES / "prices" / "acme.toml")] == [
        ("anthropic", "*"),
        ("acme", "acme-large"),
        ("acme", "acme-small"),
        ("selfhosted", "*"),
    ]


def test_json_says_the_same_as_toml_and_numbers_are_exact(tmp_path: Path) -> None:
    toml = written(
        tmp_path,
        "a.toml",
        '[[price]]\nprovider = "acme"\nmodel = "acme-large"\ncurrency = "EUR"\n'
        "effective_from = 2026-01-01T01:00:00+01:00\n"
        "per_mtok = { input_tokens = 0.100000000001, output_tokens = 2 }\n",
    )
    entry = (
        '{"provider": "acme", "model": "acme-large", "currency": "EUR", "effective_from": "2026-01-01T00:00:00Z", '
        '"per_mtok": {"input_tokens": 0.100000000001, "output_tokens": 2}}'
    )

    found = [
        read_prices(toml),
        read_prices(written(tmp_path, "a.json", f"[{entry}]")),
        read_prices(written(tmp_path, "b.json", f'{{"price": [{entry}]}}')),
    ]

    assert found[0] == found[1] == found[2]
    assert found[0][0].prices["input_tokens"].base == Decimal("0.000000100000000001")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.toml", "price = [", "it is not valid TOML ("),
        ("a.json", "[", "it is not valid JSON ("),
        ("a.json", "[" * 100_000, "it is not valid JSON ("),
        ("a.json", '[{"free": NaN}]', "it is not valid JSON (NaN is no number of JSON)"),
        ("a.json", b"\xff", "it is not valid JSON ("),
        ("a.toml", "", "there is no [[price]] table in it"),
        ("a.json", "[]", "there is no [[price]] table in it"),
        ("a.json", "3", "there is no [[price]] table in it"),
        ("a.toml", "prices = 3", "'prices' is not known: only [[price]] tables are"),
        ("a.toml", "price = 3", "there is no [[price]] table in it"),
        ("a.toml", "[[price]]\nmodel = 3", "price 1: say one of prices"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, name: str, text: str | bytes, problem: str) -> None:
    path = written(tmp_path, name, text)

    with pytest.raises(BadPrice) as caught:
        read_prices(path)

    assert str(caught.value).startswith(f"{path}")
    assert problem in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotRead, match="No such file"):
        read_prices(tmp_path / "none.toml")
    with pytest.raises(CannotRead, match="it is not a file"):
        read_prices(tmp_path)
    monkeypatch.setattr("analytics_es.cost.prices.files.MAX_BYTES", 3)
    with pytest.raises(CannotRead, match="longer than 3 bytes"):
        read_prices(written(tmp_path, "a.toml", "price"))
