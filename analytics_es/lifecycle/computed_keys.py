"""What the SQL of a key makes of a name: how a key that was computed is told from one that is the name itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from analytics_es.process import Later
from analytics_es.projection import engine
from analytics_es.projection.declaration import Declaration, Key, shortened
from analytics_es.projection.declare import columns_for
from analytics_es.projection.expressions import Tree, nodes, references, tree

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

Path = tuple[str, ...]  # of a field, such as ("attributes", "team")
Columns = Mapping[str, Sequence[str]]  # of rows, by the name of their keys
Names = Callable[[Path], bool]


def path_of(sql: str) -> Path | None:
    """Return the field that an expression is, None where it is anything else."""
    return references(sql)[0] if tree(sql).get("class") == "COLUMN_REF" else None


def _fields_of(part: Any) -> set[Path]:
    return {tuple(node["column_names"]) for node in nodes(part) if node.get("class") == "COLUMN_REF"}


@frozen
class Made:
    """What a key would be of one row: with the subject's name and with the mask in its place.

    The rest of the event is not known: twice there is nothing, once what the key is.
    """

    named: tuple[str, str]
    masked: tuple[str, str]

    def is_named(self, text: str) -> bool:
        """Say whether the name makes this text, and the mask another one."""
        return any(a == text != b for a, b in zip(self.named, self.masked, strict=True))

    def is_computed(self, name: str) -> bool:
        """Say whether the name makes something else than itself."""
        return any(a not in (b, name) for a, b in zip(self.named, self.masked, strict=True))

    def replacement(self, text: str) -> str | None:
        """Return what takes the place of a text that the name makes, None where it does not make it."""
        return next((b for a, b in zip(self.named, self.masked, strict=True) if a == text != b), None)


@frozen
class ComputedKey:
    """A key whose SQL reads a field that says who somebody is."""

    declaration: Declaration
    key: Key
    names: Names

    @property
    def reads(self) -> list[Path]:
        """The fields that it reads."""
        return list(dict.fromkeys(references(self.key.sql)))

    @property
    def _others(self) -> dict[Path, str]:
        """The fields that it reads and other keys are: by field the name of that key."""
        plain = {path_of(key.sql): key.name for key in self.declaration.keys if not key.of_entity}
        return {path: plain[path] for path in self.reads if path in plain}

    @property
    def is_sure(self) -> bool:
        """Whether nothing but one name, and what other keys say, decides what it is."""
        unknown = [path for path in self.reads if path not in self._others]
        return not unknown or (len(unknown) == 1 and self.names(unknown[0]))

    @property
    def is_decided(self) -> bool:
        """Whether one name, and what other keys say, decide which of its fields it takes."""
        unknown = set(self.reads) - self._others.keys()
        named = {path for path in unknown if self.names(path)}
        conditions = [case["when_expr"] for node in nodes(tree(self.key.sql)) for case in node.get("case_checks", ())]
        return len(named) < 2 and not (_fields_of(conditions) & unknown) - named

    @property
    def takes_whole(self) -> bool:
        """Whether it takes names as they are, where it takes them at all."""
        return self._takes_whole(tree(self.key.sql))

    def _takes_whole(self, node: Tree) -> bool:
        if node.get("class") == "CASE":
            branches = [*(case["then_expr"] for case in node["case_checks"]), node.get("else_expr") or {}]
        elif node.get("type") == "OPERATOR_COALESCE":
            branches = node["children"]
        else:
            return node.get("class") == "COLUMN_REF" or not any(map(self.names, _fields_of(node)))
        return all(map(self._takes_whole, branches))

    def made(self, columns: Columns, subject: str, mask: str, asked: engine.Engine) -> Iterator[Made | None]:
        """Yield what it would be of each row of `columns`, None where the engine cannot tell."""
        others, values = self._others, columns[self.key.name]
        table = {f"c{n}": columns[name] for n, name in enumerate(others.values())}
        rows = pa.table({"v": pa.array(values, pa.string()), **{n: pa.array(c, pa.string()) for n, c in table.items()}})
        places = {path: f"c{n}" for n, path in enumerate(others)}
        try:
            with asked.alone() as connection:
                connection.register("sealed", rows)
                parts = [
                    [shortened(text) for (text,) in connection.execute(statement).fetchall()]
                    for statement in self._statements(places, subject, mask)
                ]
        except engine.EngineError:
            yield from (None for _ in values)
            return
        yield from (Made((a, c), (b, d)) for a, b, c, d in zip(*parts, strict=True))

    def _statements(self, places: Mapping[Path, str], subject: str, mask: str) -> Iterator[str]:
        """Yield the SELECTs of it with the name and the mask, first beside nothing, then beside what it is."""
        name = engine.quote(subject)
        for unknown in ("NULL", "v"):
            for who in (name, engine.quote(mask)):
                sources = {}
                for path in self.reads:
                    place = places.get(path)
                    if not self.names(path):
                        sources[path] = f"nullif({place}, '')" if place else unknown
                    else:
                        sources[path] = f"CASE WHEN {place} = {name} THEN {who} ELSE {place} END" if place else who
                yield self._statement(sources)

    def _statement(self, sources: Mapping[Path, str]) -> str:
        columns = []
        for name, kind in columns_for(list(sources), "text").items():
            if (name,) in sources:
                columns.append(f"TRY_CAST({sources[name,]} AS {kind}) AS {engine.quote_name(name)}")
            else:
                inner = [
                    f"{engine.quote_name(path[1])} := CAST({source} AS VARCHAR)"
                    for path, source in sources.items()
                    if path[0] == name and len(path) > 1
                ]
                columns.append(f"struct_pack({engine.sql_list(inner)}) AS {engine.quote_name(name)}")
        made = f"coalesce(TRY(CAST(({self.key.sql}) AS VARCHAR)), '')"
        return f"SELECT {made} FROM (SELECT {engine.sql_list(columns)} FROM sealed)"
