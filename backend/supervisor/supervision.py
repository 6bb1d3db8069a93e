"""A site from start to stop."""

import errno
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from backend import embedded
from backend.embedded import folder as data_folder
from backend.embedded import locks

from .child import Child, end_with_parent
from .counting import counting
from .errors import SupervisorError
from .plan import Plan
from .signals import Signals

_UP_SECONDS = 90.0
_POLL_SECONDS = 0.1
_TEND_SECONDS = 1.0


def supervise(plan: Plan) -> None:
    """Run the site until SIGINT, SIGTERM or SIGHUP, and stop it in order.

    Raises SupervisorError or EmbeddedError, one sentence that tells the cure, if the site does not come up.
    """
    _check_port(plan)
    with Signals() as signals, _alone(plan.folder), counting(plan.folder) as counters:
        try:
            environment = _environment(plan, counters)
            if _prepare(plan, environment, signals=signals):
                _serve(plan, environment, signals=signals)
        finally:
            embedded.release(plan.folder)
    click.echo("Stopped.")


def _check_port(plan: Plan) -> None:
    family = socket.AF_INET6 if ":" in plan.host else socket.AF_INET
    try:
        socket.create_server((plan.host, plan.port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = f"Port {plan.port} is taken: set PORT, or stop the other server."
        elif error.errno == errno.EACCES:
            sentence = f"Port {plan.port} is reserved to root: set PORT to a number above 1023."
        else:
            sentence = f"HOST={plan.host} is no address of this machine: set HOST to 127.0.0.1 or 0.0.0.0."
        raise SupervisorError(sentence) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = locks.take_exclusive(data_folder.open_folder(folder).lock("supervisor"), seconds=0)
    if lock is None:
        raise SupervisorError(
            f"Another `make run` uses {folder}: stop it, or set TANHUI_VAR and PORT for a second site."
        )
    try:
        yield
    finally:
        os.close(lock)


def _environment(plan: Plan, counters: Path) -> dict[str, str]:
    """What the programs of the site are told: they share the servers that we use, and start none."""
    (plan.folder / "beat").mkdir(mode=0o700, exist_ok=True)
    told = dict(plan.environment)
    told |= {"TANHUI_VAR": str(plan.folder), "HOST": plan.host, "PORT": str(plan.port)}
    told["PROMETHEUS_MULTIPROC_DIR"] = str(counters)
    if plan.needs_servers:
        servers = embedded.attach(plan.folder)
        told["DATABASE_URL"] = told.get("DATABASE_URL") or servers.database_url
        told["REDIS_URL"] = told.get("REDIS_URL") or servers.redis_url
    return told


def _prepare(plan: Plan, environment: dict[str, str], *, signals: Signals) -> bool:
    """Run the preparation to its end at the terminal; False if we were asked to stop meanwhile."""
    process = subprocess.Popen(  # noqa: S603  the plan is ours
        plan.prepare.argv,
        env=environment,
        preexec_fn=end_with_parent,  # noqa: PLW1509  the supervisor has no threads
    )
    while process.poll() is None:
        if signals.wait(_TEND_SECONDS):
            process.terminate()
            _end(process, seconds=plan.prepare.stop_seconds)
            return False
    if process.returncode != 0:
        raise SupervisorError(
            f"{plan.prepare.name} ended with exit code {process.returncode}: its reason stands above."
        )
    return True


def _end(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _serve(plan: Plan, environment: dict[str, str], *, signals: Signals) -> None:
    children: list[Child] = []
    try:
        children.extend(Child(program, environment) for program in plan.services)
        if _comes_up(plan, children, signals=signals):
            _announce(plan)
            _watch(plan, children, signals=signals)
    finally:
        for child in children:
            child.stop(signals)


def _comes_up(plan: Plan, children: list[Child], *, signals: Signals) -> bool:
    """Wait until the site answers; False if we were asked to stop meanwhile."""
    deadline = time.monotonic() + _UP_SECONDS
    while not _is_healthy(plan):
        for child in children:
            if child.exit_code() is not None:
                raise SupervisorError(f"{child.describe_end()} at the start: its reason stands above.")
        if time.monotonic() > deadline:
            raise SupervisorError(
                f"{plan.address}/healthz has not answered within {_UP_SECONDS:.0f} s: see what stands above."
            )
        if signals.wait(_POLL_SECONDS):
            return False
    return True


def _is_healthy(plan: Plan) -> bool:
    connection = http.client.HTTPConnection(plan.local_host, plan.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(plan: Plan) -> None:
    click.echo(f"""
Tanhui is running; Ctrl-C stops it.
  Front page     {plan.address}/
  API            {plan.address}/docs
  First admin    .venv/bin/flask --app wsgi admin create NAME --role owner
  City totals    {plan.address}/api/v1/public/totals
  Data           {plan.folder}
""")


def _watch(plan: Plan, children: list[Child], *, signals: Signals) -> None:
    while not signals.wait(_TEND_SECONDS):
        for child in children:
            child.tend()
        if plan.needs_servers:
            _tend_servers(plan.folder)


def _tend_servers(folder: Path) -> None:
    dead = embedded.not_answering(folder)
    if not dead:
        return
    click.echo(f"{' and '.join(dead)} died: starting again.", err=True)
    try:
        # The sockets stay where they were, so whoever is connected finds the new server at the old place.
        embedded.attach(folder)
    except embedded.EmbeddedError as error:
        click.echo(str(error), err=True)
