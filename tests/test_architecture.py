"""What docs say of the house is so: rooms, paths, public names, words."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "analytics_es"
ARCHITECTURE, API = (ROOT / "docs" / "architecture.md").read_text(), (ROOT / "docs" / "api.md").read_text()
GLOSSARY = (ROOT / "docs" / "concepts.md").read_text().partition("## Glossary")[2]
ROOMS = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
PUBLIC = dict(re.findall(r"^\| `(analytics_es[a-z_.]*)` \| (.+?) \|", API, re.MULTILINE))


def below(base: Path) -> list[Path]:
    """Return where a path on the page may be counted from: the repository, the package, and each room."""
    return [base, PACKAGE, *(PACKAGE / room for room in ROOMS)]


def test_every_room_is_on_the_page_and_there_are_few() -> None:
    rooms = re.findall(r"^\| `([a-z_]+)` \|", ARCHITECTURE.partition("## Where to go")[0], re.MULTILINE)
    entries = [path for path in PACKAGE.iterdir() if path.suffix == ".py" or path.name in ROOMS]

    assert sorted(rooms) == sorted(ROOMS)
    assert len(entries) <= 21


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_/]+(?:\.py|\.md|/))`", ARCHITECTURE))))
def test_every_path_on_the_page_is_there(path: str) -> None:
    assert any((base / path).exists() for base in below(ROOT))


@cache
def imports(path: Path) -> list[tuple[str, str]]:
    """Return the module and the name of everything that a module of ours takes from another."""
    taken = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom) and node.module]
    return [(str(node.module), name.name) for node in taken for name in node.names]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_what_a_face_exports_is_imported_from_it(room: str) -> None:
    face = f"analytics_es.{room}"
    exported = {name for module, name in imports(PACKAGE / room / "__init__.py") if module.startswith(face)}
    outside = [path for path in PACKAGE.rglob("*.py") if (PACKAGE / room) not in path.parents]

    assert [
        (path.name, name)
        for path in outside
        for module, name in imports(path)
        if module.startswith(f"{face}.") and name in exported
    ] == []


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_public_names_are_those_of_the_page(module: str) -> None:
    face = importlib.import_module(module)
    names = [name for name in re.findall(r"`(\w+)`", PUBLIC[module]) if name not in ("code", "details")]

    assert [name for name in names if not hasattr(face, name)] == []
    assert sorted(names) == sorted(getattr(face, "__all__", names))


def test_examples_import_public_names_only() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    modules = {
        name for page in pages for name in re.findall(r"^from (analytics_es[\w.]*) import", page.read_text(), re.M)
    }

    assert modules - set(PUBLIC) == set()


def test_the_words_of_the_glossary_stand_once_and_sorted() -> None:
    rows = re.findall(r"^\| (\*\*.+?) \|", GLOSSARY, re.MULTILINE)
    words = [word for row in rows for word in re.findall(r"\*\*(.+?)\*\*", row)]

    assert sorted(rows, key=lambda row: row.replace("*", "")) == rows
    assert len(set(words)) == len(words)
