"""SECRET_KEY and a backup: what was sealed with one key does not open with another."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.backup.errors import BackupError
from backend.backup.folder import Backup
from backend.backup.manifest import Manifest, key_id
from backend.config import Settings

_GENERATED = ("secret_key", "wechat_secret")


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets that a restored site works with; `to_install`: generated ones that replace this site's own."""

    secret_key: str
    to_install: dict[str, str]


def generated(settings: Settings) -> dict[str, str]:
    """The secrets that this site has made for itself (`embedded.secret_files`); none where the operator sets them."""
    kept = {name: _kept(settings, name) for name in _GENERATED}
    return {name: text for name, text in kept.items() if text and text == getattr(settings, name)}


def as_text(found: dict[str, str]) -> str | None:
    """What is written beside a dump: lines of an environment file; None if there is nothing to write."""
    return "".join(f"{name.upper()}={text}\n" for name, text in found.items()) or None


def fitting(backup: Backup, described: Manifest, settings: Settings, *, without_key: bool) -> Keys:
    """The keys that open what is sealed in the dump; raises BackupError if they are not here.

    `without_key`: the old key is lost, and with it partners' keys, second factors, addresses and session keys.
    """
    needed = {described.key_id, *described.former_key_ids}
    former = {key_id(key) for key in settings.secret_key_fallbacks}
    if without_key or needed <= {key_id(settings.secret_key), *former}:
        return Keys(settings.secret_key, {})
    beside = _read(backup.secrets)
    mine = generated(settings)
    secret_key = beside.get("secret_key", "")
    if "secret_key" in mine and needed <= {key_id(secret_key), *former}:
        return Keys(secret_key, {name: text for name, text in beside.items() if name in mine})
    raise BackupError(
        "This backup was made under another SECRET_KEY, or while one of its SECRET_KEY_FALLBACKS was in use, and what"
        " is sealed in it (partners' keys, second factors, addresses) opens with no other: add that key to"
        " SECRET_KEY_FALLBACKS; if it is lost, restore with WITHOUT_KEY=yes (--without-key) and give those anew."
    )


@contextmanager
def installed(keys: Keys, settings: Settings) -> Iterator[None]:
    """Make the keys this site's own, unless the block fails; the former ones stay beside them. Raises OSError."""
    replaced: list[tuple[Path, Path]] = []
    try:
        for name, text in keys.to_install.items():
            path = _path(settings, name)
            former = path.with_name(f"{name}.former-{secrets.token_hex(4)}")
            former.hardlink_to(path)
            replaced.append((path, former))
            _replace(path, text)
        yield
    except BaseException:
        for path, former in replaced:
            former.rename(path)
        raise


def _replace(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


def _kept(settings: Settings, name: str) -> str | None:
    try:
        return _path(settings, name).read_text(encoding="ascii")
    except FileNotFoundError:
        return None


def _path(settings: Settings, name: str) -> Path:
    return settings.tanhui_var.resolve() / "secrets" / name


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name.lower(): text for name, _, text in pairs if name.lower() in _GENERATED}
