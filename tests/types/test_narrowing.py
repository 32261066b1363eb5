"""What a type checker knows of a result once it is asked whether it went well."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from mypy import api

from analytics_es import Failed, Succeeded, types
from analytics_es.errors import AnalyticsError, OperationFailed
from analytics_es.types import Failure, OperationResult

ROOT = Path(__file__).parents[2]
USER = """
from typing import assert_type
from analytics_es.types.result import Failed, Failure, OperationResult, Succeeded

def recorded() -> OperationResult[int]:
    return Succeeded(42)

def anything() -> OperationResult[object]:
    return recorded()  # a result of int is one of object

def flushed() -> OperationResult[None]:
    return Succeeded(None)

result = recorded()
if result.ok:
    assert_type(result.value, int)
else:
    assert_type(result.failure, Failure)
if result.failure is None:
    assert_type(result.value, int)
if result.failure:
    assert_type(result.failure, Failure)
else:
    assert_type(result.value, int)
if not result.ok:
    raise SystemExit(result.failure.message)
assert_type(result.value, int)

def told(result: OperationResult[int]) -> str:
    match result:
        case Succeeded(value=number):
            return str(assert_type(number, int))
        case Failed(failure):
            return failure.message

def told_by_place(result: OperationResult[int]) -> int:
    match result:
        case Succeeded(number):
            return number
        case Failed(failure=failure):
            return len(failure.code)

end = flushed()
if end.ok:
    assert_type(end.value, None)
else:
    assert_type(end.failure, Failure)
assert_type(recorded().unwrap(), int)
assert_type(recorded().then(str).unwrap(), str)
assert_type(recorded().then(lambda number: [number]).unwrap(), list[int])
"""
PLANTED = """
from analytics_es.types.result import OperationResult

def asked(result: OperationResult[str]) -> None:
    result.value.upper()  # wrong: not asked whether it went well
    result.failure.message  # wrong
    if result.ok:
        result.value.uper()  # wrong
    else:
        result.failure.mesage  # wrong
        result.value.upper()  # wrong
    result.unwrap().uper()  # wrong
    number: OperationResult[int] = result  # wrong
"""


def complaints(folder: Path, program: str) -> list[int]:
    """Return the lines of a user's program that mypy --strict refuses, without the rest of our package."""
    package = folder / "analytics_es"
    (package / "types").mkdir(parents=True)
    for name in ("errors.py", "types/result.py"):
        shutil.copy(ROOT / "analytics_es" / name, package / name)
    (package / "__init__.py").touch()
    (package / "types" / "__init__.py").touch()
    (folder / "user.py").write_text(program)
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'narrowing'}"
    told, trouble, _ = api.run(["--strict", cache, "--config-file=", str(folder / "user.py"), str(package)])

    assert trouble == ""
    assert re.findall(r"^.*analytics_es/.*error.*$", told, re.M) == []
    return sorted({int(line) for line in re.findall(r"user\.py:(\d+): error", told)})


def test_a_type_checker_knows_the_value_once_the_result_is_asked(tmp_path: Path) -> None:
    assert complaints(tmp_path, USER) == []


def test_a_type_checker_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = [number for number, line in enumerate(PLANTED.splitlines(), 1) if "# wrong" in line]

    assert complaints(tmp_path, PLANTED) == wrong


def test_match_tells_them_apart() -> None:
    def told(result: OperationResult[int]) -> object:
        match result:
            case Succeeded(value):
                return value
            case Failed(failure):
                return failure.code

    assert told(Succeeded(42)) == 42
    assert told(Failed(Failure(code="store_busy", message="Somebody else writes."))) == "store_busy"


def test_both_are_operation_results() -> None:
    assert isinstance(Succeeded(None), OperationResult)
    assert isinstance(Failed(Failure(code="a", message="b")), OperationResult)
    assert OperationResult[int] is not None
    assert types.OperationResult is OperationResult


def test_a_failure_made_by_hand_is_raised_too() -> None:
    with pytest.raises(OperationFailed, match=r"Somebody else writes\. \(code store_busy") as caught:
        Failed(Failure(code="store_busy", message="Somebody else writes.")).unwrap()

    assert isinstance(caught.value, AnalyticsError)


def test_a_success_of_none_is_a_success() -> None:
    done = Succeeded(None)

    assert (done.ok, done.value, done.failure, done.unwrap()) == (True, None, None, None)
