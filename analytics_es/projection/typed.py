"""Events whose fields are columns already, as in archives: decoded to what their stored JSON is, without reading it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from analytics_es.events.fields import FIELDS, TEXT
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.decoding import APART, DERIVED, IN_MICROSECONDS, Needed
from analytics_es.projection.engine import quote, quote_name, sql_list

if TYPE_CHECKING:
    import pyarrow as pa

# The fields that are recorded, and their kinds.
RECORDED = {name: kind for name, kind in FIELDS.items() if name not in {*DERIVED, *IN_MICROSECONDS}}
# What stands beside them: the names of all fields of an event of our families, as JSON; the first 8 digits of what its
# key says which event it is; whether columns surely hold what is decoded of its JSON, to the digit.
NAMES, CHECKSUM, EXACT_COLUMNS = "fields", "checksum", "exact"

# When events occurred, and their checksums, as keys tell them.
OF_COLUMNS = f"SELECT epoch_us(occurred_at) AS us, CAST({CHECKSUM} AS BIGINT) AS n FROM archived"


@frozen(kw_only=True)
class TypedEvents:
    """Events as columns, and those that are to be decoded from what is stored, as the log gives them."""

    columns: pa.Table
    rest: pa.Table


@frozen(kw_only=True)
class TypedDecoding:
    """The SELECT that turns `archived` and `types` into `decoded`, and the columns that it reads of an archive."""

    sql: str
    columns: tuple[str, ...]


def typed_decoding(declarations: Sequence[Declaration]) -> TypedDecoding | None:
    """Return how columns are decoded for projections; None where one names what they cannot surely tell."""
    needed = Needed.by(declarations)
    own = needed.own["data"]
    taken = {name.lower() for name in FIELDS} | {"attributes"}
    if len({name.lower() for name in own} - taken) < len(own):  # a struct does not tell such names apart
        return None
    fields = {name: quote_name(name) for name in needed.stored}
    columns = {*fields, "position", "type", "source", "occurred_at", NAMES, CHECKSUM}
    if own:
        columns.add("data")
        fields |= {name: f"own.{quote_name(name)}" for name in own}
    if needed.own["attributes"]:
        columns.add("attributes")
        fields["attributes"] = _texts("attributes", needed.own["attributes"])
    archived = f"SELECT *, {_texts('data', own)} AS own FROM archived" if own else "SELECT * FROM archived"
    told = "struct_pack(source := source, occurred_at := make_timestamp(epoch_us(occurred_at)))"
    packed = sql_list([f"{quote_name(name)} := {sql}" for name, sql in sorted(fields.items())])
    parsed = f"SELECT position, {NAMES}, types.*, {told} AS e, struct_pack({packed}) AS d FROM ({archived}) AS archived"
    names = f"array_to_string(json_transform({NAMES}, '[\"{TEXT}\"]'), '{APART}')"
    shapes = f"SELECT {NAMES}, {names} AS shape FROM (SELECT DISTINCT {NAMES} FROM archived)"
    sql = (
        f"SELECT {needed.columns('shape')} FROM (SELECT *, d AS t FROM ({parsed} JOIN types USING (type))) "
        f"LEFT JOIN ({shapes}) USING ({NAMES})"
    )
    return TypedDecoding(sql=sql, columns=tuple(sorted(columns)))


def _texts(column: str, names: Iterable[str]) -> str:
    return f"json_transform({quote_name(column)}, {quote(json.dumps(dict.fromkeys(names, TEXT)))})"
