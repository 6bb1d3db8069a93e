"""Restoring, and the SECRET_KEY that what is in the backup was sealed with."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from backend import sealing
from backend.database import db, transaction
from backend.embedded import secret_files
from tests.backup.conftest import Site

pytestmark = pytest.mark.slow
ANOTHER = "another-key-" * 4


def with_key(other, secret_key, *former):
    changed = replace(other.settings, secret_key=secret_key, secret_key_fallbacks=former)
    other.app.extensions["settings"] = changed
    return Site(other.app)


def test_another_secret_key_is_refused_unless_the_old_one_is_lost(site, other, dump):
    stranger = with_key(other, ANOTHER)
    assert "made under another SECRET_KEY" in stranger.run("restore", dump, status=1)
    assert stranger.count() is None
    stranger.run("restore", dump, "--without-key")
    assert stranger.count() == site.count()


def test_a_backup_of_a_former_key_is_restored_where_that_is_a_fallback(other, settings, dump_sealed):
    target = with_key(other, ANOTHER, settings.secret_key)
    assert "'flask --app wsgi secrets reseal'" in target.run("restore", dump_sealed)
    with target.app.app_context():
        sealed = db.session.scalar(text("SELECT session_key FROM residents WHERE session_key IS NOT NULL"))
        db.session.remove()
        assert sealing.unseal(sealed) == "a session"
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def dump_sealed(site, city, tmp_path):
    """A backup in which something is sealed."""
    with transaction():
        db.session.execute(text("UPDATE residents SET session_key = :sealed"), {"sealed": sealing.seal("a session")})
    return site.backup(tmp_path)


def test_a_backup_of_a_site_with_former_keys_wants_those_too(site, other, city, settings, tmp_path, monkeypatch):
    former = "a-former-key-" * 3
    monkeypatch.setitem(site.app.extensions, "settings", replace(site.settings, secret_key_fallbacks=(former,)))
    dump = site.backup(tmp_path)
    assert former not in dump.with_suffix(".json").read_text()
    assert "one of its SECRET_KEY_FALLBACKS" in with_key(other, settings.secret_key).run("restore", dump, status=1)
    assert "made under another" in with_key(other, former).run("restore", dump, status=1)
    with_key(other, ANOTHER, former, settings.secret_key).run("restore", dump)
    assert other.count() == site.count()


def test_a_backup_of_before_there_were_former_keys_is_restored(site, other, dump):
    path = dump.with_suffix(".json")
    told = json.loads(path.read_text())
    del told["former_key_ids"]
    path.write_text(json.dumps(told))
    other.run("restore", dump)
    assert other.count() == site.count()


def test_a_key_that_the_site_has_made_itself_comes_along(site, other, dump, monkeypatch):
    """As in development: neither site was given a key."""
    monkeypatch.setitem(
        site.app.extensions,
        "settings",
        replace(site.settings, secret_key=secret_files.secret(site.settings.tanhui_var, "secret_key")),
    )
    backup = Site(site.app).backup(dump.parent / "with key")
    kept = backup.with_suffix(".secrets").read_text()
    assert "SECRET_KEY=" in kept
    folder = other.settings.tanhui_var
    own = secret_files.secret(folder, "secret_key")
    target = with_key(other, own)
    target.run("restore", backup)
    assert f"SECRET_KEY={secret_files.secret(folder, 'secret_key')}\n" in kept
    assert own in [path.read_text() for path in (folder / "secrets").glob("secret_key.former-*")]
