"""How answers are written in snapshots: without what is None, and on one line where a line is enough."""

from __future__ import annotations

from typing import Any

from syrupy.extensions.amber import AmberSnapshotExtension
from syrupy.extensions.amber.serializer import AmberDataSerializer

WIDTH = 160


class Brief(AmberDataSerializer):
    """Texts as they are; of anything else, what fits on a line is a line."""

    @classmethod
    def _serialize(cls, data: Any, **how: Any) -> str:
        return super()._serialize(data, **how) if isinstance(data, str) else brief(data)


class BriefSnapshots(AmberSnapshotExtension):
    """Snapshots in files of the usual kind."""

    serializer_class = Brief


def brief(data: Any, indent: str = "") -> str:
    """Return data as a literal of Python; a field that is None is left out."""
    if isinstance(data, dict):
        deeper, ends = indent + "  ", "{}"
        parts = [f"{name!r}: {brief(part, deeper)}" for name, part in data.items() if part is not None]
    elif isinstance(data, list):
        deeper, ends = indent + "  ", "[]"
        parts = [brief(part, deeper) for part in data]
    else:
        return repr(data)
    line = ", ".join(parts)
    if "\n" not in line and len(indent) + len(line) < WIDTH:
        return ends[0] + line + ends[1]
    return "\n".join([ends[0], *(f"{deeper}{part}," for part in parts), indent + ends[1]])
