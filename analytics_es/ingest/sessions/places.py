"""Where things of this machine's user are kept: the ledger of agents' calls, and what was read of their files."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

import platformdirs

NAME = "analytics-es"
MACHINE = "ANALYTICS_ES_MACHINE"  # the variable that names this machine


def default_store() -> Path:
    """Return where the ledger is unless a store is named: a file in the user's data folder, which may not be there."""
    return Path(platformdirs.user_data_dir(NAME, appauthor=False)) / "agents.db"


def state_of(identity: str) -> Path:
    """Return where it is kept what was read already into the log of this identity: a cache, which may be lost."""
    return Path(platformdirs.user_cache_dir(NAME, appauthor=False)) / "sessions" / f"{identity}.db"


def machine_name() -> str:
    """Return what this machine is called: what the variable says, else its own name without the domain."""
    return os.environ.get(MACHINE) or platform.node().partition(".")[0]


def user_name() -> str:
    """Return who is logged in; "" where nobody can be told."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name, as containers have them
        return ""
