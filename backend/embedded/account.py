"""Who the servers run as, and how a program is run as them.

PostgreSQL refuses to run as root. When root starts us, both servers run as the owner of the data, or as the
first of a few usual accounts that the machine has; no account is made. What they own lies in folders that
are ours. A parent folder that they may not enter (root's home, a private temporary folder) is not ours and
stays as it is: there the servers keep the one capability of root's that lets them pass. That gives nobody
anything: only root can reach their sockets, and the application's database role is no superuser.
"""

import functools
import json
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import binaries
from .errors import EmbeddedError

_USUAL_ACCOUNTS = ("tanhui", "postgres", "nobody")
_CAP_DAC_READ_SEARCH = 2
_CAP_DAC_OVERRIDE = 1  # containers often have only this one, which includes the other
_LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the servers run as; `is_other` if that is not the user we run as."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def own(self, path: Path) -> None:
        """Give `path`, which we made, to this account."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)


def account_for(folder: Path) -> Account:
    """The account for the servers of the data folder `folder`; raises EmbeddedError if there is none."""
    if os.geteuid() != 0:
        return _named(os.geteuid(), is_other=False)
    owner = _owner(folder / "postgres") or _owner(folder)
    if owner:
        return _named(owner, is_other=True)
    for name in _USUAL_ACCOUNTS:
        try:
            return _named(pwd.getpwnam(name).pw_uid, is_other=True)
        except KeyError:
            continue
    raise EmbeddedError(
        "PostgreSQL does not run as root and no account stands by:"
        " start as an ordinary user, or add one with `useradd --system tanhui`."
    )


def run(
    account: Account, argv: Sequence[str], *, folder: Path, keep: int, text: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as `account` in `folder`, with `text` on its standard input.

    It keeps descriptor `keep`. Returns its exit code, and all that it said as `stdout`.
    """
    return subprocess.run(  # noqa: S603  our own launcher
        _launch(account, argv, folder=folder, detached=False),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(keep,),
        start_new_session=True,  # Ctrl-C is ours to answer
        text=True,
        errors="replace",
        env=_environment(),
        check=False,
    )


def start(account: Account, argv: Sequence[str], *, folder: Path, log: IO[bytes], keep: int) -> None:
    """Start a program as `account` in `folder`, in a session of its own so that it outlives us.

    Its output goes to `log`, and it keeps descriptor `keep`.
    """
    subprocess.run(  # noqa: S603  our own launcher
        _launch(account, argv, folder=folder, detached=True),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(keep,),
        start_new_session=True,  # Ctrl-C is ours to answer
        env=_environment(),
        check=True,
    )


def _launch(account: Account, argv: Sequence[str], *, folder: Path, detached: bool) -> list[str]:
    capability = _capability(account, folder) if account.is_other else None
    return _command(account, argv, folder=folder, capability=capability, detached=detached)


def _command(
    account: Account, argv: Sequence[str], *, folder: Path, capability: int | None, detached: bool
) -> list[str]:
    wanted = {
        "argv": list(argv),
        "folder": str(folder),
        "user": [account.uid, account.gid] if account.is_other else None,
        "capability": capability,
        "detached": detached,
    }
    return [sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(wanted)]


@functools.cache
def _capability(account: Account, folder: Path) -> int | None:
    """The least that `account` needs to enter `folder` and to run the servers.

    It is found by trying, so that access lists and what a container withholds count too.
    """
    program = binaries.postgres("postgres")
    for capability in (None, _CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        command = _command(account, [str(program), "--version"], folder=folder, capability=capability, detached=False)
        tried = subprocess.run(command, capture_output=True, env=_environment(), check=False)  # noqa: S603  as above
        if tried.returncode == 0:
            return capability
    closed = _first_closed(account, folder) or _first_closed(account, program) or folder
    raise EmbeddedError(
        f'The servers run as user "{account.name}", who may not enter {closed}: allow it with'
        f" `chmod o+x {closed}`, start as an ordinary user, or set TANHUI_VAR to another folder."
    )


def _first_closed(account: Account, path: Path) -> Path | None:
    return next((folder for folder in reversed((path, *path.parents)) if not _may_enter(account, folder)), None)


def _may_enter(account: Account, path: Path) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return 0


def _named(uid: int, *, is_other: bool) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"User id {uid} has no name on this machine, which PostgreSQL asks for:"
            " add it to /etc/passwd, or set DATABASE_URL and REDIS_URL."
        ) from None
    return Account(name=entry.pw_name, uid=uid, gid=entry.pw_gid, is_other=is_other)


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like would bend the server; the loader's path some machines cannot do without.
    passed_on = {name: value for name, value in os.environ.items() if name in {"PATH", "LD_LIBRARY_PATH"}}
    return passed_on | {"LC_ALL": "C", "TZ": "UTC"}
