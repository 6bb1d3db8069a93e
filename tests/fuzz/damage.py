"""Damage to bytes: what goes wrong between two systems, and what somebody with a bad mind would try."""

LONGEST_CUT = 40
MOST_DAMAGES = 4
HUGE = b"x" * 200_000
TOKENS = (
    b"\x00",
    b'"',
    b'""',
    b"'",
    b"\\",
    b"\xff",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xc3",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x0b",
    b"\x1a",
    b"\x85",
    "\u2028".encode(),
    "\u202e".encode(),
    "\U0001f6b2".encode(),
    "１２".encode(),
    b"\x1f\x8b",
    b",",
    b";",
    b"\t",
    b"=1+1",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"1e-999",
    b"-0",
    b"9" * 40,
    b"0." + b"9" * 400,
    b"9" * 5_000,
    b"0x10",
    b"1_000",
    b"null",
    b"true",
    b"\\ud800",
    b"\\u0000",
    b"\\",
    b"2026-02-30T25:61:61Z",
    b"%00",
    b"';--",
    b"x" * 201,
    b"[" * 1_000,
    HUGE,
)

KINDS = ("insert", "replace", "cut", "repeat", "flip", "end")


def maybe_damaged(data: bytes, random) -> bytes:
    """The bytes as they are, or in one of four cases damaged: most damages end with the first look at a document, and
    the rules are behind that."""
    return damaged(data, random) if random.randrange(4) == 0 else data


def damaged(data: bytes, random) -> bytes:
    """The bytes after a few damages, one after the other."""
    for _ in range(random.randint(1, MOST_DAMAGES)):
        data = _after(data, random.choice(KINDS), random.randrange(len(data) + 1), random)
    return data


def _after(data, kind, at, random):
    token, length = random.choice(TOKENS), random.randint(1, LONGEST_CUT)
    match kind:
        case "insert":
            return data[:at] + token + data[at:]
        case "replace":
            return data[:at] + token + data[at + len(token) :]
        case "cut":
            return data[:at] + data[at + length :]
        case "repeat":
            return data[: at + length] + data[at:]
        case "flip" if at < len(data):
            return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        case "end":
            return data[:at]
    return data
