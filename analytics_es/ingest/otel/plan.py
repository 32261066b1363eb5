"""How spans of one emitter with the same attributes are read: looked up in its tables once, followed many times."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from attrs import Factory, frozen

from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.otel.conventions import COMMON, EMITTERS
from analytics_es.ingest.otel.conventions.declaration import UNITS, Emitter, Name
from analytics_es.ingest.otel.conventions.own import OWN
from analytics_es.ingest.otel.conventions.texts import DONE, NOT_FREE, SAID
from analytics_es.ingest.otel.values import plain

MAX_ATTRIBUTES = 64
MAX_NAME = 128  # characters of an attribute's name

TOTALS = ("input_tokens", "output_tokens", "total_tokens")
PARTS = ("cache_read_tokens", "cache_creation_tokens", "reasoning_tokens")
WRITES = ("cache_creation_1h_tokens", "cache_creation_5m_tokens")
SPECIAL = (
    *("input_audio_tokens", "cache_read_audio_tokens", "output_audio_tokens"),
    *("input_image_tokens", "cache_read_image_tokens", "output_image_tokens", "searches"),
)
COUNTS = dict.fromkeys((*TOTALS, *PARTS, *WRITES, *SPECIAL))  # in this order
COSTS = frozenset(("cost", "input_cost", "output_cost"))
USAGE = COUNTS.keys() | COSTS
NUMBERS = COUNTS.keys() | {"attempt", "resends"}
# Fields that are no texts, or texts of which not each is taken.
DURATIONS, TRUTHS = ("time_to_first_chunk", "duration"), ("batch", "pending")
NOT_PLAIN = frozenset((*COSTS, *DURATIONS, *TRUTHS, "provider", "currency"))
# A span that tells one of these is one of GenAI.
TELLING = USAGE | {"operation", "kind", "provider", "request_model", "response_model"}

# ── the fields that become fields of an event, by what the span becomes ──────────────────────────────────────────

_COMMON = ("user_id", "tenant_id", "conversation_id", "agent_id", "job_id", "task_id", "error_type")
_CALLED = ("provider", "request_model", "response_model", "operation", "service_tier", "batch", "tool_of")
TAKEN: Mapping[str, frozenset[str]] = {
    "provider.call": frozenset(
        (*_COMMON, *_CALLED, "attempt", "resends", "time_to_first_chunk", "duration", *USAGE, "currency")
    ),
    "without usage": frozenset((*_COMMON, *_CALLED, "attempt", "resends", "time_to_first_chunk")),
    "tool.call": frozenset((*_COMMON, "attempt", "resends", "tool")),
    "retrieval": frozenset((*_COMMON, "attempt", "resends", "data_source")),
    "task": frozenset((*_COMMON, "attempt", "resends", "task_type")),
    "job": frozenset((*_COMMON, "attempt", "resends", "job_type")),
}


class Lookup(NamedTuple):
    """Where a field may be told: an attribute; in JSON the keys that lead to it; the unit, as milliseconds in one."""

    attribute: str
    inside: tuple[str, ...]
    per_unit: float
    currency: str
    words: Mapping[str, str] | None = None
    zero: bool = True


class Table:
    """The names of one emitter, and behind them those of all: which rows an attribute has, and their ranks."""

    def __init__(self, emitter: Emitter) -> None:
        self._exact, self._prefixes = dict[str, list[tuple[int, Name]]](), list[tuple[str, int, Name]]()
        others = [name for common in COMMON if common is not emitter for name in common.names]
        for rank, name in enumerate((*OWN.names, *emitter.names, *others, *_of_one_emitter())):
            if name.attribute.endswith("*"):
                self._prefixes.append((name.attribute[:-1], rank, name))
            else:
                rows = self._exact.setdefault(name.attribute, [])
                if not any((nearer.field, nearer.inside) == (name.field, name.inside) for _, nearer in rows):
                    rows.append((rank, name))
        self.told_by_all = sum(len(names) for names in (OWN.names, emitter.names, others))

    def rows(self, attribute: str) -> Iterator[tuple[int, Name]]:
        """Yield the rows of an attribute, with their ranks."""
        yield from self._exact.get(attribute, ())
        for prefix, rank, name in self._prefixes:
            if attribute.startswith(prefix):
                yield rank, name


@functools.cache
def _of_one_emitter() -> tuple[Name, ...]:
    """Return the names that mean one thing only, whoever writes them; of words without a dot only counts do."""
    meanings = dict[str, set[tuple[str, str | None, str | None]]]()
    rows = dict[str, list[Name]]()
    for emitter in EMITTERS:
        for name in emitter.names:
            rows.setdefault(name.attribute, []).append(name)
            meanings.setdefault(name.attribute, set()).add((name.field, name.unit, name.inside))
    return tuple(
        rows[attribute][0]
        for attribute, meaning in meanings.items()
        if len(meaning) == 1
        and not attribute.endswith("*")
        and ("." in attribute or rows[attribute][0].field in COUNTS)
    )


table_of = functools.cache(Table)  # by identity: there are as many as declarations


@frozen(kw_only=True, eq=False)
class Plan:
    """What to look up in spans that one emitter wrote with the same attributes.

    lookups: by field, where it may be told, the first that counts first.
    texts, numbers: of these the fields that one attribute tells, as a text or as a number, and nothing else has to do.
    others: of these the rest.
    counted: the fields that are counts of tokens, in order.
    telling: they are spans of GenAI, as one of their names says.
    tells_usage: one of their names tells tokens or a cost.
    unread: names that no row reads, as far as they may be stored.
    repeats: attributes with values that say that another span tells the same, or will.
    unfit: how many there are besides that are no names which can be stored.
    """

    emitter: Emitter
    lookups: tuple[tuple[str, tuple[Lookup, ...]], ...]
    texts: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, tuple[Lookup, ...]], ...]
    counted: tuple[str, ...]
    telling: bool
    tells_usage: bool
    unread: tuple[str, ...]
    unfit: int
    repeats: tuple[tuple[str, frozenset[str]], ...] = ()
    left: dict[str, tuple[str, ...]] = Factory(dict)

    def left_over(self, activity: str) -> tuple[str, ...]:
        """Return the names that no field of an event of an activity takes, in order."""
        if (names := self.left.get(activity)) is None:
            taken = TAKEN[activity]
            rest = {place.attribute for field, places in self.lookups if field not in taken for place in places}
            rest -= {place.attribute for field, places in self.lookups if field in taken for place in places}
            names = self.left[activity] = tuple(sorted({*self.unread, *(name for name in rest if is_kept(name))}))
        return names


def compiled(emitter: Emitter, names: Collection[str], *, recognised: bool) -> Plan:
    """Return how to read the attributes of these names."""
    table, fields = table_of(emitter), dict[str, list[tuple[int, Lookup]]]()
    own_texts = frozenset(emitter.free_text)
    unread, unfit, telling = list[str](), 0, False
    for attribute in names:
        rows = list(table.rows(attribute))
        for rank, name in rows:
            fields.setdefault(name.field, []).append((rank, _lookup(name, attribute)))
            telling |= name.field in TELLING and (recognised or rank < table.told_by_all)
        if not rows and not is_free_text(attribute, own_texts):
            kept = is_kept(attribute)
            unread += [attribute] if kept else []
            unfit += not kept and not is_person(attribute)
    lookups = {field: _once(place for _, place in sorted(places, key=_rank)) for field, places in fields.items()}
    alone = {
        field: places[0].attribute
        for field, places in lookups.items()
        if len(places) == 1 and not places[0].inside and places[0].words is None and field not in NOT_PLAIN
    }
    return Plan(
        emitter=emitter,
        lookups=tuple(lookups.items()),
        texts=tuple((field, attribute) for field, attribute in alone.items() if field not in NUMBERS),
        numbers=tuple((field, attribute) for field, attribute in alone.items() if field in NUMBERS),
        others=tuple((field, places) for field, places in lookups.items() if field not in alone),
        counted=tuple(field for field in COUNTS if field in lookups),
        telling=telling,
        tells_usage=not USAGE.isdisjoint(lookups),
        unread=tuple(sorted(unread)),
        unfit=unfit,
        repeats=tuple((name, frozenset(words)) for name, words in emitter.repeats.items() if name in names),
    )


def _once(places: Iterable[Lookup]) -> tuple[Lookup, ...]:
    """Return places without those that are there already: several tables may have one name."""
    once = dict[tuple[str, tuple[str, ...]], Lookup]()
    for place in places:
        once.setdefault((place.attribute, place.inside), place)
    return tuple(once.values())


def _rank(ranked: tuple[int, Lookup]) -> int:
    return ranked[0]


def _lookup(name: Name, attribute: str) -> Lookup:
    keys = tuple(name.inside.split(".")) if name.inside else ()
    currency = (name.unit or "USD") if name.field in COSTS else ""
    return Lookup(attribute, keys, UNITS.get(name.unit or "", 1), currency, name.words, name.zero)


# ── names that are not kept ─────────────────────────────────────────────────────────────────────────────────────

FREE_TEXT = frozenset(
    (
        *(name for table in (SAID, DONE) for names in table.values() for name in names),
        *(name for emitter in COMMON for name in emitter.free_text),
        # A word alone, such as `output`, is a text where its emitter writes it, and may be anything elsewhere.
        *(name for emitter in EMITTERS for name in emitter.free_text if "." in name or "_" in name),
    )
)
PERSONS = frozenset(name for emitter in (*EMITTERS, *COMMON) for name in emitter.persons)


def is_kept(name: str) -> bool:
    """Say whether an attribute may be stored under its name: it tells no text and no person, and can be a name."""
    return len(name) <= MAX_NAME and plain(name) == name and not (is_free_text(name) or is_person(name))


def is_free_text(name: str, own: frozenset[str] = frozenset()) -> bool:
    """Say whether an attribute holds what was said: prompts, answers, arguments, documents; `own`: of its emitter."""
    return name not in NOT_FREE and (_is_below(name, FREE_TEXT) or _is_below(name, own))


def is_person(name: str) -> bool:
    """Say whether an attribute tells a person; or is what only we say of a span."""
    return _is_below(name, PERSONS) or name == CONTRADICTION


def _is_below(name: str, tops: frozenset[str]) -> bool:
    """Say whether a name, or what stands before one of its dots, is one of these."""
    end = len(name)
    while end > 0:
        if name[:end] in tops:
            return True
        end = name.rfind(".", 0, end)
    return False
