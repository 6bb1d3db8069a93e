"""A stand-in of the WeChat server for development and tests: code2Session to the letter.

It runs in the process that asks it (`httpx.WSGITransport(app=create_sandbox(…))`), so it needs no port. The
code `dev-<name>` signs in as that person, again and again; `dev-busy`, `dev-blocked` and `dev-rate` fail
as WeChat does. Codes from POST /sandbox/codes behave like those of wx.login: once, and within five minutes.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from backend.redis import WECHAT_CODE, Client, RedisError
from backend.residents.wechat import BLOCK

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CODE_LIFE_S = 300
"""Seconds for which a code of wx.login is good."""

_DEV_CODE = re.compile(r"dev-([A-Za-z0-9_.-]{1,40})")
_OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FAILING_NAMES = {"busy": -1, "blocked": 40226, "rate": 45011}
_ERRMSG = {
    -1: "system error",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40029: "invalid code",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    43001: "require GET method",
    43002: "require POST method",
    45011: "api minute-quota reach limit, mustslower, retry next minute",
    47001: "data format error",
}
_USED = ""


class _ErrcodeError(Exception):
    def __init__(self, errcode: int) -> None:
        super().__init__(errcode)
        self.errcode = errcode


def create_sandbox(redis: Client, *, app_id: str, secret: str) -> "WSGIApplication":
    """A WSGI application that answers as WeChat would for the mini-program `app_id`.

    The codes it gives out live in `redis` (text in and out), so that all processes agree on which are used.
    """
    server = _Server(redis, app_id, secret)

    @Request.application
    def answer(request: Request) -> Response:
        return server.answer(request)

    return answer


def openid_of(name: str, *, app_id: str) -> str:
    """The openid (28 characters, as WeChat's) of the person whom the code `dev-<name>` signs in."""
    digest = hashlib.sha256(f"{app_id}:{name}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[:27]


def session_key_of(openid: str, *, secret: str) -> str:
    """A person's session key, base64 of 16 bytes: always the same, but unknown without the secret."""
    digest = hmac.digest(secret.encode(), openid.encode(), "sha256")
    return base64.b64encode(digest[:BLOCK]).decode()


@dataclass(frozen=True, slots=True)
class _Server:
    redis: Client
    app_id: str
    secret: str

    def answer(self, request: Request) -> Response:
        try:
            return _plain(self._reply(request))
        except _ErrcodeError as error:
            return _plain(_failure(error.errcode))
        except RedisError:
            return _plain(_failure(-1))
        except NotFound:
            return Response(status=404)

    def _reply(self, request: Request) -> dict[str, object]:
        match request.path, request.method:
            case "/sns/jscode2session", "GET":
                return self._code_to_session(request)
            case "/sandbox/codes", "POST":
                return self._new_code(request)
            case "/sns/jscode2session", _:
                raise _ErrcodeError(43001)
            case "/sandbox/codes", _:
                raise _ErrcodeError(43002)
        raise NotFound

    def _code_to_session(self, request: Request) -> dict[str, object]:
        for name, missing in (("appid", 41002), ("secret", 41004), ("js_code", 41008)):
            if not request.args.get(name):
                raise _ErrcodeError(missing)
        expected = {"grant_type": "authorization_code", "appid": self.app_id, "secret": self.secret}
        for (name, value), wrong in zip(expected.items(), (40002, 40013, 40125), strict=True):
            if request.args.get(name) != value:
                raise _ErrcodeError(wrong)
        openid = self._openid(request.args["js_code"])
        return {"session_key": session_key_of(openid, secret=self.secret), "openid": openid}

    def _openid(self, code: str) -> str:
        person = _DEV_CODE.fullmatch(code)
        if person is None:
            return self._use(code)
        if person[1] in _FAILING_NAMES:
            raise _ErrcodeError(_FAILING_NAMES[person[1]])
        return openid_of(person[1], app_id=self.app_id)

    def _use(self, code: str) -> str:
        # One command reads and marks: of two requests with one code, only one finds the openid.
        found = self.redis.set(WECHAT_CODE.format(code=code), _USED, xx=True, get=True, keepttl=True)
        if found is None:
            raise _ErrcodeError(40029)
        if found == _USED:
            raise _ErrcodeError(40163)
        return str(found)

    def _new_code(self, request: Request) -> dict[str, object]:
        wanted = request.get_json(force=True, silent=True)
        if not isinstance(wanted, dict):
            raise _ErrcodeError(47001)
        name = str(wanted.get("name") or secrets.token_hex(8))
        openid = str(wanted.get("openid") or openid_of(name, app_id=self.app_id))
        if not (_DEV_CODE.fullmatch(f"dev-{name}") and _OPENID.fullmatch(openid)):
            raise _ErrcodeError(47001)
        code = "0" + secrets.token_urlsafe(24)[1:]  # never mistaken for dev-<name>
        self.redis.set(WECHAT_CODE.format(code=code), openid, ex=CODE_LIFE_S)
        return {"code": code}


def _failure(errcode: int) -> dict[str, object]:
    request_id = f"{int(time.time()):x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return {"errcode": errcode, "errmsg": f"{_ERRMSG[errcode]}, rid: {request_id}"}


def _plain(body: dict[str, object]) -> Response:
    return Response(json.dumps(body), content_type="text/plain")
