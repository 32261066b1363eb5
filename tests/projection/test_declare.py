"""Declaring a projection: what is wrong with one is said at import, and what follows from a right one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import numpy
import pytest

from analytics_es.errors import BadDeclaration, NotAProjection, SameName
from analytics_es.projection import (
    Histogram,
    count,
    declaration_of,
    declarations_of,
    histogram,
    key,
    largest,
    projection,
    smallest,
    total,
)
from analytics_es.projection.declaration import Column, Declaration
from tests.stores import OURS


def declare(name: str = "Calls", fields: dict[str, Any] | None = None, **options: Any) -> type:
    """Declare a valid projection of two keys and two measures; `fields` and options replace or add."""
    parts = {
        "model": key("model"),
        "tool": key("tool"),
        "calls": count(),
        "tokens": total("input_tokens"),
        **(fields or {}),
    }
    body = {field: part for field, part in parts.items() if part is not None}
    cls = type(name, (), {"__annotations__": dict.fromkeys(body, Any), **body})
    return projection(**{"version": 1, "consumes": ("provider.>",), **options})(cls)


def refusal(fields: dict[str, Any] | None = None, **options: Any) -> BadDeclaration:
    with pytest.raises(BadDeclaration) as caught:
        declare("Calls", fields, **options)
    return caught.value


def test_the_example_to_start_from_is_valid() -> None:
    assert declaration_of(declare()).name == "calls"


# ── expressions ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (total("tokens_in"), "tokens_in is not a field of events: use attributes.x or data.x for your own"),
        (key("modle"), "modle is not a field of events"),
        (count(where="stauts = 'error'"), "stauts is not a field of events"),
        (total("attributes.a.b"), "attributes.a.b is not a field of events"),
        (total("other.a"), "other.a is not a field of events"),
        (total("data.cost"), "data.cost is a field of every event: write cost"),
        (key("attributes"), "attributes is not a field of events"),
        (total("model"), "model is VARCHAR, not a number"),
        (total("cost > 1"), "cost > 1 is BOOLEAN, not a number"),
        (smallest("status"), "status is VARCHAR, not a number"),
        (largest("type"), "type is VARCHAR, not a number"),
        (histogram("operation"), "operation is VARCHAR, not a number"),
        (count(where="status"), "status is VARCHAR, not a condition"),
        (count(where="input_tokens + 1"), "input_tokens + 1 is BIGINT, not a condition"),
        (total("cost", where="'yes'"), "'yes' is VARCHAR, not a condition"),
        (total("sum(input_tokens)"), "sum() is not allowed"),
        (count(where="max(cost) > 1"), "max() is not allowed"),
        (key("count_star()"), "count_star() is not allowed"),
        (total("(SELECT 1)"), "a subquery is not allowed"),
        (count(where="EXISTS (SELECT 1)"), "a subquery is not allowed"),
        (total("row_number() OVER ()"), "a window is not allowed"),
        (total("sum(cost) OVER (ORDER BY occurred_at)"), "a window is not allowed"),
        (total("random()"), "random() is not allowed"),
        (key("now()"), "now() is not allowed"),
        (key("uuid()"), "uuid() is not allowed"),
        (key("current_setting('TimeZone')"), "current_setting() is not allowed"),
        (key("getenv('HOME')"), "getenv() is not allowed"),
        (key("no_such_function(model)"), "no_such_function() is not allowed"),
        (key("*"), "a star is not allowed"),
        (key("?"), "a parameter is not allowed"),
        (key("model, tool"), "a single value is expected, found several"),
        (key("model FROM events"), "a single value is expected, without FROM or WHERE"),
        (key("1 WHERE true"), "a single value is expected, without FROM or WHERE"),
        (key("1; DROP TABLE decoded"), "not a SQL expression"),
        (key("model ||"), "not a SQL expression"),
        (key(""), "not a SQL expression"),
        (total("input_tokens || 'x'", where="upper(cost) > 1"), "upper(DECIMAL(38,18))"),
    ],
)
def test_an_expression_that_cannot_be_folded_is_refused_naming_its_field(part: Any, problem: str) -> None:
    error = refusal({"mine": part})

    assert str(error).partition(":")[0] == "calls.mine"
    assert problem in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("where", ["modle = 'x'", "status", "random() > 0.5"])
def test_the_filter_of_a_whole_projection_is_checked_like_any_other(where: str) -> None:
    assert refusal(where=where).details["field"] == "where"


@pytest.mark.parametrize(
    "part",
    [
        key("coalesce(model, tool, task_type, job_type, '')"),
        key("attributes.region"),
        key('data."odd name"'),
        key("CASE WHEN input_tokens > 1000 THEN 'long' ELSE 'short' END"),
        key("split_part(type, '.', 2)"),
        key("nullif(status, 'ok')"),
        key("occurred_at // 60000000 % 60"),
        total("input_tokens - coalesce(cache_read_tokens, 0)"),
        total("attributes.weight", decimals=3),
        total("data.bytes"),
        total("CAST(attributes.ratio AS DOUBLE)", decimals=6),
        count(where="attributes.tier IN ('gold', 'silver') AND duration_ms > 100"),
        count(where="input_tokens IS NULL"),
    ],
)
def test_pure_scalar_expressions_over_fields_and_your_own_are_welcome(part: Any) -> None:
    assert "mine" in {each.name for each in attrs.fields(declare(fields={"mine": part}))}


def test_your_own_field_has_one_spelling_because_case_alone_does_not_tell_two_apart() -> None:
    error = refusal({"mine": total("attributes.Size"), "other": total("attributes.size")})

    assert str(error) == "calls.attributes.size: is also written attributes.Size: write it in one way."


def test_two_projections_spell_your_own_field_in_one_way() -> None:
    one, other = declare("One", {"mine": key("data.Region")}), declare("Other", {"mine": key("data.region")})

    with pytest.raises(BadDeclaration, match="is also written"):
        declarations_of([one, other])


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_columns_of_one_name_are_refused() -> None:
    error = refusal({"duration": histogram("duration_ms"), "duration_sum": total("duration_ms")})

    assert str(error) == "calls.duration_sum: is the name of two columns."


@pytest.mark.parametrize("name", ["grain", "bucket", "hour", "day", "position", "projection", "field"])
def test_the_names_the_engine_uses_itself_are_reserved(name: str) -> None:
    assert f"calls.{name}: is not a free name of lower-case letters, digits and _." == str(refusal({name: count()}))


@pytest.mark.parametrize("name", ["order", "group", "some", "left", "values", "index", "null", "update", "end"])
@pytest.mark.parametrize("part", [key("model"), count()])
def test_a_word_of_sql_is_no_name(name: str, part: Any) -> None:
    assert str(refusal({name: part})) == f"calls.{name}: is a word of SQL: choose another name."


@pytest.mark.parametrize("name", ["Mine", "_mine", "größe", "a" * 64, "k_model"])
def test_a_name_is_lower_case_letters_digits_and_underscores(name: str) -> None:
    assert name == refusal({name: key("tool")}).details["field"]


def test_a_field_without_a_marker_is_refused() -> None:
    with pytest.raises(BadDeclaration, match=r"calls\.note: give it a key or a measure, such as count\(\)."):

        @projection(version=1, consumes=(">",))
        class Calls:
            calls: int = count()
            note: str = "a default"


def test_a_field_of_attrs_is_no_marker_either() -> None:
    assert refusal({"note": attrs.field(default="")}).details["field"] == "note"


# ── the whole ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sql", [5, b"true", Decimal(1)])
def test_what_is_no_text_is_no_expression(sql: Any) -> None:
    assert str(refusal(where=sql)) == f"calls.where: must be an SQL expression, a text, not {sql!r}."


@pytest.mark.parametrize("pattern", [5, b"job.*", Decimal(1)])
def test_what_is_no_text_is_no_pattern(pattern: Any) -> None:
    assert str(refusal(consumes=(pattern,))).startswith(f"calls.consumes: {pattern!r} is not a pattern")


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, None, True, Decimal(1), numpy.int64(1), b"1"])
def test_a_version_is_a_whole_number_from_one(version: Any) -> None:
    assert str(refusal(version=version)) == "calls.version: must be a whole number from 1."


@pytest.mark.parametrize("decimals", [-1, 19, 100])
def test_decimals_are_between_none_and_eighteen(decimals: int) -> None:
    assert str(refusal({"mine": total("cost", decimals=decimals)})) == "calls.mine: decimals must be between 0 and 18."


@pytest.mark.parametrize(
    "pattern", ["", "Provider.>", "provider..call", "provider.", ">.x", "pro*", "a b", ".a", "*.>."]
)
def test_a_pattern_is_parts_stars_and_a_last_arrow(pattern: str) -> None:
    assert refusal(consumes=(pattern,)).details["field"] == "consumes"


@pytest.mark.parametrize("pattern", [">", "*.>", "provider.call.*", "job.completed", "*.*"])
def test_patterns_that_some_type_fits_are_welcome(pattern: str) -> None:
    assert (pattern,) == declaration_of(declare(consumes=(pattern,))).consumes


def test_a_projection_of_no_pattern_is_refused() -> None:
    assert "calls.consumes: name at least one pattern" in str(refusal(consumes=()))


@pytest.mark.parametrize("option", ["consumes", "entities"])
def test_one_text_is_not_taken_for_a_list_of_its_letters(option: str) -> None:
    assert f"calls.{option}: must be a list of texts, such as ('user',)." == str(refusal(WHO, **{option: "user"}))


def test_a_projection_of_no_measure_is_refused() -> None:
    assert "calls.measures: declare at least one" in str(refusal({"calls": None, "tokens": None}))


def test_money_takes_a_key_for_its_currency() -> None:
    assert "calls.mine: is money" in str(refusal({"mine": total("cost", unit="currency")}))
    assert declare(fields={"mine": total("cost", unit="currency"), "currency": key("currency")})


# ── entities ────────────────────────────────────────────────────────────────────────────────────────────────────

WHO = {"who": key("entity.type"), "which": key("entity.id")}


def test_both_keys_on_entities_and_the_list_of_them_go_together() -> None:
    assert declaration_of(declare(fields=WHO, entities=("user",))).keys[-2].of_entity == "type"


@pytest.mark.parametrize(
    ("fields", "entities", "named"),
    [
        (WHO, (), "who"),
        ({}, ("user",), "entities"),
        ({"who": WHO["who"]}, ("user",), "who"),
        ({"which": WHO["which"]}, ("user",), "which"),
        ({**WHO, "again": key("entity.id")}, ("user",), "who"),
        ({**WHO, "kind": key("entity.kind")}, ("user",), "who"),
        (WHO, ("user", "team"), "entities"),
        (WHO, ("user_id",), "entities"),
    ],
)
def test_entities_without_their_keys_and_keys_without_entities_are_refused(
    fields: dict[str, Any], entities: tuple[str, ...], named: str
) -> None:
    assert named == refusal(fields, entities=entities).details["field"]


# ── what follows ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_example_of_the_design_compiles() -> None:
    @projection(version=1, consumes=("provider.call.*", "tool.*", "task.*", "job.*"))
    class Performance:
        """One kind of operation on one subject, in one bucket of time."""

        operation: str = key("family")
        subject: str = key("coalesce(model, tool, task_type, job_type, '')")
        calls: int = count()
        failures: int = count(where="status = 'error'")
        duration: Histogram = histogram("duration_us")

    found = declaration_of(Performance)
    assert (found.name, found.table) == ("performance", "performance_v1")
    assert found.row_key == ("grain", "bucket", "operation", "subject")
    assert (
        Column("calls", "sum"),
        Column("failures", "sum"),
        Column("duration_count", "sum"),
        Column("duration_sum", "sum", wide=True),
        Column("duration_min", "min"),
        Column("duration_max", "max"),
        Column("duration_buckets", "histogram"),
    ) == found.columns


def test_a_class_becomes_a_frozen_attrs_class_whose_instances_are_rows() -> None:
    cls = declare()
    row = cls(model="m", tool="", calls=2, tokens=None)

    assert attrs.asdict(row) == {"model": "m", "tool": "", "calls": 2, "tokens": None}
    assert cls(model="m", tool="", calls=2, tokens=None) == row
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        row.calls = 3
    with pytest.raises(TypeError):
        cls("m", "", 2, None)


@pytest.mark.parametrize(
    ("name", "expected"), [("Usage", "usage"), ("TokenUse", "token_use"), ("HTTPCalls", "h_t_t_p_calls")]
)
def test_a_projection_is_named_after_its_class(name: str, expected: str) -> None:
    assert expected == declaration_of(declare(name)).name


def test_rows_are_told_apart_by_the_type_of_entity_before_the_time() -> None:
    assert declaration_of(declare(fields=WHO, entities=("user",))).row_key == (
        "grain",
        "who",
        "bucket",
        "model",
        "tool",
        "which",
    )


# ── the fingerprint ─────────────────────────────────────────────────────────────────────────────────────────────


def fingerprint(fields: dict[str, Any] | None = None, **options: Any) -> str:
    return declaration_of(declare("Calls", fields, **options)).fingerprint


CHANGES: dict[str, Callable[[], str]] = {
    "version": lambda: fingerprint(version=2),
    "consumes": lambda: fingerprint(consumes=("provider.>", "tool.>")),
    "where": lambda: fingerprint(where="status = 'ok'"),
    "entities": lambda: fingerprint(WHO, entities=("user",)),
    "more entities": lambda: fingerprint(WHO, entities=("user", "tenant")),
    "another key": lambda: fingerprint({"model": key("provider")}),
    "one more key": lambda: fingerprint({"currency": key("currency")}),
    "one key less": lambda: fingerprint({"tool": None}),
    "another value": lambda: fingerprint({"tokens": total("output_tokens")}),
    "another condition": lambda: fingerprint({"tokens": total("input_tokens", where="status = 'ok'")}),
    "another condition of a count": lambda: fingerprint({"calls": count(where="status = 'ok'")}),
    "another kind": lambda: fingerprint({"tokens": largest("input_tokens")}),
    "other decimals": lambda: fingerprint({"tokens": total("input_tokens", decimals=3)}),
    "another unit": lambda: fingerprint({"tokens": total("input_tokens", unit="tokens")}),
    "one measure less": lambda: fingerprint({"tokens": None}),
    "one measure more": lambda: fingerprint({"more": count()}),
    "another name": lambda: declaration_of(declare("Others")).fingerprint,
}


def test_every_change_of_the_definition_gives_another_fingerprint() -> None:
    fingerprints = {"as it was": fingerprint(), **{change: take() for change, take in CHANGES.items()}}

    assert len(fingerprints) == len(set(fingerprints.values())), fingerprints


def test_the_same_definition_has_the_same_fingerprint_wherever_it_is_written() -> None:
    def docstring_and_types_aside() -> Declaration:
        @projection(version=1, consumes=["provider.>"])
        class Calls:
            """Another text."""

            model: str = key("model")
            tool: str = key("tool")
            calls: int = count()
            tokens: int | None = total("input_tokens")

        return declaration_of(Calls)

    assert fingerprint() == fingerprint() == docstring_and_types_aside().fingerprint


def test_a_fingerprint_is_the_same_on_every_machine_and_in_every_release() -> None:
    assert fingerprint() == "6d5a980fd9548423"


# ── sets of projections ─────────────────────────────────────────────────────────────────────────────────────────


def test_declarations_come_by_name_whatever_order_they_are_passed_in() -> None:
    assert [each.name for each in declarations_of(OURS[::-1])] == ["budgets", "cost", "performance", "usage"]


def test_two_projections_of_one_name_are_refused() -> None:
    with pytest.raises(SameName, match=r"Two projections are called .calls.: rename one of the classes\."):
        declarations_of([declare("Calls"), declare("Calls", {"more": count()})])


@pytest.mark.parametrize("thing", [int, object(), "usage", None, declare])
def test_what_is_not_a_projection_class_is_refused_by_its_name(thing: Any) -> None:
    with pytest.raises(NotAProjection) as caught:
        declaration_of(thing)

    assert getattr(thing, "__name__", repr(thing)) == caught.value.details["name"]
