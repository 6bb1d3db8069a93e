"""Partners' records, most of them sensible: the fields that pages and files are made of."""

from datetime import UTC, timedelta, timezone

TASKS = ("bike_ride", "metro_ride", "ev_charge", "carton_return", "clothes_recycling", "own_cup", "save_water")
UNITS = {"bike_ride": "m", "metro_ride": "m", "ev_charge": "Wh", "clothes_recycling": "g", "save_water": "l"}
BOUND = tuple(f"u-{number}" for number in range(2_000))
"""Subjects that residents have bound."""
ODD_TEXTS = (
    *("", " ", "\u0000", "\u202e", "\ud800", "\ufeff", "\\N", "张三", "\U0001f6b2", "a,b", 'a"b', "a\nb", "'", "{}"),
    "x" * 200,
    "x" * 201,
)
ODD_TIMES = (
    "",
    "now",
    "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "1900-01-01T00:00:00+23:59",
    "2999-12-31T23:59:59.999999-23:59",
    "2026-11-24",
    "20261124T080000Z",
    "2026-W47-2T08:00:00Z",
    "2026-11-24T08:00:00",
    "2026-11-24T24:00:00Z",
    "2026-11-24T08:00:60Z",
    "1795507200",
    "24/11/2026 08:00",
    "11/24/26 8:00",
)
ODD_NUMBERS = (
    *("", "0", "-1", "0.0004", "1e3", "1E+400", "1e-400", "NaN", "inf", "1_000", "１２", "0x1", "1,5", " 7 "),
    *("9999999999.9999", "10000000000", "9" * 5000),
)
ZONES = (UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-12)), timezone(timedelta(hours=23, minutes=59)))
MINUTES_BACK = 8 * 24 * 60
SELDOM = 16
"""One field in so many is odd."""


def seldom(random):
    """Whether this field is an odd one."""
    return random.randrange(SELDOM) == 0


def mostly(random, sensible, odd):
    """The sensible value, and now and then one of the odd ones."""
    return random.choice(odd) if seldom(random) else sensible


def external_id(random):
    return mostly(random, f"e-{random.randrange(10**9)}", ("e-1", "e-2", *ODD_TEXTS))


def subject(random):
    return mostly(random, random.choice(BOUND), ("stranger", *ODD_TEXTS))


def task(random):
    return mostly(random, random.choice(TASKS), ("fly", "green_quiz", *ODD_TEXTS))


def trip(random, now):
    """(started, ended) as texts: in the last eight days, of up to an hour."""
    began = now - timedelta(minutes=random.randint(1, MINUTES_BACK), microseconds=random.choice((0, 1)))
    ended = began + timedelta(minutes=mostly(random, random.randint(5, 60), (-1, 0, 10**6)))
    zone = random.choice(ZONES)
    return tuple(mostly(random, instant.astimezone(zone).isoformat(), ODD_TIMES) for instant in (began, ended))


def number(random):
    """An amount as text."""
    return mostly(random, str(random.randint(300, 9_000)), ODD_NUMBERS)
