"""Settings, read once from the environment. Every variable is listed in docs/operations.md."""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend import embedded
from backend.embedded import secret_files

SHANGHAI = ZoneInfo("Asia/Shanghai")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set. A field `wechat_mode` is read from `WECHAT_MODE`."""

    tanhui_env: str = "development"  # or: production
    tanhui_var: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    secret_key: str = ""
    city_time_zone: ZoneInfo = SHANGHAI
    wechat_mode: str = "sandbox"  # or: live
    wechat_base_url: str = "https://api.weixin.qq.com"
    wechat_app_id: str = "wx-sandbox"
    wechat_secret: str = ""
    token_days: int = 7
    points_valid_months: int = 24
    points_cap_day: int = 200
    points_cap_year: int = 20_000
    action_max_age_days: int = 7
    future_skew_s: int = 300
    unbound_days: int = 30
    settle_grace_days: int = 3  # how long after a period's end late trips still change its board
    database_pool_size: int = 8
    database_timeout_ms: int = 10_000
    rate_limit: Limit = field(default=Limit(120, SECONDS["minute"]), metadata={"read": Limit.of})
    trusted_proxies: int = 0  # how many proxies of ours stand in front and add to X-Forwarded-For
    max_body_bytes: int = 4 * 1024 * 1024
    default_locale: str = "zh_CN"
    log_level: str = "INFO"

    @property
    def production(self) -> bool:
        """Whether this is a real city's site."""
        return self.tanhui_env == "production"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read all settings; raises SettingsError with the cure for what is wrong or missing."""
        env = os.environ if environ is None else environ
        values = {setting.name: _read(setting, env) for setting in fields(cls)}
        settings = cls(**{name: value for name, value in values.items() if value is not None})
        settings._refuse_what_is_unsafe()
        return settings._completed()

    def _refuse_what_is_unsafe(self) -> None:
        if self.tanhui_env not in {"development", "production"}:
            raise SettingsError("TANHUI_ENV must be development or production.")
        if self.wechat_mode not in {"sandbox", "live"}:
            raise SettingsError("WECHAT_MODE must be sandbox or live.")
        if not self.production:
            return
        missing = [
            name.upper()
            for name in ("secret_key", "database_url", "redis_url", "wechat_secret")
            if not getattr(self, name)
        ]
        if missing:
            raise SettingsError(f"Production needs its own {', '.join(missing)}: set it in the environment.")
        if len(self.secret_key) < 32:  # noqa: PLR2004  256 bits of hex or base64 are never shorter
            raise SettingsError("SECRET_KEY is too short: give at least 32 random characters.")
        if self.wechat_mode == "sandbox":
            raise SettingsError("WECHAT_MODE=sandbox lets anybody sign in: production needs WECHAT_MODE=live.")

    def _completed(self) -> Self:
        """Fill in what a development or small site need not set: embedded servers, generated secrets."""
        values: dict[str, Any] = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        if not (self.database_url and self.redis_url):
            servers = embedded.attach(self.tanhui_var.resolve())
            values["database_url"] = self.database_url or servers.database_url
            values["redis_url"] = self.redis_url or servers.redis_url
        for name in ("secret_key", "wechat_secret"):
            values[name] = values[name] or secret_files.secret(self.tanhui_var.resolve(), name)
        return type(self)(**values)


def _read(setting: Field[Any], env: Mapping[str, str]) -> Any:
    variable = setting.name.upper()
    text = env.get(variable, "").strip()
    if not text:
        return None
    read = setting.metadata.get("read", setting.type)
    try:
        return read(text)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise SettingsError(f"{variable}={text!r} is not understood: {error}.") from error
