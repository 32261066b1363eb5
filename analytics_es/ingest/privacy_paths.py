"""Which rule of a policy fits a field: by its path, or by the words that its name is made of."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field, frozen

from analytics_es.errors import BadPolicy

REST = "**"  # what no other rule is about
WORDS = "~"  # how the path of a rule begins that is about words of names
KEEP = "keep"  # how actions begin that keep something
TOP = "attributes"  # what lies in it is named as if it were at the top

_PIECES = re.compile(r"[^\x00-@\[-`{-\xbf\s]+")  # letters, and what belongs to one in other scripts
_SHORTEST = 3  # letters of a part of a word that is two words in one
_LONGEST_NAME = 256  # characters whose words are looked at, from the end

Rules = tuple[tuple[str, str], ...]
Fitting = tuple[int, str]  # the place of a rule in the order, and what it says
Words = tuple[str, ...]


def plain(path: str) -> str:
    """Return a path as it is compared."""
    return path.lower().replace("_", "").replace("-", "")


def check_path(path: str) -> None:
    """Raise BadPolicy for a path that fits nothing."""
    if path.startswith(WORDS):
        if not all(map(all, _groups(path))):
            raise BadPolicy(problem=f"{path!r} names no words: write ~email, or ~user,owner name,id")
        return
    named = path.removeprefix("*.").removesuffix(".*")
    if path not in ("*", REST) and ("" in named.split(".") or "*" in named):
        raise BadPolicy(
            problem=f"{path!r} is not a path: write user_id, attributes.team, *.prompt, attributes.*, *.prompt.* "
            "or ~email"
        )


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────


@functools.lru_cache(maxsize=4096)
def words(name: str) -> Words:
    """Return the words of a name, which begin at capitals and after anything that is no letter; without accents."""
    runs = _PIECES.findall(name[-_LONGEST_NAME:])
    return tuple(_folded(word) for run in runs for word in _humps(run))


def _humps(run: str) -> Iterator[str]:
    """Split userEmail, APIKey and IDs at their capitals."""
    start = 0
    for n in range(1, len(run)):
        upper, before = run[n].isupper(), run[n - 1].isupper()
        after = n + 1 < len(run) and run[n + 1].islower() and run[n + 1 :] != "s"
        if upper and (not before or after):
            yield run[start:n]
            start = n
    yield run[start:]


@functools.lru_cache(maxsize=4096)
def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not _is_beside(letter))


def _is_beside(letter: str) -> bool:
    """Say whether a letter is only an accent, or not seen at all."""
    return bool(unicodedata.combining(letter)) or unicodedata.category(letter) == "Cf"


def _groups(path: str) -> tuple[Words, ...]:
    """Return the words of a rule by their place: those of `~user,owner name,id` are in two groups."""
    return tuple(tuple(map(_folded, group.split(","))) for group in path.removeprefix(WORDS).split(" "))


@define
class Vocabulary:
    """The phrases of all rules about words, by their last word: the groups of those before it, and the rule."""

    by_last: dict[str, list[tuple[tuple[frozenset[str], ...], Fitting]]] = field(init=False, factory=dict)
    known: set[str] = field(init=False, factory=set)

    def add(self, path: str, rule: Fitting) -> None:
        """Add the phrases of a rule."""
        groups = _groups(path)
        before = tuple(map(frozenset, groups[:-1]))
        for word in groups[-1]:
            self.by_last.setdefault(word, []).append((before, rule))
        self.known.update(*groups)

    def fitting(self, path: str, own: int) -> Fitting | None:
        """Return the rule of the last phrase that ends in the last key of a path, `own` characters long.

        Of several that end there the longest counts, and of these the last rule. A rule that keeps something is about
        names that end so: `team`, and not `team.lead`.
        """
        if not self.by_last:
            return None
        last = len(self._words(path[len(path) - own :]))
        every = self._words(path)
        for end in range(len(every), len(every) - last, -1):
            rule = self._ending(every[:end])
            if rule is not None and (end == len(every) or not rule[1].startswith(KEEP)):
                return rule
        return None

    def _ending(self, every: Words) -> Fitting | None:
        fitting = [
            (len(before), rule)
            for before, rule in self.by_last.get(every[-1], ())
            if len(before) < len(every)
            and all(word in group for word, group in zip(every[-1 - len(before) : -1], before, strict=True))
        ]
        return max(fitting)[1] if fitting else None

    def _words(self, name: str) -> Words:
        return tuple(part for word in words(name) for part in self._parts(word))

    def _parts(self, word: str) -> Words:
        """Return the two known words that a word is made of, such as those of `useremail`; else the word."""
        if word not in self.known:
            for n in range(_SHORTEST, len(word) - _SHORTEST + 1):
                if word[:n] in self.known and word[n:] in self.known:
                    return word[:n], word[n:]
        return (word,)


# ── rules ───────────────────────────────────────────────────────────────────────────────────────────────────────


@frozen(eq=False)
class Fits:
    """The rules of a policy, by how they fit."""

    rules: Rules
    rest: str | None  # what becomes of what no rule is about
    by_path: dict[str, Fitting]
    inside: tuple[tuple[str, Fitting], ...]  # of `*.name.*`: everything in a field of that name, anywhere
    vocabulary: Vocabulary

    @classmethod
    @functools.lru_cache(maxsize=32)
    def of(cls, rules: Rules) -> Fits:
        """Read checked rules."""
        by_path, inside, rest, vocabulary = dict[str, Fitting](), list[tuple[str, Fitting]](), None, Vocabulary()
        for place, (path, action) in enumerate(rules):
            if path == REST:
                rest = action
            elif path.startswith(WORDS):
                vocabulary.add(path, (place, action))
            elif path.startswith("*.") and path.endswith(".*"):
                inside.append((f".{plain(path)[2:-2]}.", (place, action)))
            else:
                by_path[plain(path)] = (place, action)
        return cls(rules, rest, by_path, tuple(inside), vocabulary)

    def by_words(self, rule: Fitting) -> bool:
        """Say whether a rule is about words of names."""
        return self.rules[rule[0]][0].startswith(WORDS)

    def last(self, path: str, own: int | None = None) -> Fitting | None:
        """Return the last rule that fits a path, whose last key is `own` characters long: of None, all of it."""
        parts = plain(path).split(".")
        fitting = [self.by_path[pattern] for pattern in _patterns(parts) if pattern in self.by_path]
        if self.inside:
            around = f".{'.'.join(parts)}"
            fitting += [rule for name, rule in self.inside if name in around]
        if rule := self.vocabulary.fitting(path, len(path.removeprefix(f"{TOP}.")) if own is None else own):
            fitting.append(rule)
        return max(fitting, default=None)


def _patterns(parts: Sequence[str]) -> Iterable[str]:
    yield ".".join(parts)
    yield "*"
    yield from (".".join(["*", *parts[n:]]) for n in range(len(parts)))
    yield from (".".join([*parts[:n], "*"]) for n in range(1, len(parts)))
