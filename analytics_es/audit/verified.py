"""When read models were verified last, and what was found: noted beside them, and gone with them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from analytics_es.errors import StoreFailed
from analytics_es.projection.declaration import Declaration
from analytics_es.store import Store
from analytics_es.types import LastVerification, Listing, ProjectionVerification, Verification

logger = logging.getLogger("analytics_es")

ALL = "all"
Standing = Mapping[str, tuple[Declaration, str]]  # what is live of each projection, and how often rows were replaced


def standing(store: Store, names: Sequence[str]) -> Standing:
    """Return what read models stand on, before they are verified."""
    with store.read_models.read() as snapshot:
        return {name: (snapshot.live[name], snapshot.swapped(name)) for name in names}


def note_verified(store: Store, verification: Verification, before: Standing) -> None:
    """Note what was found, beside the read models that were verified; `before` is what they stood on.

    Where that cannot be written, as on a full disk, what was found is told all the same.
    """
    told = {"at": store.clock().isoformat(), "scope": _scope(verification), "damaged": len(verification.damaged)}
    try:
        for verified in verification.projections:
            declaration, swapped = before[verified.projection]
            note = orjson.dumps({**told, "swapped": swapped, **_found(verified)}).decode()
            store.read_models.note_verified(declaration, note, whole=told["scope"] == ALL)
    except StoreFailed as error:
        logger.warning("That read models were verified could not be noted: %s", error)


def _found(verified: ProjectionVerification) -> dict[str, Any]:
    differences = len(verified.divergences) + len(verified.unreadable) + verified.omitted
    found = {"position": verified.position, "rows": verified.rows, "identical": verified.identical}
    return {**found, "differences": differences}


def _scope(verification: Verification) -> str:
    if verification.period:
        return f"{verification.period.start.isoformat()}/{verification.period.end.isoformat()}"
    if verification.sampled is not None:
        days = len(verification.sampled)
        return f"{days} {'day' if days == 1 else 'days'}, seed {verification.seed}"
    return ALL


def last_verifications(store: Store, names: Sequence[str]) -> Listing[LastVerification]:
    """List what was found last of all of each read model, and of a part of it where that was looked at later."""
    with store.read_models.read() as snapshot:
        noted = [(name, note, snapshot.swapped(name)) for name in names for note in snapshot.verified(name)]
    return Listing(_latest([_read(store, *row) for row in noted]), of=LastVerification)


def _latest(rows: Sequence[LastVerification]) -> Iterator[LastVerification]:
    """Leave out what was found of a part before all of it was looked at."""
    whole = {row.projection: row.verified_at for row in rows if row.scope == ALL}
    for row in rows:
        if row.scope == ALL or row.projection not in whole or row.verified_at > whole[row.projection]:
            yield row


def _read(store: Store, name: str, note: str, swapped: str) -> LastVerification:
    said = orjson.loads(note)
    return LastVerification(
        projection=name,
        scope=said["scope"],
        verified_at=datetime.fromisoformat(said["at"]).astimezone(store.calendar.zone),
        position=said["position"],
        identical=said["identical"],
        rows=said["rows"],
        differences=said["differences"],
        damaged=said["damaged"],
        derived_since=said["swapped"] != swapped,
    )
