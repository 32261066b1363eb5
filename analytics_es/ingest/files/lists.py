"""The lists of rows, of which a mapping makes an event of each element: what they are, and how they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson
from attrs import define, field

from analytics_es.ingest.files.columns import absent, complete, structure, widen
from analytics_es.ingest.files.mapping import EACH
from analytics_es.ingest.files.mapping import Mapping as EventMapping
from analytics_es.ingest.files.paths import Steps, as_sql, inside, written

_KINDS = {bool: "a boolean", int: "a number", float: "a number", str: "a text", dict: "an object", list: "a list"}


def kind_of(part: Any) -> str:
    """Return what a part of JSON is, in the words of a message."""
    return _KINDS[type(part)]


def list_in(fields: Mapping[str, Any], steps: Steps) -> tuple[list[Any] | None, str | None]:
    """Return the list at a path of a row, None for none, or what there is instead; a text may hold a list as JSON."""
    part, before = inside(fields, steps)
    if before:
        return None, f"{written(before)} is {kind_of(part)}, not an object"
    if isinstance(part, str):
        part = _loaded(part)
    if part is None or isinstance(part, list):
        return part, None
    return None, f"{written(steps)} is {kind_of(part)}, not a list"


def _loaded(text: str) -> Any:
    if not text.lstrip().startswith("["):
        return text
    try:
        return orjson.loads(text)
    except ValueError:
        return text


@define
class Lists:
    """The lists of the rows of a text file, by the number of the [[event]] table that goes through them."""

    _mapping: EventMapping
    _shapes: dict[int, Any] = field(init=False)

    @_shapes.default
    def _of_no_rows(self) -> dict[int, Any]:
        return {number: None for number, steps in enumerate(self._mapping.each) if steps}

    def see(self, fields: Mapping[str, Any]) -> None:
        """Take the lists of a row, for the types of their elements."""
        for number, shape in self._shapes.items():
            elements, _ = list_in(fields, self._mapping.each[number])
            if elements:
                self._shapes[number] = widen(shape, elements)

    def of(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lists of a row, and what there is instead, for the engine."""
        parts: dict[str, Any] = {}
        for number in self._shapes:
            parts[f"e{number}"], parts[f"k{number}"] = list_in(fields, self._mapping.each[number])
        return parts

    def types(self) -> dict[str, Any]:
        """Return the types of what `of` returns."""
        elements = {f"e{number}": [structure(self._completed(number))] for number in self._shapes}
        return elements | {f"k{number}": "VARCHAR" for number in self._shapes}

    def columns(self) -> dict[str, str]:
        """Return the names that these have as columns."""
        lists = {f"e{number}": f"__each{number}" for number in self._shapes}
        return lists | {f"k{number}": f"__kind{number}" for number in self._shapes}

    def missing(self) -> Iterator[str]:
        """Yield the paths that no element has, though there are elements."""
        for number, shape in self._shapes.items():
            for steps in self._paths(number) if shape else ():
                if lacked := absent(shape[0], steps):
                    yield written((EACH, *lacked))

    def _completed(self, number: int) -> Any:
        shape = self._shapes[number][0] if self._shapes[number] else None
        for steps in self._paths(number):
            shape = complete(shape, steps)
        return shape

    def _paths(self, number: int) -> Iterator[Steps]:
        may_lack = self._mapping.optional is not False
        return (path[1:] for path in self._mapping.paths[number] if may_lack and str(path[0]).lower() == EACH)


class Elements(NamedTuple):
    """How the lists of rows are asked for: SQL for the list and for what there is instead, and the type of elements."""

    sql: str
    instead: str
    kind: str


def elements(number: int, steps: Steps, kinds: Mapping[str, str], kind: str) -> Elements:
    """Return how the lists of one [[event]] table are asked for; `kind` is the type of the path in a Parquet file."""
    if (own := f"__each{number}") in kinds:
        return Elements(own, f"__kind{number}", kinds[own].removesuffix("[]"))
    path, name = as_sql(steps), written(steps).replace("'", "''")
    if kind.endswith("]"):
        return Elements(path, "NULL::VARCHAR", kind[: kind.rindex("[")])
    if kind in ("VARCHAR", "JSON"):
        is_list = f"coalesce(CASE WHEN json_valid({path}) THEN json_type({path}) = 'ARRAY' END, FALSE)"
        sql = f"CASE WHEN {is_list} THEN json_extract({path}, '$[*]') END"
        instead = f"CASE WHEN {path} IS NOT NULL AND NOT {is_list} THEN '{name} is a text, not a list' END"
        return Elements(sql, instead, "JSON")
    instead = f"CASE WHEN {path} IS NOT NULL THEN '{name} is {kind.split('(')[0]}, not a list' END"
    return Elements('NULL::"NULL"[]', instead, '"NULL"')
