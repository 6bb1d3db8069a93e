"""How often one caller may ask: fixed windows, counted in each process and shared through Redis.

A library that asks Redis on every request costs more than the rest of a small request together. So a
process counts a caller by itself first, and shares its count only when that nears the limit. An ordinary
resident costs no round trip; a greedy one is held to the limit, and to at most one `UNSHARED` part of it
more for each further process. While Redis is down, each process goes on with its own count.

Only who is proved is a caller of its own: were a token taken at its word, a made-up one in each request would be
a new caller each time, and have no limit.
"""

import ipaddress
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from http import HTTPStatus
from threading import Lock
from typing import Any, TypeVar

from flask import Flask
from flask_babel import lazy_gettext as _l
from werkzeug.middleware.proxy_fix import ProxyFix

from backend import present, redis
from backend.config import Limit
from backend.errors import RefusalError
from backend.web.application import HEADERS

View = TypeVar("View", bound=Callable[..., Any])
Proof = Callable[[], str | None]
"""Who the present request's token proves to be calling, as a name among all callers; None: nobody."""
UNSHARED = 8
"""One part in so many of the limit that a process counts before it asks Redis."""
PEOPLE_AT_AN_ADDRESS = 10
"""An address may stand for many residents, behind one gateway: so many times the limit."""
MOST_CALLERS = 100_000
"""Callers that a process remembers in one window: made-up addresses must not fill the memory."""
UNCOUNTED = frozenset({"partner"})
"""Callers without a limit of requests: a partner's feed is signed, and bound by the size of its pages; what is not
signed with a known key ends at the look-up of the key."""


class RateLimitedError(RefusalError):
    """The caller has asked too often in this window; `retry_after`: seconds until the next begins."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "rate-limited"
    title = _l("Too many requests. Please wait a moment.")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit, and the seconds until it starts afresh."""

    limit: int
    remaining: int
    resets_in: int


@dataclass(slots=True)
class _Tally:
    untold: int = 0
    known: int = 0


class Limiter:
    """Counts callers in windows of the present; shared by all threads of a process."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._lock = Lock()
        self._window = -1
        self._tallies: dict[str, _Tally] = {}

    def hit(self, caller: str, *, times: int = 1, now: float | None = None) -> Allowance:
        """Count one request of a caller, who has `times` the limit; raises RateLimitedError."""
        instant = time.time() if now is None else now
        window, into = divmod(instant, self.limit.seconds)
        resets_in, most = int(self.limit.seconds - into) or 1, self.limit.amount * times
        tally, untold = self._count(caller, window=int(window), most=most)
        total = tally.known + tally.untold
        if untold:
            key = redis.LIMIT.format(window=int(window), caller=caller)
            total = self._share(tally, key=key, untold=untold)
        if total > most:
            raise RateLimitedError(retry_after=resets_in)
        return Allowance(most, most - total, resets_in)

    def _count(self, caller: str, *, window: int, most: int) -> tuple[_Tally, int]:
        with self._lock:
            if window != self._window or len(self._tallies) >= MOST_CALLERS:
                self._window, self._tallies = window, {}
            tally = self._tallies.setdefault(caller, _Tally())
            if tally.known > most:
                return tally, 0
            tally.untold += 1
            if tally.known == 0 and tally.untold <= most // UNSHARED:
                return tally, 0
            untold, tally.untold = tally.untold, 0
            return tally, untold

    def _share(self, tally: _Tally, *, key: str, untold: int) -> int:
        total = None
        with suppress(redis.RedisError):
            total = _add(key, untold, self.limit.seconds)
        with self._lock:
            # Each of several threads goes by its own answer: one that overtakes must not cost another.
            mine = tally.known + untold if total is None else total
            tally.known = max(tally.known, mine)
            return mine


def _add(key: str, more: int, seconds: int) -> int:
    with redis.reaching(), redis.client().pipeline(transaction=False) as pipe:
        pipe.incrby(key, more)
        pipe.expire(key, 2 * seconds)
        total: int = pipe.execute()[0]
    return total


def init_app(app: Flask, *, resident: Proof, admin: Proof) -> None:
    """Count every request to the API by the resident or the admin who is proved to send it, or else by its address.

    Which of the two a token is to prove depends on the route: what is for admins is no residents' business.
    """
    settings = app.extensions["settings"]
    app.extensions["limiter"] = Limiter(settings.rate_limit)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]  # as Flask documents it
    app.before_request(partial(_count_request, resident=resident, admin=admin))


def limited_by_address(purpose: str) -> Callable[[View], View]:
    """Hold an address to the plain limit for this purpose, such as signing in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(*args: Any, **kwargs: Any) -> Any:
            _tell(present.request().environ, _limiter().hit(f"{purpose}:{_address()}"))
            return view(*args, **kwargs)

        return inner  # type: ignore[return-value]  # same call as the view

    return decorate


def _count_request(*, resident: Proof, admin: Proof) -> None:
    asked = present.request()
    environ = asked.environ
    if not environ.get("PATH_INFO", "").startswith("/api/"):
        return
    kind: str = getattr(present.application().view_functions.get(asked.endpoint or ""), "caller", "")
    if kind in UNCOUNTED:
        return
    proved = None
    if "HTTP_AUTHORIZATION" in environ:
        proved = admin() if kind.startswith("admin:") else resident()
    limiter = _limiter()
    if proved is None:
        _tell(environ, limiter.hit(_address(), times=PEOPLE_AT_AN_ADDRESS))
    else:
        _tell(environ, limiter.hit(proved))


def _tell(environ: dict[str, Any], allowance: Allowance) -> None:
    environ[HEADERS] = (
        ("X-RateLimit-Limit", str(allowance.limit)),
        ("X-RateLimit-Remaining", str(allowance.remaining)),
        ("X-RateLimit-Reset", str(allowance.resets_in)),
    )


def _limiter() -> Limiter:
    limiter: Limiter = present.extensions()["limiter"]
    return limiter


def _address() -> str:
    """The caller's address; of IPv6 the network, of which one caller has all addresses.

    An IPv4 address that is written as IPv6, as a socket for both tells it, is that IPv4 address.
    """
    given = present.request().remote_addr or ""
    if ":" not in given:
        return given
    try:
        address = ipaddress.IPv6Address(given.partition("%")[0])
    except ValueError:
        return given
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address), 64), strict=False))
