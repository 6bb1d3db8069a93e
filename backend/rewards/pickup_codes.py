"""Pick-up codes: what a resident shows at the counter, as text or as a QR code.

A code holds the redemption's own key and a random tail, in Crockford's base 32 (no I, L, O, U):

    seq: four bits a character, the fifth says that more follow
    resident_id: five bits a character, at least five characters
    six random characters

So two redemptions never have the same code, and the one that a code stands for is found by its primary key,
on its resident's own shard, without an index. The tail of 30 bits keeps codes from being guessed; it is
stored, not derived from SECRET_KEY: a new key does not void what residents have in their hands.
For the first fifteen redemptions of the first 33 million residents a code has twelve characters.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
TAIL = 6
RESIDENT_AT_LEAST = 5
LONGEST = 40
"""Characters of the longest code, with whatever separators somebody types."""


def new(*, resident_id: int, seq: int) -> str:
    """A code for that redemption."""
    tail = "".join(secrets.choice(ALPHABET) for _ in range(TAIL))
    return _seq_text(seq) + _number_text(resident_id) + tail


def read(code: str) -> tuple[int, int, str] | None:
    """(resident_id, seq, the code as issued) of what somebody typed; None for what cannot be a code."""
    plain = code.upper().translate(MISREAD)
    if len(plain) > LONGEST or not plain or not set(plain) <= set(ALPHABET):
        return None
    seq, used = _read_seq(plain)
    resident = plain[used:-TAIL]
    if len(resident) < RESIDENT_AT_LEAST:
        return None
    number = 0
    for character in resident:
        number = number * 32 + ALPHABET.index(character)
    return number, seq, plain


def matches(issued: str | None, given: str) -> bool:
    """Whether the given code is the issued one, in a time that tells nothing about it."""
    return issued is not None and secrets.compare_digest(issued, given)


def _seq_text(seq: int) -> str:
    text = ALPHABET[seq % 16]
    while seq := seq // 16:
        text = ALPHABET[16 + seq % 16] + text
    return text


def _read_seq(plain: str) -> tuple[int, int]:
    seq = 0
    for place, character in enumerate(plain, start=1):
        value = ALPHABET.index(character)
        seq = seq * 16 + value % 16
        if value < 16:  # noqa: PLR2004  the fifth bit: more follow
            return seq, place
    return seq, len(plain)


def _number_text(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number, 32)
        text = ALPHABET[rest] + text
    return text.rjust(RESIDENT_AT_LEAST, "0")
