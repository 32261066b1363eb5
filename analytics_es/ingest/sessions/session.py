"""One file of an agent's while its records are read: what was read of it before, as JSON can keep it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field


@define
class Session:
    """What a declaration knows beside the record it looks at.

    path: the file.
    home: the folder of the agent's that it is in.
    notes: what it wrote down of this file, to be read with its next records: JSON, with texts as keys.
    known: what is remembered under a key, of all files and for ever; None where nothing is.
    modified: when the file changed last, in Unix seconds.
    """

    path: Path
    home: Path
    known: Callable[[str], str | None]
    modified: float = 0.0
    notes: dict[str, Any] = field(factory=dict)

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders between home and file."""
        return self.path.relative_to(self.home).parts[:-1]
