"""Damage of single events: columns that no door of ours has written so, told with the position of the event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from analytics_es.errors import BrokenEvent
from analytics_es.process import Later

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa, pc = Later("pyarrow"), Later("pyarrow.compute")

KEY_DIGITS = 32
HEX = b"0123456789abcdef"


def check(events: pa.Table) -> None:
    """Raise BrokenEvent for the first of some events as they are scanned that has a column of another shape.

    Their keys are looked at byte by byte; what a state says is for the fold, which sets aside what is no event.
    """
    names = [name for name in ("type", "state", "key") if name in events.column_names]
    if any(events.column(name).null_count for name in names) or not _are_keys(events):
        for position, *columns in zip(*(events.column(name).to_pylist() for name in ("position", *names)), strict=True):
            check_row(position, **dict(zip(names, columns, strict=True)))


def _are_keys(events: pa.Table) -> bool:
    return "key" not in events.column_names or all(map(_are_whole, events.column("key").chunks))


def _are_whole(keys: pa.StringArray) -> bool:
    if not len(keys):
        return True
    if pc.min_max(pc.binary_length(keys)).as_py() != {"min": KEY_DIGITS, "max": KEY_DIGITS}:
        return False
    _, offsets, digits = keys.buffers()
    first = memoryview(offsets).cast("i")[keys.offset]
    return not bytes(memoryview(digits)[first : first + KEY_DIGITS * len(keys)]).translate(None, HEX)


def check_rows(rows: Iterable[Sequence[Any]]) -> None:
    """Raise BrokenEvent for the first of some rows of position, type, state and, if there is one, key."""
    for position, event_type, state, *key in rows:
        check_row(position, event_type, state, *key)


def check_row(position: Any, type: Any = "", state: Any = b"", key: Any = "0" * KEY_DIGITS) -> None:
    """Raise BrokenEvent where a column is not what it should be."""
    if not isinstance(key, str) or not is_key(key):
        raise BrokenEvent(position=position, problem=f"its key is {_shown(key)}, not {KEY_DIGITS} digits of 0-9, a-f")
    if not isinstance(type, str):
        raise BrokenEvent(position=position, problem=f"its type is {_shown(type)}, and no text")
    if not isinstance(state, str | bytes):
        raise BrokenEvent(position=position, problem=f"its data is {_shown(state)}, and no bytes")


def is_key(key: str) -> bool:
    """Say whether a text can be the key of an event."""
    return len(key) == KEY_DIGITS and key.isascii() and not key.encode().translate(None, HEX)


def are_keys(keys: Sequence[Any]) -> bool:
    """Say whether all of many can be."""
    try:
        digits = "".join(keys)
    except TypeError:
        return False
    return {*map(len, keys)} <= {KEY_DIGITS} and digits.isascii() and not digits.encode().translate(None, HEX)


def _shown(column: Any) -> str:
    return "missing" if column is None else f"{column!r:.60}"
