"""Idempotency keys: the first answer to a request that creates something, stored in the transaction of its effect."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Request as HttpRequest
from flask import Response, json, make_response
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from psycopg.errors import LockNotAvailable
from sqlalchemy import delete, inspect, select, tuple_

from backend import clock, present, sealing
from backend.database import Model, cursor, db
from backend.derived_keys import Purpose, derived
from backend.errors import RefusalError, ValidationFailedError

View = TypeVar("View", bound=Callable[..., Any])
KEPT = timedelta(days=1)
"""For how long a stored answer is given again, at least."""
MAX_KEY = 200
KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}")
SEALED = "sealed"
"""The one member of a stored answer that is encrypted."""
FORM = "multipart/form-data"


class IdempotencyKeyReusedError(RefusalError):
    """The key has stood for another request."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "idempotency-key-reused"
    title = _l("This Idempotency-Key was used for another request. Use a new key for a new request.")


class IdempotencyInFlightError(RefusalError):
    """The first request with this key has not been answered yet."""

    slug = "idempotency-in-flight"
    title = _l("The first request with this Idempotency-Key is still being worked on. Ask again shortly.")


@dataclass(frozen=True, slots=True)
class Request:
    """What tells one request from another: its key (empty: none was given) and a hash of all it asks.

    `former`: its hashes under SECRET_KEY_FALLBACKS, by which it is known again after a change of keys.
    """

    key: str = ""
    hash: str = ""
    former: tuple[str, ...] = ()


def takes_key(*, required: bool = False) -> Callable[[View], View]:
    """Declare that a route takes an Idempotency-Key; the description says so."""

    def mark(view: View) -> View:
        view.idempotency_key = required  # type: ignore[attr-defined]  # read by the description
        return view

    return mark


def replayed(
    request: Request, *, stored_hash: str | None, status: int | None, body: dict[str, Any] | None
) -> tuple[int, dict[str, Any]] | None:
    """The stored answer, or None where the key is new.

    Raises IdempotencyKeyReusedError where the key stood for another request, IdempotencyInFlightError where the
    first is not answered yet.
    """
    if not request.key or stored_hash is None:
        return None
    if stored_hash != request.hash and stored_hash not in request.former:
        raise IdempotencyKeyReusedError
    if status is None or body is None:
        raise IdempotencyInFlightError
    return status, body


def of_request(*, required: bool = False) -> Request:
    """The key of the present HTTP request, if any, and its hash; raises ValidationFailedError."""
    key = key_of_request(required=required)
    if not key:
        return Request()
    asked, chosen = present.request(), present.settings()
    told = b"\n".join((asked.method.encode(), asked.path.encode(), _content_of(asked)))
    former = tuple(_hash(told, secret=secret) for secret in chosen.secret_key_fallbacks)
    return Request(key, _hash(told, secret=chosen.secret_key), former)


def _content_of(asked: HttpRequest) -> bytes:
    """What the body says, however often it is sent: each client draws a new boundary for the parts of a form."""
    body: bytes = asked.get_data()
    if asked.environ.get("CONTENT_TYPE", "")[: len(FORM)].lower() != FORM:
        return body
    parts = [("field", name, text.encode()) for name, text in asked.form.items(multi=True)]
    for name, file in asked.files.items(multi=True):
        parts.append(("file", name, file.read()))
        file.seek(0)
    # What has no part that can be read is told apart by all of it.
    return b"".join(b"%a %a %d\n%b" % (kind, name, len(said), said) for kind, name, said in parts) or body


def _hash(told: bytes, *, secret: str) -> str:
    """Keyed, for a body may hold a password, and the hash is kept for a day, and in backups for longer."""
    keyed = _keyed(secret).copy()
    keyed.update(told)
    return keyed.hexdigest()


# Kept: to derive a key takes longer than all else here.
@lru_cache(maxsize=8)
def _keyed(secret: str) -> hmac.HMAC:
    return hmac.new(derived(secret, Purpose.HASHES_OF_REQUESTS), digestmod="sha256")


def key_of_request(*, required: bool = False) -> str:
    """The key of the present HTTP request, empty where it has none; raises ValidationFailedError."""
    given: str | None = present.request().environ.get("HTTP_IDEMPOTENCY_KEY")
    key = (given or "").strip()
    if (given is not None or required) and not KEY.fullmatch(key):
        message = gettext("Send 1 to %(most)s characters, a new key for each new request.", most=MAX_KEY)
        raise ValidationFailedError(message, errors=[{"field": "Idempotency-Key", "message": message}])
    return key


def answer_once(
    model: type[Model],
    owner: dict[str, int],
    answer: Callable[[], Any],
    *,
    sealed: bool = False,
) -> Response:
    """Run `answer` the first time this owner sends this key; give the stored answer every time after.

    The key is claimed by its primary key in the same transaction as the effect: a second request waits for the
    first for up to a second, then is told to ask again (IdempotencyInFlightError). A `sealed` answer holds a
    secret and is kept encrypted.
    """
    wanted = of_request()
    if not wanted.key:
        return make_response(answer())
    identity = {**owner, "key": wanted.key}
    if not _claim(model, identity, wanted):
        return _replay(model, identity, wanted)
    response = make_response(answer())
    _store(model, identity, response, sealed=sealed)
    return response


def _claim(model: type[Model], identity: dict[str, Any], wanted: Request) -> bool:
    values = {**identity, "request_hash": wanted.hash, "created_at": clock.now()}
    claim = f"""
INSERT INTO {model.__tablename__} ({", ".join(values)}) VALUES ({", ".join(f"%({name})s" for name in values)})
ON CONFLICT DO NOTHING RETURNING 1
"""  # noqa: S608  names of ours
    inserted = cursor()
    connection = inserted.connection
    try:
        # One round trip for all three.
        with connection.pipeline():
            connection.cursor().execute("SET LOCAL lock_timeout = '1s'")
            inserted.execute(claim, values)
            connection.cursor().execute("SET LOCAL lock_timeout TO DEFAULT")
    except LockNotAvailable as error:
        raise IdempotencyInFlightError from error
    return inserted.fetchone() is not None


def _store(model: type[Model], identity: dict[str, Any], response: Response, *, sealed: bool) -> None:
    body = response.get_data(as_text=True) if response.is_json else None
    if body and sealed:
        body = json.dumps({SEALED: sealing.seal(body)})
    mine = " AND ".join(f"{name} = %({name})s" for name in identity)
    store = f"UPDATE {model.__tablename__} SET status = %(status)s, body = %(body)s::jsonb WHERE {mine}"  # noqa: S608
    db.session.flush()
    cursor().execute(store, {**identity, "status": response.status_code, "body": body})


def _replay(model: type[Model], identity: dict[str, Any], wanted: Request) -> Response:
    stored: Any = db.session.query(model).filter_by(**identity).populate_existing().one()
    body = stored.body
    if body and body.keys() == {SEALED}:
        body = json.loads(sealing.unseal(body[SEALED]))
    found = replayed(wanted, stored_hash=stored.request_hash, status=stored.status, body=body)
    if found is None:
        raise IdempotencyInFlightError
    return answer_of(found)


def answer_of(stored: tuple[int, dict[str, Any]]) -> Response:
    """A stored answer, marked as a repetition."""
    status, body = stored
    response = json_answer(status, json.dumps(body), repeated=True)
    if isinstance(body.get("version"), int):
        # What has versions was answered with its ETag, and is again.
        response.set_etag(str(body["version"]))
    return response


def json_answer(status: int, body: str, *, repeated: bool) -> Response:
    """An answer whose JSON is made; marked if it is the repetition of a stored one."""
    response = Response(body, status=status, content_type="application/json")
    if repeated:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def forget_answers(model: type[Model], *, before: datetime, limit: int) -> int:
    """Remove up to `limit` keys of a table of stored answers that were claimed before an instant; returns how many."""
    created_at = inspect(model).columns["created_at"]
    key = inspect(model).primary_key
    old = [tuple(row) for row in db.session.execute(select(*key).where(created_at < before).limit(limit))]
    db.session.execute(delete(model).where(tuple_(*key).in_(old)))
    return len(old)
