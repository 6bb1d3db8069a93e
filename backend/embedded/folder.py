"""The data folder: what lies where, whose it is, and where the sockets go."""

import errno
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .account import Account, account_for
from .errors import EmbeddedError

_OURS_ALONE = 0o700
_PASSABLE = 0o711  # for the servers' own account, on the way to folders that are theirs alone
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 103  # 107 on Linux, 103 on macOS
# Anything else would have to be quoted differently in each of the URLs.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A data folder that exists and in which we may write."""

    path: Path

    @property
    def account(self) -> Account:
        """The account that the servers run as; raises EmbeddedError if there is none."""
        return account_for(self.path)

    @property
    def run(self) -> Path:
        """Where process ids lie, and the sockets if their path is short enough."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """Where the servers log."""
        return self.path / "logs"

    def lock(self, name: str) -> Path:
        """The lock file `name`."""
        return self.path / "locks" / name

    def server_folder(self, name: str) -> Path:
        """The folder `name`, made if absent: mode 0700, owned by the account of the servers."""
        made = self.path / name
        made.mkdir(mode=_OURS_ALONE, exist_ok=True)
        if made.stat().st_uid != self.account.uid:
            self.account.own(made)
        return made


def make_folder(path: Path) -> None:
    """Make the data folder `path` if it is absent, closed to others; raises OSError if that fails.

    Only what is made here gets a mode: a folder that was there before is left as it is.
    """
    if path.exists():
        return
    path.mkdir(parents=True, exist_ok=True, mode=_OURS_ALONE)
    if os.geteuid() == 0:
        path.chmod(_PASSABLE)


def open_folder(path: Path) -> DataFolder:
    """Return the data folder at `path`, made if absent; raises EmbeddedError if it cannot be written."""
    path = path.absolute().resolve()
    try:
        make_folder(path)
        for ours in ("locks", "logs"):
            (path / ours).mkdir(mode=_OURS_ALONE, exist_ok=True)
        return DataFolder(path=path)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> EmbeddedError:
    """The sentence for a data folder at `path` that cannot be written because of `error`."""
    if error.errno == errno.ENOSPC:
        return disk_full(path)
    return EmbeddedError(
        f"The data folder {path} cannot be written ({error.strerror}: {error.filename}):"
        " set TANHUI_VAR to a folder that you own."
    )


def disk_full(path: Path) -> EmbeddedError:
    """The sentence for a data folder at `path` whose disk is full."""
    return EmbeddedError(f"The disk of {path} is full: make room on it, or set TANHUI_VAR to a folder elsewhere.")


def socket_folder(folder: DataFolder) -> Path:
    """The folder for the sockets: inside the data folder, or a short one outside if that path is too long."""
    run = folder.server_folder("run")
    if _fits(run):
        return run
    record = _record(folder)
    if record.exists():
        recorded = Path(record.read_text(encoding="utf-8"))
        if _is_ours(recorded, folder.account):
            return recorded
    moved = Path(tempfile.mkdtemp(prefix="tanhui-", dir=_short_base()))
    folder.account.own(moved)
    record.write_text(str(moved), encoding="utf-8")
    return moved


def discard_sockets(folder: DataFolder) -> None:
    """Remove the socket folder outside the data folder, if there is one, once nothing uses it."""
    sockets = socket_folder(folder)
    if sockets != folder.run:
        _record(folder).unlink()
        for left in sockets.iterdir():
            left.unlink()
        sockets.rmdir()


def _record(folder: DataFolder) -> Path:
    return folder.lock("sockets-are-in")


def _fits(folder: Path) -> bool:
    name = str(folder / _LONGEST_SOCKET_NAME)
    return len(os.fsencode(name)) <= _SOCKET_PATH_BYTES and _PLAIN_PATH.fullmatch(name) is not None


def _short_base() -> Path:
    usual = Path(tempfile.gettempdir())
    return usual if _fits(usual / "tanhui-12345678") else Path("/tmp")  # noqa: S108  mkdtemp makes a private one


def _is_ours(path: Path, account: Account) -> bool:
    # Somebody else may have made a folder of this name after a reboot emptied the temporary folder.
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and not status.st_mode & 0o077
