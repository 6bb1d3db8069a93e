"""Settings, read once from the environment. Every variable is listed in docs/operations.md."""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from redis.connection import parse_url
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from backend import embedded
from backend.embedded import secret_files

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHORTEST_KEY = 32
"""Characters: 256 bits of hex or base64 are never shorter."""
SECONDS = {"second": 1, "minute": 60, "hour": 3600}


class SettingsError(RuntimeError):
    """A setting is missing or wrong; the sentence names it and the cure."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` requests in each window of `seconds`."""

    amount: int
    seconds: int

    @classmethod
    def of(cls, text: str) -> Self:
        """One that is written as `120/minute`; raises ValueError with the cure."""
        found = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour)", text)
        if found is None:
            raise ValueError("write it as 120/minute (or second, hour)")
        return cls(int(found[1]), SECONDS[found[2]])


def _database(text: str) -> str:
    """What SQLAlchemy, psycopg and our backups all understand."""
    try:
        url = make_url(text)
        understood = url.get_dialect().driver == "psycopg" and bool(url.database)
    except (ArgumentError, NoSuchModuleError, ValueError):
        understood = False
    if not understood:
        raise ValueError(f"write it as postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE ({_IN_A_PASSWORD})")
    return text


def _redis(text: str) -> str:
    try:
        parse_url(text)  # type: ignore[no-untyped-call]  # the library's own gap
    except ValueError as error:
        # Its own words may hold a part of the password.
        raise ValueError(f"write it as redis://:PASSWORD@HOST:6379/0 ({_IN_A_PASSWORD})") from error
    return text


_IN_A_PASSWORD = "in the password %40 for @, %2F for /, %23 for #, %25 for %"  # noqa: S105  a cure


def _level(text: str) -> str:
    level = text.upper()
    if level not in logging.getLevelNamesMapping():
        raise ValueError("write DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return level


def _former_keys(text: str) -> tuple[str, ...]:
    keys = tuple(re.findall(r"[^,\s]+", text))
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise ValueError(f"write former keys, {SHORTEST_KEY} characters or more each, with commas or spaces between")
    return keys


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(re.findall(r"[^,\s]+", text.lower()))
    if not hosts or not all(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) for host in hosts):
        raise ValueError("write names of hosts, as qlogo.cn,avatars.example.org")
    return hosts


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("write on or off")
    return text == "on"


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError("write a name of the IANA time zone database, such as Asia/Shanghai") from error


def _one_of(*known: str) -> Any:
    """One of these words, the first unless it is set; a dash is as good as an underscore."""

    def read(text: str) -> str:
        word = text.replace("-", "_")
        if word not in known:
            raise ValueError(f"write {' or '.join(known)}")
        return word

    return field(default=known[0], metadata={"read": read})


def _whole(default: int, *, least: int) -> Any:
    def read(text: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,18}", text) is None or int(text) < least:
            raise ValueError(f"write a whole number, {least} or more")
        return int(text)

    return field(default=default, metadata={"read": read})


def _secret(read: Callable[[str], str]) -> Any:
    return field(default="", metadata={"read": read, "secret": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set. A field `wechat_mode` is read from `WECHAT_MODE`."""

    tanhui_env: str = _one_of("development", "production")
    tanhui_var: Path = Path("var")
    database_url: str = _secret(_database)
    redis_url: str = _secret(_redis)
    secret_key: str = ""
    secret_key_fallbacks: tuple[str, ...] = field(default=(), metadata={"read": _former_keys, "secret": True})
    city_time_zone: ZoneInfo = field(default=SHANGHAI, metadata={"read": _zone})
    wechat_mode: str = _one_of("sandbox", "live")
    wechat_base_url: str = "https://api.weixin.qq.com"
    wechat_app_id: str = "wx-sandbox"
    wechat_secret: str = ""
    avatar_hosts: tuple[str, ...] = field(default=("qlogo.cn",), metadata={"read": _hosts})  # and below
    token_days: int = _whole(7, least=1)
    admin_require_otp: bool | None = field(default=None, metadata={"read": _switch})  # None: in production
    points_valid_months: int = _whole(24, least=1)
    points_cap_day: int = _whole(200, least=0)
    points_cap_year: int = _whole(20_000, least=0)
    action_max_age_days: int = _whole(7, least=0)
    future_skew_s: int = _whole(300, least=0)
    unbound_days: int = _whole(30, least=0)
    settle_grace_days: int = _whole(3, least=0)  # how long after a period's end late trips still change its board
    database_pool_size: int = _whole(8, least=1)
    database_timeout_ms: int = _whole(10_000, least=1)
    rate_limit: Limit = field(default=Limit(120, SECONDS["minute"]), metadata={"read": Limit.of})
    trusted_proxies: int = _whole(0, least=0)  # how many proxies of ours stand in front and add to X-Forwarded-For
    max_body_bytes: int = _whole(4 * 1024 * 1024, least=1)
    default_locale: str = _one_of("zh_CN", "en")
    log_level: str = field(default="INFO", metadata={"read": _level})

    @property
    def production(self) -> bool:
        """Whether this is a real city's site."""
        return self.tanhui_env == "production"

    @property
    def second_factor_required(self) -> bool:
        """Whether an admin's session opens everything only if it was begun with a one-time code."""
        return self.production if self.admin_require_otp is None else self.admin_require_otp

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, *, begins: bool = True) -> Self:
        """Read all settings; raises SettingsError with the cure for what is wrong or missing.

        Unless it `begins` one, a site must be there: a database is named, or lies in the data folder.
        """
        env = os.environ if environ is None else environ
        values = {setting.name: _read(setting, env) for setting in fields(cls)}
        settings = cls(**{name: value for name, value in values.items() if value is not None})
        settings._refuse_what_is_unsafe()
        if not (begins or settings.database_url or embedded.holds_site(settings.tanhui_var)):
            raise SettingsError(
                f"DATABASE_URL is not set, and the data folder {settings.tanhui_var} holds no site: on a server use"
                " deploy/tanhui-cli, or first say 'set -a; . /etc/tanhui/env'; for development 'make run' begins one."
            )
        return settings._completed()

    def _refuse_what_is_unsafe(self) -> None:
        if not self.production:
            return
        missing = [
            name.upper()
            for name in ("secret_key", "database_url", "redis_url", "wechat_secret")
            if not getattr(self, name)
        ]
        if missing:
            raise SettingsError(f"Production needs its own {', '.join(missing)}: set it in the environment.")
        if len(self.secret_key) < SHORTEST_KEY:
            raise SettingsError(f"SECRET_KEY is too short: give at least {SHORTEST_KEY} random characters.")
        if self.wechat_mode == "sandbox":
            raise SettingsError("WECHAT_MODE=sandbox lets anybody sign in: production needs WECHAT_MODE=live.")

    def _completed(self) -> Self:
        """Fill in what a development or small site need not set: embedded servers, generated secrets."""
        values: dict[str, Any] = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        for name in ("secret_key", "wechat_secret"):
            values[name] = values[name] or secret_files.secret(self.tanhui_var.resolve(), name)
        if values["secret_key"] in self.secret_key_fallbacks:
            raise SettingsError("SECRET_KEY_FALLBACKS holds SECRET_KEY itself: leave only former keys in it.")
        if not (self.database_url and self.redis_url):
            servers = embedded.attach(self.tanhui_var.resolve())
            values["database_url"] = self.database_url or servers.database_url
            values["redis_url"] = self.redis_url or servers.redis_url
        return type(self)(**values)


def _read(setting: Field[Any], env: Mapping[str, str]) -> Any:
    variable = setting.name.upper()
    text = env.get(variable, "").strip()
    if not text:
        return None
    read = setting.metadata.get("read", setting.type)
    try:
        return read(text)
    except ValueError as error:
        shown = variable if setting.metadata.get("secret") else f"{variable}={text!r}"
        raise SettingsError(f"{shown} is not understood: {error}.") from error
