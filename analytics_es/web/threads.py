"""Threads beside the one that serves: a pool for each purpose, so that none of them waits for another."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from attrs import define, field


@define
class Threads:
    """A pool of so many threads; in a process of a fork, which has none of them, it is another one."""

    number: int
    name: str
    _pools: dict[int, ThreadPoolExecutor] = field(factory=dict, init=False)  # by process

    def pool(self) -> ThreadPoolExecutor:
        """Return the pool of this process."""
        if os.getpid() not in self._pools:
            self._pools = {os.getpid(): ThreadPoolExecutor(self.number, self.name)}
        return self._pools[os.getpid()]
