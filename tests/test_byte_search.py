"""The search of every byte finds a text wherever a store may have it, in whatever form."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.byte_search import PIECE, Tables, holders
from tests.servers import Server
from tests.stores import sql

NAME = 'Zoë "Quux" O\'Brien\\日本\n& co'
MANY = [f"needle number {n}" for n in range(3000)]


def _parquet(value: bytes) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"state": [value, None]}), sink, compression="zstd")
    return sink.getvalue()


def _sqlite(value: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (state)")
        connection.execute("INSERT INTO t VALUES (?)", [b"." * 4090 + value])  # over the edge of a page
        return connection.serialize()


FORMS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-16, little": lambda text: text.encode("utf-16-le"),
    "UTF-16, big": lambda text: text.encode("utf-16-be"),
    "JSON": lambda text: json.dumps(text, ensure_ascii=False).encode(),
    "JSON in ASCII": lambda text: json.dumps(text).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"a": text})).encode(),
    "CSV": lambda text: text.replace('"', '""').encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "base64, 0": lambda text: base64.b64encode(text.encode()),
    "base64, 1": lambda text: base64.b64encode(b"x" + text.encode()),
    "base64, 2": lambda text: base64.b64encode(b"xy" + text.encode()),
}
CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": bytes,
    "gzip": gzip.compress,
    "gzip that ends too early": lambda content: gzip.compress(content)[:-6],
    "two members of gzip": lambda content: gzip.compress(b"first") + gzip.compress(content),
    "zlib": zlib.compress,
    "zstd": lambda content: pa.compress(content, "zstd", asbytes=True),
    "Parquet": _parquet,
    "Parquet in gzip": lambda content: gzip.compress(_parquet(content)),
    "a cell of SQLite": _sqlite,
    "Parquet in a cell": lambda content: _cell(_parquet(content)),
}


def _cell(value: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE sealed (content BLOB)")
        connection.execute("INSERT INTO sealed VALUES (?)", [value])
        return connection.serialize()


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("form", FORMS)
def test_a_text_is_found_in_every_form_and_container(tmp_path: Path, form: str, container: str) -> None:
    (tmp_path / ".inner").mkdir()
    (tmp_path / ".inner" / "x.part").write_bytes(CONTAINERS[container](b"before " + FORMS[form](NAME) + b" after"))

    found = holders(tmp_path, [NAME, "somebody else"])

    assert list(found) == [NAME]
    assert all(name.startswith(".inner/x.part") for name in found[NAME])


def test_of_many_each_is_found_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"." * (PIECE - 10) + b"needle number 17" + b"." * PIECE + b"needle number 290")
    (tmp_path / "needle number 3").touch()

    assert holders(tmp_path, MANY) == {
        "needle number 17": ["a"],
        "needle number 2": ["a"],
        "needle number 29": ["a"],
        "needle number 290": ["a"],
        "needle number 3": ["needle number 3!name"],
        "needle number 1": ["a"],
    }
    assert holders([tmp_path / "a", tmp_path / "none"], ["needle number 290", ""]) == {"needle number 290": ["a"]}


def test_what_is_in_a_write_ahead_log_is_found_as_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    sql(path, "PRAGMA journal_mode = wal")
    with closing(sqlite3.connect(path)) as reader:
        sql(path, "CREATE TABLE t (name TEXT)")
        reader.execute("SELECT * FROM t").fetchall()
        sql(path, "INSERT INTO t VALUES (?)", NAME)
        found = holders(tmp_path, [NAME])

    assert "a.db!t.name" in found[NAME]
    assert found[NAME] == ["a.db!t.name", "a.db-wal"]


def test_every_cell_and_catalogue_of_postgres_is_searched(postgres: Server) -> None:
    url = postgres.database()
    own = Server(url)
    own.run("CREATE SCHEMA elsewhere")
    own.run("CREATE TABLE elsewhere.t (state bytea, name text, data jsonb, list text[])")
    own.run("INSERT INTO elsewhere.t (state) VALUES (%s)", _parquet(b"in a container"))
    own.run(
        "INSERT INTO elsewhere.t (name) "
        "SELECT string_agg(md5(n::text), '') || 'toasted' FROM generate_series(1, 9999) AS n"
    )
    own.run("INSERT INTO elsewhere.t (data, list) VALUES ('{\"a\": [\"in json\"]}', ARRAY['in an array'])")
    own.run("CREATE INDEX i ON elsewhere.t (name) WHERE name = 'of an index'")
    own.run("COMMENT ON TABLE elsewhere.t IS 'of a comment'")
    own.run("CREATE TABLE gone (name text)")
    own.run("INSERT INTO gone SELECT 'of statistics' FROM generate_series(1, 9)")
    own.run("ANALYZE gone")
    own.run("DELETE FROM gone")
    needles = ["in a container", "toasted", "in json", "in an array", "of an index", "of a comment", "of statistics"]

    found = holders(Tables(url), [*needles, "nobody"])

    assert found == {
        "in a container": ["t.state", "t.state!(statistics)", "t.state!state"],
        "toasted": ["t.name"],
        "in json": ["t.data"],
        "in an array": ["t.list"],
        "of an index": ["(indexes)"],
        "of a comment": ["(comments)"],
        "of statistics": ["(statistics)"],
    }
    assert holders(Tables(url, "public"), needles) == {"of statistics": ["(statistics)"]}
