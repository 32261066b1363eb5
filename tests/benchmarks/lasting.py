"""Stores that are too long to be made for every run: filled once, kept in a folder, used again while they are whole.

Whoever interrupts the filling loses little: the next run goes on where it stopped. Events that were recorded after the
last note are recorded again, which changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks import workload
from tests.benchmarks.store import Store, say

CHUNK = 50_000  # arguments that are recorded before it is noted how far it came
NOTE = "filled.json"


def lasting(folder: Path, size: int, calls_per_task: float) -> Store:
    """Return the store of a folder, filled, if it is not yet: it is made anew where it was made of another workload."""
    store, recipe = Store(folder, size, calls_per_task), _recipe(size, calls_per_task)
    note = _read(folder)
    if note.get("recipe") != recipe or not _whole(store, note):
        say(f"making a store of {size:,} events in {folder.name}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note = {"recipe": recipe, "told": 0}
    if "events" not in note:
        _fill(store, note)
    return store


def _whole(store: Store, note: dict[str, Any]) -> bool:
    """Whether the log holds what was noted: all of it, or as much as had been told when the filling stopped."""
    recorded = store.recorded() or 0
    return recorded == note["events"] if "events" in note else bool(recorded) or not note["told"]


def _fill(store: Store, note: dict[str, Any]) -> None:
    events = islice(store.week(), note["told"], None)
    with store.open() as analytics:
        while chunk := list(islice(events, CHUNK)):
            analytics.record_events(chunk).unwrap()
            note["told"] += len(chunk)
            _write(store.folder, note)
            sys.stderr.write(f"\r  recorded {note['told']:,} of about {store.size:,}")
            sys.stderr.flush()
    sys.stderr.write("\n")
    _write(store.folder, {**note, "events": store.events()})


def _recipe(size: int, calls_per_task: float) -> str:
    """Say what a store is made of."""
    source = Path(workload.__file__).read_bytes()
    return f"{size} {calls_per_task} {hashlib.sha256(source).hexdigest()}"


def _read(folder: Path) -> dict[str, Any]:
    path = folder / NOTE
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _write(folder: Path, note: dict[str, Any]) -> None:
    """Write a note at once: a run that is killed meanwhile leaves the one before."""
    unfinished = folder / f"{NOTE}.new"
    unfinished.write_text(json.dumps(note))
    unfinished.replace(folder / NOTE)
