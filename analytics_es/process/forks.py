"""Forks: who is told before the process forks and, in both processes, after it."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Any, Protocol
from weakref import WeakValueDictionary

from analytics_es.process import imports


class Forking(Protocol):
    """What must not be cut through by a fork."""

    def before_fork(self) -> None:
        """Come to rest and let nobody in; by default nothing, for what the child just leaves alone."""
        return

    def after_fork(self, *, child: bool) -> None:
        """Go on, or in the child begin anew: no other thread is left, and no connection may be used."""


# One for the process, because its forks are: nothing else tells of them.
_registered: WeakValueDictionary[int, Forking] = WeakValueDictionary()  # in the order they were made
_resting: list[Forking] = []
_forking = threading.Lock()
_hooked = False


def register(listener: Forking) -> None:
    """Tell a listener of every fork from now on, as long as it is there."""
    global _hooked
    if not _hooked and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
        _hooked = True
    _registered[id(listener)] = listener


def leave(resource: Any) -> None:
    """Never let a resource end in this process, not even when the process does: its end is the parent's affair."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(resource))


def _before() -> None:
    """Let all come to rest, the youngest first: it may need what is older until it does."""
    _forking.acquire()
    _resting.extend(reversed(list(_registered.values())))
    for listener in _resting:
        listener.before_fork()
    imports.rest()  # now that nobody needs one to come to rest


def _after(*, child: bool) -> None:
    imports.go_on()
    for listener in reversed(_resting):
        listener.after_fork(child=child)
    _resting.clear()


def _in_parent() -> None:
    _after(child=False)
    _forking.release()


def _in_child() -> None:
    _after(child=True)
    _forking.release()
