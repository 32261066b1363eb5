"""Sealed rows without a subject: their events are gone, so that only the keys can tell whose they are."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

from analytics_es.events.fields import ENTITIES, TAG, named_by
from analytics_es.lifecycle.computed_keys import Columns, ComputedKey, Made, Path, path_of
from analytics_es.lifecycle.masking import Masking
from analytics_es.lifecycle.spelling import folded
from analytics_es.log.seals import SealedRows
from analytics_es.projection import engine
from analytics_es.projection.declaration import Declaration, Key, shortened
from analytics_es.projection.expressions import references
from analytics_es.projection.rows import Row

Values = Sequence[str]


@define
class MaskedRows:
    """Masks the subject in rows of read models, and notes where it is left, or may be.

    A key is masked where it is the subject's name, and its SQL takes that from a field that says who somebody is:
    alone, or among others that the row does not tell. What is computed from the name cannot be masked, since rows of
    others may have the same; what comes from other fields is left, as it is in events.
    """

    masking: Masking
    mentions: Counter[str] = field(factory=Counter)  # rows by key, as are the next
    spelled: Counter[str] = field(factory=Counter)
    left: dict[tuple[str, str], set[int]] = field(factory=lambda: defaultdict(set))  # days, by projection and key
    _engine: engine.Engine = field(init=False, factory=lambda: engine.Engine(threads=1))  # opened when it is asked
    _same: Callable[[str], str] = field(init=False, factory=lambda: functools.lru_cache(100_000)(folded))

    def __call__(self, sealed: SealedRows, declaration: Declaration, rows: Sequence[Row]) -> list[Row]:
        """Return rows of one day as they are to be."""
        names = declaration.row_key
        columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
        masked = {key.name: self._key(sealed, declaration, key, columns) for key in declaration.keys}
        if all(values is columns[name] for name, values in masked.items()):
            return list(rows)
        keys = zip(*({**columns, **masked}[name] for name in names), strict=True)
        return [(*key, *row[len(names) :]) for key, row in zip(keys, rows, strict=True)]

    def close(self) -> None:
        """Close the engine that told what SQL makes of names."""
        self._engine.close()

    def remains(self) -> Iterator[str]:
        """Say in words what could not be masked."""
        for (projection, key), days in sorted(self.left.items()):
            number = f"{len(days):,} day{'s' if len(days) > 1 else ''}"
            yield f"sealed rows of the projection {projection} ({number}): their key {key} is computed from the name"

    # ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _key(self, sealed: SealedRows, declaration: Declaration, key: Key, columns: Columns) -> Values:
        values = columns[key.name]
        masked: Values
        if key.of_entity:
            types = columns[declaration.entity_key("type")] if key.of_entity == "id" else [""] * len(values)
            masked = [self._plain(text, _path_of_entity(entity)) for text, entity in zip(values, types, strict=True)]
        else:
            masked = self._of_sql(sealed, declaration, key, columns)
        return self._told(sealed, key, values, masked)

    def _of_sql(self, sealed: SealedRows, declaration: Declaration, key: Key, columns: Columns) -> Values:
        try:
            path, reads = path_of(key.sql), references(key.sql)
        except ValueError:  # of a definition that only an earlier engine could read
            path, reads = None, None
        if path or (reads is not None and not any(map(self.masking.names, reads))):
            return [self._plain(text, path) for text in columns[key.name]]
        return self._computed(sealed, ComputedKey(declaration, key, self.masking.names), columns)

    def _plain(self, text: str, path: Path | None) -> str:
        """Return what takes the place of a text that a field is."""
        masking = self.masking
        if path is None or not masking.names(path):
            return text
        if text == shortened(masking.subject):
            return masking.mask
        return text.replace(masking.subject, masking.mask) if masking.names_within(path) else text

    def _computed(self, sealed: SealedRows, key: ComputedKey, columns: Columns) -> Values:
        subject, mask, values = self.masking.subject, self.masking.mask, columns[key.key.name]
        try:
            made = list(key.made(columns, subject, mask, self._engine))
            sure, decided, whole = key.is_sure, key.is_decided, key.is_decided or key.takes_whole
        except ValueError:
            made, sure, decided, whole = [None] * len(values), False, False, False
        for text, one in zip(values, made, strict=True):
            if text and text != shortened(subject) and (not whole or self._may_hold(text, one, sure)):
                self.left[sealed.projection, key.key.name].add(sealed.day)
        return [self._replaced(text, one, decided) for text, one in zip(values, made, strict=True)]

    def _replaced(self, text: str, made: Made | None, decided: bool) -> str:
        if text != shortened(self.masking.subject):
            return text
        if made is None:
            return self.masking.mask
        if (replacement := made.replacement(text)) is not None:
            return replacement
        # Where other fields explain it, and nothing else can, it is no name.
        return text if decided and text in made.masked else self.masking.mask

    def _may_hold(self, text: str, made: Made | None, sure: bool) -> bool:
        if made is None:
            return True
        return made.is_named(text) or (not sure and made.is_computed(shortened(self.masking.subject)))

    # ── what is left ────────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, sealed: SealedRows, key: Key, values: Values, masked: Values) -> Values:
        """Note where the name is left, and return what is new, or the very values where nothing is."""
        subject, place = self.masking.subject, self.masking.sayable(f"sealed {sealed.projection}.{key.name}")
        spelled = self._same(subject)
        for text in masked:
            if spelled in self._same(text):
                (self.mentions if subject in text else self.spelled)[place] += 1
        return values if masked == values else masked


def _path_of_entity(entity: str) -> Path | None:
    return named_by(entity) if entity in ENTITIES or entity.startswith(TAG) else None
