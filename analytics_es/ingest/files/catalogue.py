"""The formats that come with the package: a mapping for each of their shapes, as data, and what a shape is known by."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as Settings
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from analytics_es.ingest.files.mapping import Mapping, mapping_of

FOLDER = Path(__file__).with_name("bundled")
COMMON = "common"  # definitions of all mappings

# What the rows of a shape are; sums and charges count beside calls that are told one by one.
CALLS, SUMS, CHARGES = "calls", "sums of calls", "amounts that were charged"


def _small(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _groups(groups: Iterable[Iterable[str]]) -> tuple[frozenset[str], ...]:
    return tuple(map(_small, groups))


@frozen(kw_only=True)
class Shape:
    """One of the shapes that files of a format have. Names of columns are in small letters, what lies in them dotted.

    name: of the format.
    shape: what such a file is, in words.
    rows_are: what a row of it is.
    get: where such a file comes from.
    since: since when, or which version, it has this shape.
    rows: where its rows may be in a JSON document, the first that fits; "" for a list that is the document, and lines.
    columns: what all such files have.
    one_of: groups of columns of each of which such a file has one at least.
    without: columns that such a file has not.
    tells: groups of columns that figures come from; such a file may lack them all, which is said.
    values: what the texts of a column are, by a pattern such as `organization.usage.*`, or several with | between.
    file: the name of its mapping, in the folder of mappings.
    """

    name: str
    shape: str
    rows_are: str
    get: str
    since: str
    columns: frozenset[str] = field(converter=_small)
    rows: tuple[str, ...] = field(default=("",), converter=tuple)
    one_of: tuple[frozenset[str], ...] = field(default=(), converter=_groups)
    without: frozenset[str] = field(default=(), converter=_small)
    tells: tuple[frozenset[str], ...] = field(default=(), converter=_groups)
    values: Settings[str, str] = field(factory=dict)
    like: str = ""
    file: str

    def mapping(self, *, with_source: bool = True) -> Mapping:
        """Return the mapping of this shape; without its source, for who says another one."""
        settings = _settings(self.file)
        for table in settings["event"]:
            if not self.has_lists:
                table.pop("each", None)
            if not with_source:
                table.pop("source", None)
        return evolve(mapping_of(settings, FOLDER / f"{self.file}.toml"), optional=True)

    @property
    def has_lists(self) -> bool:
        """Whether its rows have lists whose elements are what counts."""
        return any("." in column for column in self.columns)


@functools.cache
def shapes() -> tuple[Shape, ...]:
    """Return all shapes of all formats, by the names of formats."""
    files = sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != COMMON)
    return tuple(sorted((Shape(file=file, **_read(file)["format"]) for file in files), key=lambda shape: shape.name))


def names() -> list[str]:
    """Return the names of the formats."""
    return sorted({shape.name for shape in shapes()})


def first_of(name: str) -> Shape:
    """Return the first of the shapes of a format."""
    return next(shape for shape in shapes() if shape.name == name)


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{file}.toml").read_text())


def _settings(file: str) -> dict[str, Any]:
    """Return what a mapping says: with the definitions of all, and with the tables of the one that it is like."""
    own = _read(file)
    like = own.pop("format").get("like")
    settings = _settings(like) if like else {"let": _read(COMMON)["let"]}
    let = {**settings.pop("let"), **own.pop("let", {})}
    return {**settings, **own, "let": let}
