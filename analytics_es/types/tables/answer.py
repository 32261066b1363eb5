"""What every answer can be taken as: a table of Arrow, plain rows, a table in a notebook, a line."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from attrs import fields, has

from analytics_es.errors import MissingExtra, NoSuchTable
from analytics_es.types.tables import brief
from analytics_es.types.tables.columns import hints_of, rows_in
from analytics_es.types.tables.rows import Rows, Table, listed, table
from analytics_es.types.value_object import ValueObject

if TYPE_CHECKING:
    import pyarrow

T = TypeVar("T")

ROWS, ANSWER = "rows", "answer"


class Tabular:
    """What has tables: `to_arrow()` for its main one, `to_arrow("series")` for another one."""

    __slots__ = ()

    def tables(self) -> list[str]:
        """Return the names of its tables, the main one first."""
        raise NotImplementedError

    def table(self, name: str | None = None) -> Table:
        """Return a table, as columns and rows; raises NoSuchTable."""
        raise NotImplementedError

    def to_arrow(self, name: str | None = None) -> pyarrow.Table:
        """Return a table as Arrow: decimals are exact, times have their zone, what is not known is null."""
        from analytics_es.types.tables.arrow import to_arrow

        return to_arrow(self.table(name))

    def to_dicts(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the rows of a table, each with its cells by the names of their columns."""
        return self.table(name).dicts()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the main table to what reads Arrow: polars.DataFrame(answer), pandas.DataFrame.from_arrow(answer) …"""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return brief.line(self)

    def _repr_html_(self) -> str:
        """Show it in a notebook as a page does, where the extra `page` is installed; else its main table."""
        try:
            html: str = _notebook().shown(self)
        except MissingExtra:
            return brief.html(repr(self), self.table())
        return html

    def plot(self, *, currency: str | None = None) -> Any:
        """Return its course over time as a figure of Plotly (a `plotly.graph_objects.Figure`); needs the extra `page`.

        Of budgets it is how much of each is spent.
        Money of several currencies is never added: each has a plot of its own, below one another, or one is chosen.
        Raises NothingToDraw for an answer that has none, MissingExtra without Plotly.
        """
        return _notebook().drawn(self, currency)


class _AsDataclass:
    """The fields of an attrs class, for what asks a dataclass for them: syrupy then shows an answer line by line."""

    def __get__(self, _: Any, cls: type) -> dict[str, dataclasses.Field[Any]]:
        if not has(cls):
            raise AttributeError("__dataclass_fields__")
        return _fields_of(*(field.name for field in fields(cls)))


def _fields_of(*names: str) -> dict[str, dataclasses.Field[Any]]:
    made: Any = dataclasses.make_dataclass("Made", names)
    as_dataclass: dict[str, dataclasses.Field[Any]] = made.__dataclass_fields__
    return as_dataclass


class Answer(Tabular, ValueObject):
    """An answer: its tables are those that its class declares, and `answer`, itself as one row."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[Any] = _AsDataclass()
    _TABLES: ClassVar[Mapping[str, Rows]] = {}

    def _main(self) -> str:
        """Return the name of the table that people expect."""
        return next(iter(self._TABLES), ANSWER)

    def tables(self) -> list[str]:
        """Return the names of its tables, the main one first."""
        return list(dict.fromkeys([self._main(), *self._TABLES, ANSWER]))

    def table(self, name: str | None = None) -> Table:
        """Return a table, as columns and rows: the main one, or that of a name; raises NoSuchTable."""
        declared = {ANSWER: Rows(), **self._TABLES}
        return table(self, declared[_chosen(name, self)])


if TYPE_CHECKING:
    _Sequence = Sequence
else:
    # To what reads Arrow, a sequence is one of columns, or of rows to guess at: at run time this is none.
    _Sequence = Generic


class Listing(_Sequence[T], Tabular):
    """An answer that is a list: rows of one class, and tables of the rows that lie in these. It never changes."""

    __slots__ = ("of", "rows")
    __dataclass_fields__: ClassVar[Any] = _fields_of("rows")

    def __init__(self, rows: Iterable[T] = (), *, of: type[T]) -> None:
        self.rows = list(rows)
        self.of: Any = of

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __getitem__(self, place: Any) -> Any:
        return self.rows[place]

    def __eq__(self, other: object) -> bool:
        return self.rows == (other.rows if isinstance(other, Listing) else other)

    __hash__ = None  # type: ignore[assignment]  # as a list has none

    __repr__ = Tabular.__repr__

    def tables(self) -> list[str]:
        """Return the names of its tables, the main one first."""
        return [ROWS, *(name for name, hint in hints_of(self.of).items() if rows_in(hint))]

    def table(self, name: str | None = None) -> Table:
        """Return a table, as columns and rows: the main one, or that of a name; raises NoSuchTable."""
        chosen = _chosen(name, self)
        return listed(self.rows, self.of, Rows() if chosen == ROWS else Rows(chosen))


class Keyed(list[T]):
    """A list of rows, and by which keys they are, which is known even where there are none."""

    def __init__(self, rows: Iterable[T] = (), by: Sequence[str] = ()) -> None:
        super().__init__(rows)
        self.by = tuple(by)


def _notebook() -> Any:
    """Return what shows answers in notebooks, which lies far above: it is known here by its name alone.

    Raises MissingExtra where what it needs is not installed.
    """
    try:
        return importlib.import_module("analytics_es.presentation.notebook")
    except ModuleNotFoundError as error:
        if str(error.name).startswith("analytics_es"):
            raise
        raise MissingExtra(package=str(error.name).partition(".")[0], extra="page") from None


def _chosen(name: str | None, answer: Tabular) -> str:
    names = answer.tables()
    if name is None or (name == ROWS and name not in names):
        return names[0]
    if name not in names:
        raise NoSuchTable(name=name, kind=type(answer).__name__, names=", ".join(names))
    return name
