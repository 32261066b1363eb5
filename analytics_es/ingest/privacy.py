"""Privacy: what of an event may be stored, by the path of each field, and the presets for it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

import orjson
from attrs import evolve, field, frozen

from analytics_es.errors import BadPolicy
from analytics_es.events.checks import kind_of as kind_of_value
from analytics_es.events.fields import CONTRADICTION, ENTITIES, LEFT_OUT, TAG, named_by
from analytics_es.ingest import left_out
from analytics_es.ingest.plain_values import Remembered, is_id, is_plain, is_private_name, is_word
from analytics_es.ingest.privacy_names import (
    ACTIONS,
    DROP,
    DROP_TEXT,
    GUESSES,
    IDENTITY,
    KEEP,
    KEEP_ID,
    KEEP_PLAIN,
    KEEP_WORD,
    PRESETS,
    PSEUDONYMISE,
    TEXTS,
    unchecked,
)
from analytics_es.ingest.privacy_paths import REST, WORDS, Fits, Rules, check_path, plain
from analytics_es.types.values import plain as plain_value

__all__ = [
    "ACTIONS",
    "DEFAULT",
    "DROP",
    "DROP_TEXT",
    "IDENTITY",
    "KEEP",
    "PRESETS",
    "PSEUDONYMISE",
    "SHAPES",
    "PrivacyPolicy",
    "PseudonymOf",
    "Rules",
    "kind_of",
    "plain",
]

PERSON = "user"
REMEMBERED = 1000  # names of one level whose rule is known
DEFAULT = "pseudonymous"

PseudonymOf = Callable[[str, str], str]  # of what kind it is, and the raw text


def _checked(rules: Iterable[tuple[str, str]]) -> Rules:
    """Return rules with the very constants of this module as actions: they are compared by identity."""
    checked = []
    try:
        pairs = [(path, action) for path, action in rules]
    except (TypeError, ValueError):
        raise BadPolicy(problem="rules are pairs of a path and an action") from None
    for path, action in pairs:
        if action not in ACTIONS:
            raise BadPolicy(problem=f"{path} is to be {action!r}: use {', '.join(ACTIONS)}")
        check_path(path)
        checked.append((path, ACTIONS[ACTIONS.index(action)]))
    return tuple(checked)


@frozen(kw_only=True)
class PrivacyPolicy:
    """What becomes of each field: rules of path and action, of which the last that fits decides.

    A path leads from the top of `data`: `user_id`, `attributes.user.email`. `*.prompt` is that name anywhere,
    `attributes.*` everything below, `~email` a name of which that is the last word that any rule knows. Letters count
    alike in both cases, and `_` and `-` not at all. What no rule fits has the action of what it lies in, at the top
    that of the rule `**`, else `keep`. `drop_text` drops all but numbers and truth values; `keep_plain` keeps what is a
    number, a truth value, or a text that says nothing of anybody.
    """

    preset: str = "own"
    names: bool = False  # whether the vault keeps the names behind pseudonyms, for who has its key
    rules: Rules = field(converter=_checked)
    _plan: _Names = field(init=False, eq=False, repr=False)

    @_plan.default
    def _planned(self) -> _Names:
        fits = Fits.of(self.rules)
        return _Names(fits, "", fits.rest or KEEP)

    @classmethod
    def of(cls, policy: str | Mapping[str, Any] | PrivacyPolicy) -> PrivacyPolicy:
        """Return a preset by its name, or with own rules after it: `{"preset": …, "rules": {…}, "names": …}`.

        Raises BadPolicy.
        """
        if isinstance(policy, PrivacyPolicy):
            return policy
        policy = plain_value(policy)
        if not isinstance(policy, str | Mapping):
            problem = f"a preset is named, such as 'full', or rules are in a mapping, not in {kind_of_value(policy)}"
            raise BadPolicy(problem=problem)
        settings = {"preset": policy} if isinstance(policy, str) else {plain_value(key): policy[key] for key in policy}
        preset: Any = plain_value(settings.pop("preset", DEFAULT))
        rules: Any = settings.pop("rules", {})
        names: Any = settings.pop("names", False)
        if settings:
            raise BadPolicy(problem=f"{', '.join(map(str, settings))} is not known: use preset, rules and names")
        if not isinstance(names, bool):
            raise BadPolicy(problem=f"names is true or false, not {names!r:.40}")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise BadPolicy(problem=f"{preset!r} is not a preset: use {', '.join(PRESETS)}")
        rules = (
            {plain_value(path): plain_value(action) for path, action in rules.items()}
            if isinstance(rules, Mapping)
            else {0: 0}
        )
        if not all(isinstance(text, str) for text in (*rules, *rules.values())):
            raise BadPolicy(problem="rules must map paths to actions")
        return cls(preset=preset, names=names, rules=(*PRESETS[preset], *rules.items()))

    @classmethod
    def read(cls, announced: Mapping[str, Any]) -> PrivacyPolicy:
        """Return a policy as `to_dict` has written it, whatever its preset means today.

        Raises KeyError, TypeError and BadPolicy where it has more than this version knows, or less.
        """
        rules = [(rule["path"], rule["action"]) for rule in announced["rules"]]
        if not all(isinstance(text, str) for text in (announced["preset"], *chain.from_iterable(rules))):
            raise BadPolicy(problem="preset, paths and actions are texts")
        if more := announced.keys() - {"preset", "names", "rules", "fingerprint"}:
            raise BadPolicy(problem=f"{', '.join(sorted(more))} is not known")
        return cls(preset=announced["preset"], names=announced.get("names", False) is True, rules=tuple(rules))

    @property
    def fingerprint(self) -> str:
        """What tells this policy from every other; `full` has none."""
        told = (*self.rules, "names") if self.names else self.rules
        return hashlib.blake2b(orjson.dumps(told), digest_size=16).hexdigest() if told else ""

    @property
    def in_words(self) -> str:
        """What it is called, in few words."""
        return f"privacy {self.preset}{' with names' if self.names else ''}"

    def to_dict(self) -> dict[str, Any]:
        """Return what the log says of the policy in force."""
        rules = [{"path": path, "action": action} for path, action in self.rules]
        names = {"names": True} if self.names else {}
        return {"preset": self.preset, **names, "rules": rules, "fingerprint": self.fingerprint}

    def action(self, path: str) -> str:
        """Say what becomes of the field at a path."""
        rule = self._plan.fits.last(path)
        return rule[1] if rule else self._plan.inherited

    def keeping(self, named: Iterable[str] = (), read: Iterable[str] = ()) -> PrivacyPolicy:
        """Return a policy that keeps whatever is in fields that somebody has named, and in those that somebody reads.

        That goes before what a preset does not know, of named ones also before what it takes for texts; and not before
        who somebody is, secrets, and own rules. What was told before there was such a guess stays as it is.
        """
        if self._plan.fits.rest is None:
            return self
        lifted = [path for path in named if self._deciding(path) in (*GUESSES, *TEXTS)]
        lifted += [path for path in read if self._deciding(path) in GUESSES]
        return evolve(self, rules=(*self.rules, *((path, KEEP) for path in dict.fromkeys(lifted)))) if lifted else self

    def checking(self, fields: Iterable[str]) -> PrivacyPolicy:
        """Return what a preset is of events of which only these fields are checked: any other may hold anything.

        Of documented fields that are not checked, those of figures are kept only as far as they are plain.
        """
        if self._plan.fits.rest is None or self.preset not in PRESETS:
            return self
        return evolve(self, rules=unchecked(self.rules, fields))

    def _deciding(self, path: str) -> tuple[str, str]:
        rule = self._plan.fits.last(path)
        return self.rules[rule[0]] if rule else (REST, self._plan.inherited)

    @functools.cached_property
    def of_own(self) -> PrivacyPolicy:
        """What becomes of what the service says itself: only rules with a path are about that."""
        return evolve(self, rules=[rule for rule in self.rules if rule[0] != REST and not rule[0].startswith(WORDS)])

    @functools.cached_property
    def of_corrections(self) -> PrivacyPolicy:
        """What becomes of a correction: why a cost is corrected is for people to read."""
        return self.keeping(("note",))

    def pseudonymises(self, entity: str) -> bool:
        """Say whether an entity such as `user`, or a tag such as `attributes.email`, is known by pseudonyms."""
        named = entity in ENTITIES or entity.startswith(TAG)
        return named and self.action(".".join(named_by(entity))) == PSEUDONYMISE

    def treated(self, names: Iterable[str]) -> list[tuple[str, str, str]]:
        """Return the fields at the top of data that are not just kept: name, action, and whose pseudonyms it has."""
        plans = ((name, *self._plan[name]) for name in (names if self.rules else ()))
        return [(name, action, below.kind) for name, action, below in plans if action is not KEEP]

    def apply(self, data: dict[str, Any], pseudonym_of: PseudonymOf) -> dict[str, Any]:
        """Leave of checked data what may be stored, in place: who checked it made it anew."""
        contradiction = left_out.take_contradiction(data)
        if self._plan.fits.rest is None:  # rules of before: nothing is counted
            if self.rules:
                _apply(data, self._plan, pseudonym_of, [])
        else:
            before, lost = data.pop(LEFT_OUT, None), list[str]()
            _apply(data, self._plan, pseudonym_of, lost)
            if lost or before is not None:
                left_out.tell(data, lost, before)
        if contradiction is not None:
            data.setdefault("attributes", {})[CONTRADICTION] = contradiction
        return data


def kind_of(path: str) -> str:
    """Say whose pseudonyms a field has: those of its entity, else of a person."""
    return _KINDS.get(plain(path), PERSON)


_KINDS = {plain(name): entity for entity, name in ENTITIES.items()}


# ── compiled ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Names(dict[str, tuple[str, "_Names"]]):
    """What becomes of the names of one level, and of what lies in them; learnt when first asked.

    `stored` are the names that are known to be kept, `shapes` those whose texts are kept where they have one,
    `kind` whose pseudonyms there are on this level.
    """

    def __init__(self, fits: Fits, path: str, inherited: str) -> None:
        super().__init__()
        self.fits, self.path, self.inherited = fits, path, inherited
        self.stored: set[str] = set()
        self.shapes: dict[str, Remembered] = {}
        self.kind = kind_of(path)
        self.counted = False  # whether it is told that it is left out: not where a rule says so by its path

    def __missing__(self, name: str) -> tuple[str, _Names]:
        path = f"{self.path}.{name}" if self.path else name
        rule = self.fits.last(path, len(name))
        action = rule[1] if rule else self.inherited
        by_words = bool(rule and self.fits.by_words(rule))
        if self.fits.rest is not None and (by_words or rule is None) and is_private_name(name):
            action, by_words, path = DROP, True, f"{path}@"  # no name that is told
        of_texts = by_words and action in SHAPES  # a word, or an id: what lies in it has names of its own
        below = _Names(self.fits, path, (self.fits.rest or action) if of_texts else action)
        below.counted = action is not DROP or by_words
        if len(self) < REMEMBERED:
            self[name] = action, below
            if action is KEEP:
                self.stored.add(name)
            elif action in SHAPES:
                self.shapes[name] = SHAPES[action]
        return action, below


_NESTED = frozenset((dict, list))
_FIGURES = (int, float)
MOST_WORDS = 8  # of one list, that are no ids: more may be what somebody said, word by word
# Of which texts each of these keeps what it is about.
SHAPES = {action: Remembered(rule) for action, rule in ((KEEP_PLAIN, is_plain), (KEEP_ID, is_id), (KEEP_WORD, is_word))}
_IDS = SHAPES[KEEP_ID]


def _apply(data: dict[str, Any], names: _Names, pseudonym_of: PseudonymOf, lost: list[str]) -> None:
    """Treat what is not known to be kept, and what has something in it; most often that is little or nothing.

    The paths of what is left out, and is to be told, are added to `lost`.
    """
    stored, shapes, treated = names.stored, names.shapes, []
    for name, value in data.items():  # most fields are kept: that is seen without more
        kind = type(value)
        if kind not in _NESTED and (
            name in stored or ((shape := shapes.get(name)) is not None and (kind is not str or shape[value]))
        ):
            continue
        treated.append(name)
    for name in treated:
        value = data[name]
        action, below = names[name]
        kind = type(value)
        if (kept := SHAPES.get(action)) is not None and kind not in _NESTED:
            is_left_out = kind is str and not kept[value]
        elif action is DROP or (action is DROP_TEXT and not isinstance(value, _FIGURES)):
            is_left_out = True
        else:
            data[name] = _of_value(value, action, below, pseudonym_of, lost)
            continue
        if is_left_out:
            del data[name]
            if below.counted:
                lost.append(below.path)


def _of_value(value: Any, action: str, names: _Names, pseudonym_of: PseudonymOf, lost: list[str]) -> Any:
    kind = type(value)
    if kind is dict:
        _apply(value, names, pseudonym_of, lost)
        return value
    if kind is list:
        kept = SHAPES.get(action)
        if action is KEEP_WORD and sum(type(member) is str and not _IDS[member] for member in value) > MOST_WORDS:
            kept = _IDS
        staying = [member for member in value if kept is None or type(member) is not str or kept[member]]
        if len(staying) < len(value):
            lost.append(names.path)
        return [_of_value(member, action, names, pseudonym_of, lost) for member in staying]
    if action is not PSEUDONYMISE or value is None or value == "" or kind is bool:
        return value
    text = str(value)
    pseudonym = pseudonym_of(names.kind, text)
    return value if pseudonym is text else pseudonym
