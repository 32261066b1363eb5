"""Names behind pseudonyms, as a vault keeps them where that is wanted: encrypted, and tied to their entries."""

from __future__ import annotations

import secrets
from typing import Any

from analytics_es.errors import DamagedName, MissingExtra

PURPOSE = "the names of this vault"  # what the key of a vault is derived for
NONCE_BYTES = 12
BLOCK = 64  # bytes: how long a name is shall not be seen
BOUND_TO = b"analytics_es.vault.name.1"


def cipher(key: bytes) -> Any:
    """Return what encrypts and authenticates with a key; raises MissingExtra."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ModuleNotFoundError:
        raise MissingExtra(package="cryptography", extra="names") from None
    return ChaCha20Poly1305(key)


def seal(key: bytes, name: str, digest: bytes, pseudonym: str) -> bytes:
    """Return a name that only who has the key can read, and only as that of this entry."""
    plain = name.encode("utf-8", "surrogatepass") + b"\x01"
    nonce = secrets.token_bytes(NONCE_BYTES)
    padded = plain + b"\0" * (-len(plain) % BLOCK)
    return nonce + bytes(cipher(key).encrypt(nonce, padded, _entry(digest, pseudonym)))


def unseal(key: bytes, sealed: bytes, digest: bytes, pseudonym: str) -> str:
    """Return a name that was sealed; raises DamagedName where that was changed, or is of another entry."""
    aead = cipher(key)
    from cryptography.exceptions import InvalidTag

    try:
        padded: bytes = aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _entry(digest, pseudonym))
    except (InvalidTag, ValueError):  # the other one: it is shorter than anything that was sealed
        raise DamagedName(pseudonym=pseudonym) from None
    return padded.rstrip(b"\0")[:-1].decode("utf-8", "surrogatepass")


def _entry(digest: bytes, pseudonym: str) -> bytes:
    return BOUND_TO + digest + pseudonym.encode()
