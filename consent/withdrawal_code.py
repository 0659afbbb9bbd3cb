"""A code on paper that withdraws a consent when the machine and its key are lost.

Rules:

* 26 random symbols of Crockford's base32 (130 bits) and two check symbols, written ``7HK2-9QTM-...`` in seven groups
  of four. The case, spaces and dashes do not matter; ``O`` is read as 0, ``I`` and ``L`` as 1, ``U`` as V.
* The check is a Reed-Solomon code over GF(32) (x^5+x^2+1) with distance 3: one or two wrong symbols anywhere, and so
  every swap of two, are always found; anything worse with probability 1023/1024.
* The code never leaves the volunteer until it is used. What is left with the operator is a withdrawal that the
  volunteer signed beforehand, sealed (AES-256-GCM) under one key derived from the code, and a lookup value derived
  under another label (HKDF-SHA-256, RFC 5869). Neither says anything about the code or about the other; 130 random
  bits need no slow hash.
* A sealed withdrawal is bound to its record id. It has one length, so that its size says nothing.
* A code does not show itself in a ``repr``, and so in no traceback or log.
"""

import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from consent.errors import CodeMistyped, CodeWrong

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_SYMBOLS = 26
SYMBOLS = SECRET_SYMBOLS + 2
GROUP = 4
LOOKUP_BYTES = 32
#: The plain text is padded to this; a withdrawal is about 800 bytes.
PADDED_BYTES = 2048
SEALED_BYTES = 12 + PADDED_BYTES + 16

_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
_IGNORED = str.maketrans("", "", " \t\r\n-\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}\N{NO-BREAK SPACE}")
_PRIMITIVE = 0b100101
_LONGEST_TYPED = 200


@dataclass(frozen=True, slots=True)
class WithdrawalCode:
    """A code that holds; made by ``new_code`` and ``parse_code`` only. ``str`` writes it for a person."""

    symbols: str = field(repr=False)

    def __str__(self) -> str:
        return "-".join(self.symbols[at : at + GROUP] for at in range(0, SYMBOLS, GROUP))

    @property
    def lookup(self) -> bytes:
        """The 32 bytes under which the sealed withdrawal is found."""
        return self._derive(b"sysmetric withdrawal code 1 lookup")

    @property
    def sealing_key(self) -> bytes:
        """The AES-256 key of the sealed withdrawal."""
        return self._derive(b"sysmetric withdrawal code 1 sealing")

    def _derive(self, label: bytes) -> bytes:
        return HKDF(SHA256(), LOOKUP_BYTES, salt=None, info=label).derive(self.symbols[:SECRET_SYMBOLS].encode())


def new_code(random_below: Callable[[int], int] = secrets.randbelow) -> WithdrawalCode:
    """A fresh code. ``random_below(n)`` gives a random number of 0..n-1."""
    secret = [random_below(32) for _ in range(SECRET_SYMBOLS)]
    return WithdrawalCode("".join(ALPHABET[value] for value in (*secret, *_check(secret))))


def parse_code(text: str) -> WithdrawalCode:
    """What a person typed. Raises CodeMistyped, which never repeats it."""
    symbols = text[:_LONGEST_TYPED].translate(_IGNORED).upper().translate(_LOOKALIKES)
    if len(symbols) != SYMBOLS or len(text) > _LONGEST_TYPED:
        raise CodeMistyped(f"a withdrawal code has {SYMBOLS} letters and digits in groups of {GROUP}; look for a gap")
    values = [ALPHABET.find(symbol) for symbol in symbols]
    if -1 in values or _syndromes(values) != (0, 0):
        raise CodeMistyped("the code does not hold together, so there is a typing mistake in it; compare it once more")
    return WithdrawalCode(symbols)


def seal(code: WithdrawalCode, record_id: str, withdrawal_jws: str) -> bytes:
    """The signed withdrawal so that only the code opens it: ``SEALED_BYTES`` bytes. ValueError when it is too long."""
    plain = withdrawal_jws.encode("ascii")
    if len(plain) >= PADDED_BYTES:
        raise ValueError(f"a withdrawal has fewer than {PADDED_BYTES} bytes")
    nonce = os.urandom(12)
    padded = plain + b"\x80" + bytes(PADDED_BYTES - len(plain) - 1)
    return nonce + AESGCM(code.sealing_key).encrypt(nonce, padded, _bound_to(record_id))


def unseal(code: WithdrawalCode, record_id: str, sealed: bytes) -> str:
    """The signed withdrawal, not verified yet. Raises CodeWrong."""
    try:
        padded = AESGCM(code.sealing_key).decrypt(sealed[:12], sealed[12:], _bound_to(record_id))
        return padded[: padded.rindex(b"\x80")].decode("ascii")
    except (InvalidTag, ValueError) as error:  # ValueError: cut short, or no withdrawal in it
        raise CodeWrong("this code opens no withdrawal") from error


def _bound_to(record_id: str) -> bytes:
    return f"sysmetric sealed withdrawal 1\0{record_id}".encode()


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left & 0b100000:
            left ^= _PRIMITIVE
        right >>= 1
    return product


def _evaluate(values: Iterable[int], at: int) -> int:
    total = 0
    for value in values:
        total = _times(total, at) ^ value
    return total


def _syndromes(values: Iterable[int]) -> tuple[int, int]:
    """The code word as a polynomial at the two roots 2 and 4; both zero when it holds."""
    values = list(values)
    return _evaluate(values, 2), _evaluate(values, 4)


def _check(secret: Iterable[int]) -> tuple[int, int]:
    """The two symbols that bring both syndromes to zero: the rest of a division by (x+2)(x+4) = x^2+6x+8."""
    first = second = 0
    for value in secret:
        carry = value ^ first
        first, second = second ^ _times(carry, 6), _times(carry, 8)
    return first, second
