"""The processes that a site consists of, and how to find each."""

from enum import StrEnum
from pathlib import Path

import psutil


class Part(StrEnum):
    """A kind of process of a site."""

    WEB_WORKER = "a gunicorn worker"
    WEB_SERVER = "gunicorn"
    JOBS = "the Celery worker"
    JOBS_CHILD = "a process of the Celery worker"
    CLOCK = "beat"
    DATABASE = "PostgreSQL"
    DATABASE_BACKEND = "a PostgreSQL backend"
    VALKEY = "Valkey"


_OF_THE_SUPERVISOR = {Part.WEB_SERVER: "gunicorn", Part.JOBS: " worker ", Part.CLOCK: " beat "}
_CHILDREN_OF = {Part.WEB_WORKER: Part.WEB_SERVER, Part.JOBS_CHILD: Part.JOBS}


def processes(part: Part, *, supervisor: psutil.Process, folder: Path) -> list[psutil.Process]:
    """The living processes of `part`; none while it is down."""
    try:
        return [process for process in _find(part, supervisor, folder) if lives(process)]
    except (psutil.NoSuchProcess, FileNotFoundError, ValueError):
        # Gone, or its file is just being written.
        return []


def lives(process: psutil.Process) -> bool:
    """Whether it has not ended; one that ended and was not waited for has."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _find(part: Part, supervisor: psutil.Process, folder: Path) -> list[psutil.Process]:
    if part in _OF_THE_SUPERVISOR:
        word = _OF_THE_SUPERVISOR[part]
        return [child for child in supervisor.children() if word in _command(child)]
    if part in _CHILDREN_OF:
        parents = _find(_CHILDREN_OF[part], supervisor, folder)
        return [child for parent in parents for child in parent.children()]
    if part is Part.VALKEY:
        return [psutil.Process(_first_number(folder / "run" / "valkey.pid"))]
    postmaster = psutil.Process(_first_number(folder / "postgres" / "postmaster.pid"))
    if part is Part.DATABASE:
        return [postmaster]
    return [child for child in postmaster.children() if _command(child).startswith("postgres: tanhui tanhui")]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _first_number(path: Path) -> int:
    return int(path.read_text(encoding="utf-8").partition("\n")[0])
