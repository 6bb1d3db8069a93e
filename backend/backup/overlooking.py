"""What a restored database goes through before it takes the site's place: in a process of its own, working on it.

A process because an application belongs to one database from its start.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click

from backend.backup import adopting, erasures, handed_out
from backend.backup.address import Address
from backend.backup.errors import BackupError
from backend.backup.since import Since
from backend.config import Settings
from backend.leaderboard import commands as leaderboard
from backend.verification.commands import command as verify

COMMAND = "look-over"
DIFFERS = 3
"""Exit code of the process where all went well but the books do not agree."""


def look_over(
    new: Address,
    settings: Settings,
    *,
    secret_key: str,
    made_at: str,
    since_then: Since,
    accept_differences: bool,
) -> None:
    """Let a process adopt the new database and verify it; raises BackupError if it should not be used."""
    environment = {
        **os.environ,
        "DATABASE_URL": new.url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": secret_key,
        "SECRET_KEY_FALLBACKS": " ".join(settings.secret_key_fallbacks),
        "WECHAT_SECRET": settings.wechat_secret,
        "TANHUI_VAR": str(settings.tanhui_var),
        "TANHUI_ENV": settings.tanhui_env,
    }
    argv = [sys.executable, "-m", "flask", "--app", "wsgi", "backup", COMMAND, made_at, "--restoring"]
    said = since_then.as_text()
    code = subprocess.run(argv, env=environment, check=False, text=True, input=said).returncode  # noqa: S603  our own
    if code == DIFFERS and not accept_differences:
        raise BackupError(
            "The restored books do not agree (see above), so nothing was changed: take an older backup, or take this"
            " one as it is with ACCEPT_DIFFERENCES=yes (--accept-differences)."
        )
    if code not in {0, DIFFERS}:
        raise BackupError("The backup could not be brought up to date (see above). Nothing was changed.")


def in_this_process(made_at: str, since_then: Since, invoke: Callable[..., Any]) -> None:
    """That process's part: adopt, repeat what must outlast it, rebuild, verify. Ends the process with DIFFERS if
    anything differs.
    """
    adopting.adopt(made_at=made_at)
    if again := erasures.repeat(since_then.erased):
        click.echo(f"Erased again, as they had erased their account since: {again}.")
    if withdrawn := handed_out.withdraw(since_then.handed_out):
        click.echo(f"Voucher codes that had been handed out since, and will not be again: {withdrawn}.")
    invoke(leaderboard.rebuild)
    try:
        invoke(verify)
    except SystemExit as end:
        sys.exit(DIFFERS if end.code else 0)
