"""Settings that are wrong are refused by name, with the cure, and without a password."""

import dataclasses

import pytest

from backend.config import Settings, SettingsError

ELSEWHERE = {"DATABASE_URL": "postgresql+psycopg://db/tanhui", "REDIS_URL": "redis://cache/0"}
ZONE = "write a name of the IANA time zone database, such as Asia/Shanghai"
TWO_HOSTS = "postgresql+psycopg://tanhui:p@/tanhui?host=db1:5432&host=db2:5432&target_session_attrs=read-write"


def refused(tmp_path, **environ):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**ELSEWHERE, "TANHUI_VAR": str(tmp_path), **environ})
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "postgres://db/tanhui",
        "postgresql+psycopg2://db/tanhui",
        "postgresql+psycopg://db",
        "postgresql+psycopg://tanhui:pass@db:many/tanhui",
    ],
)
def test_an_address_of_no_database_is_refused_and_not_repeated(tmp_path, url):
    said = refused(tmp_path, DATABASE_URL=url)
    assert said.startswith("DATABASE_URL is not understood: write it as postgresql+psycopg://USER:PASSWORD@HOST")
    assert url not in said
    assert ":pass" not in said


@pytest.mark.parametrize("url", ["nonsense", "http://cache", "redis://:pa/ss@cache", "redis://cache:many"])
def test_an_address_of_no_redis_is_refused_and_not_repeated(tmp_path, url):
    said = refused(tmp_path, REDIS_URL=url)
    assert said.startswith("REDIS_URL is not understood: write it as redis://:PASSWORD@HOST:6379/0")
    assert url not in said


@pytest.mark.parametrize("url", [TWO_HOSTS, "postgresql://db/tanhui", "postgresql+psycopg://tanhui@/tanhui?host=/run"])
def test_what_sqlalchemy_and_psycopg_understand_is_taken_as_it_is(tmp_path, url):
    environ = {**ELSEWHERE, "TANHUI_VAR": str(tmp_path), "DATABASE_URL": url}
    assert Settings.from_environment(environ).database_url == url


@pytest.mark.parametrize(
    ("variable", "text", "cure"),
    [
        ("DATABASE_TIMEOUT_MS", "-5", "write a whole number, 1 or more"),
        ("DATABASE_POOL_SIZE", "0", "write a whole number, 1 or more"),
        ("DATABASE_POOL_SIZE", "many", "write a whole number, 1 or more"),
        ("TRUSTED_PROXIES", "-1", "write a whole number, 0 or more"),
        ("ADMIN_REQUIRE_OTP", "yes", "write on or off"),
        ("AVATAR_HOSTS", "https://qlogo.cn/", "write names of hosts, as qlogo.cn,avatars.example.org"),
        ("AVATAR_HOSTS", "qlogo.cn,*", "write names of hosts, as qlogo.cn,avatars.example.org"),
        ("AVATAR_HOSTS", ",", "write names of hosts, as qlogo.cn,avatars.example.org"),
        ("LOG_LEVEL", "verbose", "write DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("TANHUI_ENV", "staging", "write development or production"),
        ("WECHAT_MODE", "off", "write sandbox or live"),
        ("DEFAULT_LOCALE", "fr", "write zh_CN or en"),
        ("DEFAULT_LOCALE", "zh", "write zh_CN or en"),
        *(("CITY_TIME_ZONE", name, ZONE) for name in ("Asia", "Asia/Taiyuan", "../Shanghai", "Asia/\0")),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_the_cure(tmp_path, variable, text, cure):
    assert refused(tmp_path, **{variable: text}) == f"{variable}={text!r} is not understood: {cure}."


def test_bounds_themselves_and_small_letters_are_fine(tmp_path):
    environ = {"DATABASE_POOL_SIZE": "1", "TRUSTED_PROXIES": "0", "LOG_LEVEL": "debug"}
    environ["AVATAR_HOSTS"] = "qlogo.cn, Avatars.City.example"
    read = Settings.from_environment({**ELSEWHERE, "TANHUI_VAR": str(tmp_path), **environ})
    assert (read.database_pool_size, read.trusted_proxies, read.log_level) == (1, 0, "DEBUG")
    assert read.avatar_hosts == ("qlogo.cn", "avatars.city.example")


@pytest.mark.parametrize("written", ["zh_CN", "zh-CN"])
def test_the_citys_language_is_one_in_which_every_sentence_can_be_said(app, tmp_path, monkeypatch, written):
    read = Settings.from_environment({**ELSEWHERE, "TANHUI_VAR": str(tmp_path), "DEFAULT_LOCALE": written})
    changed = dataclasses.replace(app.extensions["settings"], default_locale=read.default_locale)
    monkeypatch.setitem(app.extensions, "settings", changed)
    answer = app.test_client().get("/api/v1/me")
    assert (answer.status_code, answer.json["title"]) == (401, "请登录。")


PRODUCTION = {
    **ELSEWHERE,
    "TANHUI_ENV": "production",
    "SECRET_KEY": "s" * 32,
    "WECHAT_MODE": "live",
    "WECHAT_SECRET": "of the mini-program",
}


@pytest.mark.parametrize(
    ("environ", "required"),
    [
        (ELSEWHERE, False),
        (PRODUCTION, True),
        ({**ELSEWHERE, "ADMIN_REQUIRE_OTP": "on"}, True),
        ({**PRODUCTION, "ADMIN_REQUIRE_OTP": "off"}, False),
    ],
)
def test_admins_need_a_second_factor_in_production_unless_it_is_said_otherwise(tmp_path, environ, required):
    read = Settings.from_environment({**environ, "TANHUI_VAR": str(tmp_path)})
    assert read.second_factor_required is required


FORMER = ["first-former-key-" * 2, "second-former-key" * 2]


@pytest.mark.parametrize("written", [",".join(FORMER), " ".join(FORMER), f" {FORMER[0]} ,\n{FORMER[1]}, "])
def test_former_keys_stand_with_commas_or_spaces_between(tmp_path, written):
    environ = {**ELSEWHERE, "TANHUI_VAR": str(tmp_path), "SECRET_KEY_FALLBACKS": written}
    assert Settings.from_environment(environ).secret_key_fallbacks == tuple(FORMER)


@pytest.mark.parametrize("written", ["", " ", ","])
def test_there_need_be_no_former_key(tmp_path, written):
    environ = {**ELSEWHERE, "TANHUI_VAR": str(tmp_path), "SECRET_KEY_FALLBACKS": written}
    assert Settings.from_environment(environ).secret_key_fallbacks == ()


def test_a_former_key_that_is_cut_short_is_refused_and_not_repeated(tmp_path):
    assert refused(tmp_path, SECRET_KEY_FALLBACKS=f"{FORMER[0]},{'s' * 31}") == (
        "SECRET_KEY_FALLBACKS is not understood: write former keys, 32 characters or more each, with commas or spaces"
        " between."
    )
    environ = {**ELSEWHERE, "TANHUI_VAR": str(tmp_path), "SECRET_KEY_FALLBACKS": "s" * 32}
    assert Settings.from_environment(environ).secret_key_fallbacks == ("s" * 32,)


def test_the_present_key_is_no_former_one(tmp_path):
    said = refused(tmp_path, SECRET_KEY=FORMER[1], SECRET_KEY_FALLBACKS=",".join(FORMER))
    assert said == "SECRET_KEY_FALLBACKS holds SECRET_KEY itself: leave only former keys in it."
    own = Settings.from_environment({**ELSEWHERE, "TANHUI_VAR": str(tmp_path)}).secret_key
    assert refused(tmp_path, SECRET_KEY_FALLBACKS=own) == said


def test_who_may_not_begin_a_site_starts_nothing_where_there_is_none(tmp_path):
    var = tmp_path / "var"
    with pytest.raises(
        SettingsError, match=r"DATABASE_URL is not set, and the data folder .*deploy/tanhui-cli.*make run"
    ):
        Settings.from_environment({"TANHUI_VAR": str(var)}, begins=False)
    assert not var.exists()


def test_a_database_elsewhere_is_a_site(tmp_path):
    read = Settings.from_environment({**ELSEWHERE, "TANHUI_VAR": str(tmp_path)}, begins=False)
    assert read.database_url == ELSEWHERE["DATABASE_URL"]
