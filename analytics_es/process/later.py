"""What takes long to import, libraries and rooms of our own: imported when something of it is first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Later:
    """Stands for a module; whatever is asked of it is the module's own."""

    def __init__(self, name: str, imported: Callable[[], None] | None = None) -> None:
        self._name, self._imported = name, imported

    def __getattr__(self, name: str) -> Any:
        module, imported = importlib.import_module(self._name), self._imported
        if imported:
            imported()
            self._imported = None
        own = getattr(module, name)
        setattr(self, name, own)  # from now on it is as quick as the module
        return own

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        """Be the module itself in another process, or as a copy."""
        return importlib.import_module, (self._name,)


def face(room: str, homes: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a room: names that are imported from their modules when they are first used."""
    home_of = {name: module for module, names in homes.items() for name in names}

    def imported(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {room!r} has no attribute {name!r}", name=name)
        own = getattr(importlib.import_module(f"{room}.{home_of[name]}"), name)
        setattr(sys.modules[room], name, own)
        return own

    return imported
