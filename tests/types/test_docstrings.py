"""What callers get back says of each of its fields what it is, in which unit, and when it is None."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import attrs
import pytest

from analytics_es import types
from analytics_es.events.event import RecordedEvent, TypeFacts
from analytics_es.projection import Histogram

MODULES = [
    importlib.import_module(f"{types.__name__}.{module.name}") for module in pkgutil.iter_modules(types.__path__)
]
CLASSES = [
    cls for module in MODULES for cls in vars(module).values() if attrs.has(cls) and cls.__module__ == module.__name__
]


@pytest.mark.parametrize("cls", [*CLASSES, Histogram, RecordedEvent, TypeFacts], ids=lambda cls: cls.__name__)
def test_each_field_has_a_line_of_its_own_in_the_docstring(cls: type) -> None:
    lines = re.findall(r"^(\w+): \S.*[.…]$", inspect.getdoc(cls) or "", re.MULTILINE)

    assert lines == [field.name for field in attrs.fields(cls) if not field.name.startswith("_")]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_class_is_exported_by_the_face(cls: type) -> None:
    assert cls.__name__ in types.__all__
    assert getattr(types, cls.__name__) is cls
