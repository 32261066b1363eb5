"""Privacy: what of an event may be stored, by the path of each field, and the presets for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson
from attrs import field, frozen

from analytics_es.errors import BadPolicy
from analytics_es.events.checks import kind_of as kind_of_value
from analytics_es.events.fields import ENTITIES, FREE_TEXT, TAG, named_by
from analytics_es.types.values import plain as plain_value

KEEP, PSEUDONYMISE, DROP, DROP_TEXT = "keep", "pseudonymise", "drop", "drop_text"
ACTIONS = (KEEP, PSEUDONYMISE, DROP, DROP_TEXT)
PERSON = "user"
REMEMBERED = 1000  # names of one level whose rule is known

# Fields that say who somebody is, wherever they are: ours, OpenTelemetry's, and the usual ones.
IDENTITY = (
    *("user_id", "enduser.id", "enduser.pseudo.id", "user.id", "user.email", "user.name", "user.full_name"),
    *("user.hash", "user", "user_email", "user_name", "user_full_name", "username", "email", "email_address"),
    *("full_name", "first_name", "last_name", "phone", "phone_number", "customer_email", "customer_name"),
    *("client.address", "client.ip", "client_ip", "source.address", "http.client_ip", "net.peer.ip"),
    *("network.peer.address", "ip", "ip_address", "remote_addr", "x_forwarded_for", "device.id", "device_id"),
)
# What ties the events of somebody together without a name.
SESSIONS = ("conversation_id", "gen_ai.conversation.id", "session.id", "session_id", "thread_id")

Rules = tuple[tuple[str, str], ...]
PseudonymOf = Callable[[str, str], str]  # of what kind it is, and the raw text


def _anywhere(names: Iterable[str], action: str) -> Iterator[tuple[str, str]]:
    return ((f"*.{name}", action) for name in names)


PRESETS: dict[str, Rules] = {
    "full": (),
    "pseudonymous": (*_anywhere(IDENTITY, PSEUDONYMISE), *_anywhere(FREE_TEXT, DROP_TEXT)),
    "anonymous": (*_anywhere((*IDENTITY, *SESSIONS), DROP), *_anywhere(FREE_TEXT, DROP_TEXT)),
}
DEFAULT = "pseudonymous"


def _checked(rules: Iterable[tuple[str, str]]) -> Rules:
    """Return rules with the very constants of this module as actions: they are compared by identity."""
    checked = []
    for path, action in rules:
        if action not in ACTIONS:
            raise BadPolicy(problem=f"{path} is to be {action!r}: use {', '.join(ACTIONS)}")
        named = path.removeprefix("*.").removesuffix(".*")
        if path != "*" and ("" in named.split(".") or "*" in named):
            raise BadPolicy(problem=f"{path!r} is not a path: write user_id, attributes.team, *.prompt or attributes.*")
        checked.append((path, ACTIONS[ACTIONS.index(action)]))
    return tuple(checked)


@frozen(kw_only=True)
class PrivacyPolicy:
    """What becomes of each field: rules of path and action, of which the last that fits decides.

    A path leads from the top of `data`: `user_id`, `attributes.user.email`. `*.prompt` is that name anywhere,
    `attributes.*` everything below. Letters count alike in both cases, and `_` and `-` not at all. What no rule fits
    has the action of what it lies in, at the top `keep`. `drop_text` drops all but numbers and truth values.
    """

    preset: str = "own"
    names: bool = False  # whether the vault keeps the names behind pseudonyms, for who has its key
    rules: Rules = field(converter=_checked)
    _plan: _Names = field(init=False, eq=False, repr=False)

    @_plan.default
    def _planned(self) -> _Names:
        by_path = {plain(path): (place, action) for place, (path, action) in enumerate(self.rules)}
        return _Names(by_path, "", KEEP)

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
        return _action(self._plan.rules, path) or KEEP

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
        if self.rules:
            _apply(data, self._plan, pseudonym_of)
        return data


def kind_of(path: str) -> str:
    """Say whose pseudonyms a field has: those of its entity, else of a person."""
    return _KINDS.get(plain(path), PERSON)


def plain(path: str) -> str:
    """Return a path as it is compared."""
    return path.lower().replace("_", "").replace("-", "")


_KINDS = {plain(name): entity for entity, name in ENTITIES.items()}


# ── compiled ────────────────────────────────────────────────────────────────────────────────────────────────────


_ByPath = dict[str, tuple[int, str]]  # by the path of a rule, as it is compared, its place in the order and its action


def _action(rules: _ByPath, path: str) -> str | None:
    """Return what the last rule that fits a path says."""
    parts = plain(path).split(".")
    fitting = [".".join(parts), "*"]
    fitting += (".".join(["*", *parts[n:]]) for n in range(len(parts)))
    fitting += (".".join([*parts[:n], "*"]) for n in range(1, len(parts)))
    return max((rules[pattern] for pattern in fitting if pattern in rules), default=(0, None))[1]


class _Names(dict[str, tuple[str, "_Names"]]):
    """What becomes of the names of one level, and of what lies in them; learnt when first asked.

    `stored` are the names that are known to be kept, `kind` whose pseudonyms there are on this level.
    """

    def __init__(self, rules: _ByPath, path: str, inherited: str) -> None:
        super().__init__()
        self.rules, self.path, self.inherited = rules, path, inherited
        self.stored: set[str] = set()
        self.kind = kind_of(path)

    def __missing__(self, name: str) -> tuple[str, _Names]:
        path = f"{self.path}.{name}" if self.path else name
        action = _action(self.rules, path) or self.inherited
        below = _Names(self.rules, path, action)
        if len(self) < REMEMBERED:
            self[name] = action, below
            if action is KEEP:
                self.stored.add(name)
        return action, below


_NESTED = frozenset((dict, list))
_FIGURES = (int, float)


def _apply(data: dict[str, Any], names: _Names, pseudonym_of: PseudonymOf) -> None:
    """Treat what is not known to be kept, and what has something in it; most often that is little or nothing."""
    plain = _NESTED.isdisjoint(map(type, data.values()))
    if plain and names.stored.issuperset(data):
        return
    treated = data.keys() - names.stored
    if not plain:
        treated |= {name for name, value in data.items() if type(value) in _NESTED}
    for name in treated:
        value = data[name]
        action, below = names[name]
        if action is DROP or (action is DROP_TEXT and not isinstance(value, _FIGURES)):
            del data[name]
        else:
            data[name] = _of_value(value, action, below, pseudonym_of)


def _of_value(value: Any, action: str, names: _Names, pseudonym_of: PseudonymOf) -> Any:
    kind = type(value)
    if kind is dict:
        _apply(value, names, pseudonym_of)
        return value
    if kind is list:
        return [_of_value(member, action, names, pseudonym_of) for member in value]
    if action is not PSEUDONYMISE or value is None or value == "" or kind is bool:
        return value
    text = str(value)
    pseudonym = pseudonym_of(names.kind, text)
    return value if pseudonym is text else pseudonym
