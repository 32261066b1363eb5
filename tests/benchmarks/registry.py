"""Every measurement of this folder, found by its shape: a public function of a store and an effort that gives figures.

To add one, write a module here with such a function; its name is the name of the measurement, the first line of its
docstring what `--list` says. It leaves the store that it is given as it was: what records takes one of its own, or a
copy. tests/test_benchmarks.py runs all of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import get_type_hints

from attrs import evolve

from tests import benchmarks
from tests.benchmarks.figures import Effort, Figure
from tests.benchmarks.store import Store

Take = Callable[[Store, Effort], Iterator[Figure]]
SHAPE = {"store": Store, "effort": Effort, "return": Iterator[Figure]}


def measurements() -> dict[str, Take]:
    """Return all measurements by name, in the order of modules."""
    return {name: take for module in modules() for name, take in measurements_of(module).items()}


def measurements_of(module: ModuleType) -> dict[str, Take]:
    """Return the measurements that a module defines."""
    functions = {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }
    return {name: function for name, function in functions.items() if get_type_hints(function) == SHAPE}


def modules() -> list[ModuleType]:
    """Return the modules of this folder, without the program."""
    names = sorted(module.name for module in iter_modules(benchmarks.__path__) if module.name != "__main__")
    return [import_module(f"{benchmarks.__name__}.{name}") for name in names]


def figures_of(name: str, store: Store, effort: Effort) -> Iterator[Figure]:
    """Take the figures of a measurement, which say where they are from.

    Raises RuntimeError where it recorded into the store, which others read after it.
    """
    before = store.recorded()
    try:
        for figure in measurements()[name](store, effort):
            yield evolve(figure, measurement=name)
    finally:
        store.clear()
    if before is not None and store.recorded() != before:
        raise RuntimeError(f"{name} has recorded into a store that is not its own")


def about(take: Take) -> str:
    """Say in a line what a measurement measures."""
    return (inspect.getdoc(take) or "").partition("\n")[0]
