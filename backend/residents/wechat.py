"""WeChat as residents need it: who signs in (code2Session), and the steps that WeRun hands over encrypted."""

import base64
import json
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import structlog
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from backend import clock
from backend.config import SHANGHAI
from backend.errors import RefusalError, UpstreamUnavailableError, ValidationFailedError

MAX_CODE = 256
"""Characters; WeChat's own codes have 32."""
BLOCK = 16
"""Bytes of an AES block, of an AES-128 key and of an initialisation vector."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far WeChat's clock may run ahead of ours."""
WE_RUN_ZONE = SHANGHAI
"""WeRun's days are Beijing's, wherever city and phone are. The page of wx.getWeRunData calls an item's `timestamp` only
the time of its data; WeChat's staff have said so: developers.weixin.qq.com/community/develop/doc/
0008e414048980c5ed5ddca9b56c00."""

_BUSY, _RATE_LIMITED, _INVALID, _USED, _BLOCKED = -1, 45011, 40029, 40163, 40226
_BACKOFF_S = 0.2
_LARGEST = 2**32 - 1  # what is more is no time and no count of steps, and might overflow further on
_CURES = {
    40013: "Set WECHAT_APP_ID to the mini-program's AppID.",
    40125: "Set WECHAT_SECRET to the mini-program's present AppSecret.",
    40164: "Add this server's address to the IP allowlist of the mini-program.",
}
_log = structlog.get_logger()


class InvalidCodeError(RefusalError):
    """WeChat does not accept the sign-in code: unknown, expired, used before, or its owner is blocked."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "invalid-code"
    title = _l("This sign-in code is not valid any more. Please sign in again.")


class SessionExpiredError(RefusalError):
    """The data cannot be read with the resident's session key: a newer WeChat login replaced it."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "session-expired"
    title = _l("Your WeChat session has ended. Please sign in again, then send your steps again.")


class ForeignStepsError(RefusalError):
    """The watermark names another mini-program."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "foreign-steps"
    title = _l("These steps were handed to another mini-program.")


class StaleStepsError(RefusalError):
    """The watermark is too old, or lies in the future."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "stale-steps"
    title = _l("These steps are not fresh. Please read them from WeChat again.")


@dataclass(frozen=True, slots=True)
class WeChatSession:
    """Who signed in. The session key (base64 of 16 bytes) never leaves the server, so repr hides it."""

    openid: str
    session_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DaySteps:
    """How many steps a person made on one day of WE_RUN_ZONE."""

    day: date
    steps: int


class WeChatClient:
    """Speaks to the WeChat server at `base_url`; one instance serves all threads and keeps its connections.

    `timeout_s` bounds each wait (connecting, sending, each read), not their sum. `transport` takes the place
    of the network, for a stand-in in the same process.
    """

    def __init__(
        self,
        *,
        base_url: str,
        app_id: str,
        secret: str,
        timeout_s: float = 3.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # httpx logs the address of every request at INFO, and the secret is part of the address.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._app = {"appid": app_id, "secret": secret}
        self._http = httpx.Client(base_url=base_url, timeout=timeout_s, transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def code_to_session(self, code: str) -> WeChatSession:
        """Who obtained `code` from wx.login; raises InvalidCodeError or UpstreamUnavailableError.

        A code is good for one use within five minutes, so only a server that says it was too busy to look
        at the code is asked a second time.
        """
        if not (code.isascii() and 0 < len(code) <= MAX_CODE):
            raise InvalidCodeError
        answer = self._exchange(code)
        if answer.get("errcode") == _BUSY:
            time.sleep(_BACKOFF_S)
            answer = self._exchange(code)
        if answer.get("errcode", 0) != 0:
            raise _refusal(answer)
        return _session(answer)

    def _exchange(self, code: str) -> dict[str, Any]:
        query = {**self._app, "js_code": code, "grant_type": "authorization_code"}
        try:
            response = self._http.get("/sns/jscode2session", params=query)
            response.raise_for_status()
            answer = json.loads(response.content)  # whatever the content type: WeChat says text/plain
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            # The text of an HTTP error holds the address, and with it the secret: log the kind alone.
            raise _unusable(type(error).__name__) from None
        if not (isinstance(answer, dict) and isinstance(answer.get("errcode", 0), int)):
            raise _unusable("an answer of another shape")
        return answer


def _unusable(reason: str) -> UpstreamUnavailableError:
    _log.warning("wechat gives no usable answer", reason=reason)
    return UpstreamUnavailableError()


def _refusal(answer: dict[str, Any]) -> RefusalError:
    errcode = answer["errcode"]
    if errcode in {_INVALID, _USED}:
        return InvalidCodeError()
    if errcode == _BLOCKED:
        return InvalidCodeError(_l("WeChat has blocked this account as high-risk: please ask WeChat's support."))
    if errcode in {_BUSY, _RATE_LIMITED}:
        _log.warning("wechat is busy", errcode=errcode, errmsg=answer.get("errmsg"))
        return UpstreamUnavailableError(retry_after=60 if errcode == _RATE_LIMITED else 2)
    cure = _CURES.get(errcode, "Look the errcode up in WeChat's documentation.")
    _log.error("wechat refuses this server", errcode=errcode, errmsg=answer.get("errmsg"), cure=cure)
    return UpstreamUnavailableError()


def _session(answer: dict[str, Any]) -> WeChatSession:
    openid, session_key = answer.get("openid"), answer.get("session_key")
    if not (isinstance(openid, str) and openid and isinstance(session_key, str) and session_key):
        raise _unusable("no openid or no session key")
    return WeChatSession(openid, session_key)


def decrypt_we_run(
    session_key: str,
    *,
    encrypted_data: str,
    iv: str,
    app_id: str,
    now: datetime,
    max_age: timedelta,
) -> list[DaySteps]:
    """The steps of each day, in order, that wx.getWeRunData handed to this mini-program.

    AES-128-CBC with PKCS#7 under the session key; all three texts are base64. Raises ValidationFailedError
    for what is not such data, SessionExpiredError for another key, ForeignStepsError for another
    mini-program's data, StaleStepsError if it was handed over more than `max_age` before `now`.
    """
    ciphertext, vector = _blocks("encrypted_data", encrypted_data), _blocks("iv", iv)
    if len(vector) != BLOCK:
        raise _malformed("iv")
    handed = _readable(_key(session_key), ciphertext, vector=vector)
    if handed["watermark"].get("appid") != app_id:
        raise ForeignStepsError
    if not _is_fresh(handed["watermark"].get("timestamp"), now=now, max_age=max_age):
        raise StaleStepsError
    return _days(handed)


def _malformed(name: str) -> ValidationFailedError:
    message = gettext("Send it unchanged as wx.getWeRunData gave it.")
    return ValidationFailedError(message, errors=[{"field": name, "message": message}])


def _blocks(name: str, text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _malformed(name) from error
    if not data or len(data) % BLOCK:
        raise _malformed(name)
    return data


def _key(session_key: str) -> algorithms.AES128:
    try:
        return algorithms.AES128(base64.b64decode(session_key, validate=True))
    except ValueError as error:
        raise SessionExpiredError from error


def _readable(key: algorithms.AES128, ciphertext: bytes, *, vector: bytes) -> dict[str, Any]:
    decryptor = Cipher(key, modes.CBC(vector)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    unpadder = padding.PKCS7(BLOCK * 8).unpadder()
    # Wrong padding and right padding around nonsense get one answer: two would be a padding oracle, and with
    # one a patient caller can forge steps without ever knowing the key.
    try:
        handed = json.loads(unpadder.update(padded) + unpadder.finalize())
    except (ValueError, RecursionError) as error:
        raise SessionExpiredError from error
    if not (isinstance(handed, dict) and isinstance(handed.get("watermark"), dict)):
        raise SessionExpiredError
    return handed


def _is_fresh(handed_at: object, *, now: datetime, max_age: timedelta) -> bool:
    if type(handed_at) is not int:
        return False
    age_s = int(now.timestamp()) - handed_at
    return -CLOCK_SKEW.total_seconds() <= age_s <= max_age.total_seconds()


def _days(handed: dict[str, Any]) -> list[DaySteps]:
    steps: dict[date, int] = {}
    try:
        for item in handed["stepInfoList"]:
            began_at = datetime.fromtimestamp(_whole(item["timestamp"]), UTC)
            day = clock.local_day(began_at, zone=WE_RUN_ZONE)
            steps[day] = max(_whole(item["step"]), steps.get(day, 0))
    except (TypeError, KeyError, ValueError) as error:
        raise _malformed("encrypted_data") from error
    return [DaySteps(day, steps[day]) for day in sorted(steps)]


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(value)
    return value
