"""`flask admin`: the first owner, and the way back in for one who forgot the password or lost the phone."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup
from sqlalchemy import select

from backend.admins import managing
from backend.admins.models import ROLES, Admin
from backend.database import db, transaction
from backend.errors import NotFoundError, RefusalError

BY = "command:admin"
group = AppGroup("admin", help="Admins: create, list, reset a password, remove a second factor.")
_from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@group.command("create")
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the admin may do.")
@_from_stdin
def create(*, username: str, role: str, password_stdin: bool) -> None:
    """Make an admin; asks for a password of 12 characters or more."""
    password = _read_password(from_stdin=password_stdin)
    with _told_plainly(), transaction():
        managing.create(username=username, password=password, role=role, by=BY)
    click.echo(f"{username} may sign in as {role}.")


@group.command("reset-password")
@click.argument("username")
@_from_stdin
def reset_password(*, username: str, password_stdin: bool) -> None:
    """Set a new password, end all sessions and open a lock; asks for the password."""
    password = _read_password(from_stdin=password_stdin)
    with _told_plainly(), transaction():
        managing.change(_id_of(username), password=password, by=BY)
    click.echo(f"{username} may sign in with the new password.")


@group.command("remove-second-factor")
@click.argument("username")
def remove_second_factor(*, username: str) -> None:
    """Let an admin who lost the phone enrol anew: ends all sessions; doing it again changes nothing."""
    with _told_plainly(), transaction():
        managing.remove_second_factor(_id_of(username), by=BY)
    click.echo(f"{username} may sign in by password alone, and enrol a second factor anew.")


@group.command("list")
def list_all() -> None:
    """List all admins with role and state."""
    for admin in db.session.scalars(select(Admin).order_by(Admin.id)):
        state = "disabled" if admin.disabled_at else "active"
        factor = "second factor" if admin.totp_secret else "password only"
        click.echo(f"{admin.id}\t{admin.username}\t{admin.role}\t{state}\t{factor}")


def _id_of(username: str) -> int:
    try:
        return managing.find_by_name(username).id
    except NotFoundError as error:
        cure = f"There is no admin {username!r}: 'flask --app wsgi admin list' names all."
        raise click.ClickException(cure) from error


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@contextmanager
def _told_plainly() -> Iterator[None]:
    """A refusal becomes the command's one-line error."""
    try:
        yield
    except RefusalError as error:
        raise click.ClickException(str(error.detail or error.title)) from error
