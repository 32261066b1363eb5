"""Names and values of attributes as emitters and frameworks send them, each with what is to become of it, and why.

Made from public conventions. No key here is one: they are made up when this is imported, of the shapes of their makers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import cycle
from string import ascii_letters, digits, hexdigits
from typing import Any

from attrs import frozen

from tests.privacy_names import ADDRESSES, FREE, KEPT, KEPT_FIGURES, PEOPLE, SECRETS, SESSIONS, SEVERAL

KEEP, PSEUDONYMISE, DROP = "keep", "pseudonymise", "drop"


@frozen
class Entry:
    """One attribute.

    name: of the attribute.
    value: a text, number, truth value or None.
    pseudonymous, anonymous: what becomes of it under each preset: keep, pseudonymise or drop.
    why: in a few words.
    """

    name: str
    value: Any
    pseudonymous: str
    anonymous: str
    why: str


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────


def made_up(length: int, alphabet: str = ascii_letters + digits, seed: str = "corpus") -> str:
    """Return letters that look random, and are the same in every run."""
    drawn = b"".join(sha256(f"{seed}{length}{n}".encode()).digest() for n in range(length // 32 + 1))
    return "".join(alphabet[byte % len(alphabet)] for byte in drawn[:length])


_HEX, _BASE64 = hexdigits[:16], ascii_letters + digits + "+/"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

# By its maker, a key of the shape it has.
KEYS = {
    "OpenAI": "sk" + "-" + made_up(48),
    "OpenAI project": "sk" + "-proj-" + made_up(120),
    "Anthropic": "sk" + "-ant-api03-" + made_up(93, ascii_letters + digits + "-_") + "AA",
    "Google": "AI" + "za" + made_up(35),
    "Google OAuth": "ya" + "29." + made_up(120, ascii_letters + digits + "-_"),
    "GitHub": "gh" + "p_" + made_up(36),
    "GitHub fine-grained": "github" + "_pat_" + made_up(82, ascii_letters + digits + "_"),
    "GitLab": "gl" + "pat-" + made_up(20),
    "Slack": "xo" + "xb-" + made_up(12, digits) + "-" + made_up(24),
    "Stripe": "sk" + "_live_" + made_up(24),
    "Stripe restricted": "rk" + "_live_" + made_up(24),
    "Stripe webhook": "wh" + "sec_" + made_up(32),
    "AWS access key": "AK" + "IA" + made_up(16, _UPPER),
    "AWS temporary key": "AS" + "IA" + made_up(16, _UPPER),
    "AWS secret": made_up(20, _BASE64) + "/" + made_up(19, _BASE64, "more"),
    "Hugging Face": "hf" + "_" + made_up(34),
    "Groq": "gs" + "k_" + made_up(52),
    "Replicate": "r8" + "_" + made_up(37),
    "Perplexity": "pp" + "lx-" + made_up(48),
    "xAI": "xa" + "i-" + made_up(80),
    "NVIDIA": "nv" + "api-" + made_up(64, ascii_letters + digits + "-_"),
    "OpenRouter": "sk" + "-or-v1-" + made_up(64, _HEX),
    "LangSmith": "ls" + "v2_pt_" + made_up(32, _HEX) + "_" + made_up(10, _HEX),
    "Langfuse": "sk" + "-lf-5a6f1c7e-0b5d-4a8e-9d52-7d1f0a3b9c11",
    "Pinecone": "pc" + "sk_" + made_up(60),
    "Tavily": "tv" + "ly-" + made_up(32),
    "SendGrid": "S" + "G." + made_up(22) + "." + made_up(43, seed="more"),
    "Twilio": "S" + "K" + made_up(32, _HEX),
    "Mailgun": "key" + "-" + made_up(32, _HEX),
    "npm": "np" + "m_" + made_up(36),
    "PyPI": "py" + "pi-AgEI" + made_up(120, ascii_letters + digits + "-_"),
    "DigitalOcean": "do" + "p_v1_" + made_up(64, _HEX),
    "Shopify": "sh" + "pat_" + made_up(32, _HEX),
    "Databricks": "da" + "pi" + made_up(32, _HEX),
    "HashiCorp Vault": "hv" + "s." + made_up(90),
    "Linear": "lin" + "_api_" + made_up(40),
    "Notion": "secret" + "_" + made_up(43),
    "Telegram": made_up(9, "123456789") + ":" + "AA" + made_up(33),
    "Mistral": made_up(32),
    "Cohere": made_up(40),
    "Azure": made_up(84),
    "a JSON web token": "ey" + "J" + made_up(33) + ".ey" + "J" + made_up(60, seed="more") + "." + made_up(43),
    "basic": "Basic " + made_up(32, _BASE64) + "==",
    "bearer": "Bearer " + made_up(40),
    "a private key": "-----BEGIN " + "PRIVATE KEY-----\n" + made_up(64, _BASE64),
    "an SSH key": "ssh-" + "ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + made_up(43, _BASE64),
    "a connection string": "postgresql://app:" + "hunter2" + "@db.internal:5432/app",
    "an Azure connection string": "DefaultEndpointsProtocol=https;AccountKey=" + made_up(86, _BASE64),
}

PROSE = (
    *("Summarise the contract of Ada Lovelace with Acme, please.", "My knee has hurt since the operation in May"),
    *("I cannot log in any more, can you help me?", "Bitte überweisen Sie 500 Euro an Frau Schmidt"),
    *("Pouvez-vous annuler mon rendez-vous de demain ?", "¿Cuándo llega mi pedido a la calle Mayor?"),
    *(
        "請幫我總結這份合約的重點內容",
        "患者は頭痛を訴えています。薬を処方してください",
        "Пожалуйста, отмените мой заказ",
    ),
    *('[{"role": "user", "content": "Who am I?"}]', '{"query": "divorce lawyer near me"}'),
    *("SELECT * FROM patients WHERE surname = 'Lovelace'", "rm -rf ~/Documents/taxes-2025"),
    *("Traceback (most recent call last):\n  File 'app.py', line 3", "<b>Dear Grace</b>, thank you for your letter."),
)
ADDRESSED = {
    "a mail address": ("ada.lovelace@example.com", "Grace.Hopper+news@navy.example", "müller@beispiel.example"),
    "a mail address in a URL": ("mailto:ada.lovelace@example.com",),
    "a name beside a mail address": ("Ada Lovelace <ada.lovelace@example.com>",),
    "a URL with a query": (
        "https://example.com/reset?user=ada.lovelace&code=8812",
        "https://shop.example/search?q=pregnancy+test",
    ),
    "a URL with a user": ("https://ada:geheim12@git.example/repo.git", "ftp://grace:cobol1959@files.example/a"),
    "a path in somebody's home": (
        *("/home/ada.lovelace/notes.txt", "/Users/grace.hopper/src/app", "C:\\Users\\Alan Turing\\Desktop"),
        *("~/letters/to-grace.md", "file:///Users/grace.hopper/a.pdf"),
    ),
    "an address of the network": (
        *("203.0.113.77", "203.0.113.78:51234", "2001:db8:85a3::8a2e:370:7334", "::ffff:203.0.113.9"),
        *("[2001:db8::17]:443", "00:1B:44:11:3A:B7", "fe80::1ff:fe23:4567:890a"),
    ),
    "a number of a phone": ("+49 170 1234567", "+4917012345678", "(555) 010-4477", "0170/1234567", "555-010-4477"),
    "a number of an account or card": ("DE89370400440532013000", "GB29NWBK60161331926819", "4111111111111111"),
    "a number of a person": ("078-05-1120", "4111 1111 1111 1111", "5500-0000-0000-0004"),
}
WORDS = (
    *("Ada", "Lovelace", "ada", "lovelace", "grace.hopper", "ada_lovelace", "alovelace", "ada1815", "AdaLovelace"),
    *("Müller", "José", "Björk", "Siobhán", "山田", "太郎", "Иванов", "محمد", "김철수", "Παπαδόπουλος", "turing-alan"),
    *("gracehopper", "xX_ada_Xx", "hunter2", "Sommer2024", "hunger", "diabetes", "Neukölln", "pregnant"),
)
# What says nothing: it is the value that decides.
NEUTRAL = (
    *("x", "extra", "custom.field", "detail", "misc.a", "acme.thing", "info", "app.state", "foo.bar", "flow.slot"),
    *("my_field", "zeta", "meta.k7", "app.whatever", "k1", "acme.widget.flavour", "blob", "zz_top", "param", "aux"),
)


# ── the corpus ──────────────────────────────────────────────────────────────────────────────────────────────────


def pairs(text: str) -> Iterator[tuple[str, Any]]:
    """Read `name = value | name = value`."""
    for pair in text.replace("\n", " ").split(" | "):
        name, _, value = pair.strip().partition(" = ")
        yield name, _value(value.removesuffix(" |"))


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


def _with(names: Iterable[str], values: Iterable[Any], pseudonymous: str, anonymous: str, why: str) -> Iterator[Entry]:
    """Give each name the next value."""
    return (Entry(name, value, pseudonymous, anonymous, why) for name, value in zip(names, cycle(values), strict=False))


def _everywhere(values: Iterable[Any], why: str) -> Iterator[Entry]:
    """Give each value the next name that says nothing: it is dropped for what it is."""
    return (Entry(name, value, DROP, DROP, why) for value, name in zip(values, cycle(NEUTRAL), strict=False))


def _entries() -> Iterator[Entry]:
    for emitter, names in FREE.items():
        yield from _with(names.split(), PROSE, DROP, DROP, f"what was said, as {emitter} names it")
        yield from _with(names.split(), ("Hello", "yes", "ok"), DROP, DROP, f"short, and said: {emitter}")
    for language, people in PEOPLE.items():
        for name, value in pairs(people):
            yield Entry(name, value, PSEUDONYMISE, DROP, f"who somebody is, in {language}")
    for language, people in ADDRESSES.items():
        for name, value in pairs(people):
            yield Entry(name, value, PSEUDONYMISE, DROP, f"where somebody is, or since when: {language}")
    yield from (Entry(name, value, KEEP, DROP, "what ties together what one did") for name, value in pairs(SESSIONS))
    yield from _with(SEVERAL.split(), ("ada.l@example.com", "Ada, Grace", "turing"), DROP, DROP, "several people")
    yield from _with(SECRETS.split(), KEYS.values(), DROP, DROP, "its name says that it is a secret")
    yield from _with(SECRETS.split(), ("f3a1" * 8, "hunter2", "opensesame"), DROP, DROP, "a secret of any shape")
    for maker, key in KEYS.items():
        yield from _with((NEUTRAL[len(maker) % 20], "note2"), (key,), DROP, DROP, f"a key, as of {maker}")
    for kind, values in ADDRESSED.items():
        yield from _everywhere(values, kind)
        yield from _with(("team", "feature"), values, DROP, DROP, f"{kind}, under a name that is kept")
    yield from _everywhere(PROSE, "prose")
    yield from _everywhere(WORDS, "a word that may be a name")
    for group, kept in KEPT.items():
        yield from (Entry(name, value, KEEP, KEEP, group) for name, value in pairs(kept))
    yield from _with(KEPT_FIGURES.split(), (7, 512, 0, 3.25, True), KEEP, KEEP, "a number, whatever its name says")


CORPUS: tuple[Entry, ...] = tuple(_entries())
