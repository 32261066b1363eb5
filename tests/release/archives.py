"""The archives: built, complete, and holding nothing else."""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

from tests.release.commands import demand, run
from tests.release.pythons import ROOT

TAKEN = ("analytics_es", "docs", "projections", "tests", "LICENSE", "Makefile", "README.md", "pyproject.toml")
LINKED = re.compile(r"\]\(([^)\s]+)|(?:href|src|srcset)=\"([^\"\s]+)")


def build(into: Path) -> str:
    """Build the archive of the sources, and from that the wheel, as an index and its users do."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", into, ROOT, cwd=into.parent)
    return ", ".join(f"{path.name} {path.stat().st_size / 1000:.0f} kB" for path in sorted(into.iterdir()))


def check(folder: Path) -> str:
    """Look at what is in them: the modules of this checkout and what lies beside them, and nothing else."""
    wheel, source = _wheel(folder), _source(folder)
    beside = {"analytics_es/py.typed", "analytics_es/projection/kept_expressions.json"}
    mappings = ROOT / "analytics_es/ingest/files/bundled"
    beside |= {path.relative_to(ROOT).as_posix() for path in mappings.glob("*.toml")}
    static = ROOT / "analytics_es/presentation/static"
    beside |= {path.relative_to(ROOT).as_posix() for path in static.iterdir()}
    ours = {*beside, *(f"analytics_es/{path}" for path in _modules(ROOT / "analytics_es"))}
    inside = {name for name in wheel if ".dist-info/" not in name}
    demand(inside == ours, f"The wheel has not what is here, or more: {sorted(inside ^ ours)}")
    demand({name.partition("/")[0].partition("-")[0] for name in wheel} == {"analytics_es"}, f"The wheel has {wheel}")
    listed = {f"projections/{path}" for path in _modules(ROOT / "projections")}
    twice = listed | {f"analytics_es/{path}" for path in listed}
    demand(twice <= source, f"The archive of the sources lacks {sorted(twice - source)}")
    missing = [name for name in TAKEN if not any(path.split("/")[0] == name for path in source)]
    demand(not missing, f"The archive of the sources lacks {missing}")
    return f"{len(wheel)} files in the wheel, {len(source)} in the sources"


def check_page(folder: Path) -> str:
    """Look at the page that an index shows: it renders, and every link leads out of it."""
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(folder.iterdir()), cwd=folder)
    about = _metadata(folder)
    links = [markdown or html for markdown, html in LINKED.findall(str(about.get_payload()))]
    wrong = [link for link in links if not link.startswith(("https://", "#"))]
    demand(links and not wrong, f"Links that lead nowhere on an index: {wrong}")
    labels = [str(url).partition(",")[0] for url in about.get_all("Project-URL", [])]
    demand(labels == ["Homepage", "Documentation", "Source", "Changelog", "Issues"], f"Project-URLs are {labels}")
    demand(about["Author"] and about["License-Expression"] == "MIT", "It does not say whose it is")
    return f"{len(links)} links, version {about['Version']}"


def check_without_links(folder: Path) -> str:
    """Build a wheel of a checkout in which a link is a file that says where to, as on Windows."""
    checkout = folder / "without-links"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "tests")
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=ignored)
    (checkout / "analytics_es" / "projections").unlink()
    (checkout / "analytics_es" / "projections").write_text("../projections")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", checkout / "dist", cwd=checkout)
    demand(_wheel(checkout / "dist") == _wheel(folder / "dist"), "It lacks what the link leads to")
    return "the same files"


def _modules(folder: Path) -> set[str]:
    """Return the modules below a folder, links followed."""
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
    linked = [path for path in folder.iterdir() if path.is_symlink()]
    return files | {f"{link.name}/{path.name}" for link in linked for path in link.glob("*.py")}


def _wheel(folder: Path) -> set[str]:
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def _source(folder: Path) -> set[str]:
    (path,) = folder.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def _metadata(folder: Path) -> Message:
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())
