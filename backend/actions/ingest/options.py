"""What the command line of `flask ingest` says, checked and completed from the catalogue and the settings."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from backend import clock
from backend.actions.ingest.mapping import FIELDS, Wanted
from backend.actions.ingest.reading import Recipe
from backend.actions.ingest.times import Clockwork
from backend.catalogue import service as catalogue
from backend.catalogue.rules import TaskRules
from backend.partners.models import Partner

NEEDED = frozenset({"subject", "started_at"})


def columns_of(_context: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> dict[str, str]:
    """`field=column` pairs as a dictionary; raises click.BadParameter."""
    columns: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if field not in FIELDS or not equals or not column:
            raise click.BadParameter(f"{pair!r}: give FIELD=COLUMN, FIELD one of {', '.join(FIELDS)}.")
        columns[field] = column
    return columns


def names_of(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def delimiter_of(_context: click.Context, _parameter: click.Parameter, mark: str) -> str:
    """What stands between columns: one character. Raises click.BadParameter."""
    if len(mark) != 1 or mark in '"\r\n':
        raise click.BadParameter(f"{mark!r}: give one character that is no quote, such as ';'.")
    return mark


def zone_of(_context: click.Context, _parameter: click.Parameter, name: str | None) -> ZoneInfo | None:
    """A time zone by its name; raises click.BadParameter."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{name!r} is no time zone such as Asia/Shanghai.") from error


def recipe_of(
    partner: Partner,
    *,
    task: str | None,
    columns: dict[str, str],
    external_id_from: tuple[str, ...],
    unit: str | None,
    zone: ZoneInfo | None,
    time_format: str | None,
    shift_days: int,
    delimiter: str,
) -> Recipe:
    """How the file is to be read; raises click.UsageError for a task that the partner does not report."""
    if task is not None and task not in partner.tasks:
        raise click.UsageError(f"Partner {partner.code} does not report {task!r}, but: {', '.join(partner.tasks)}.")
    only = partner.tasks[0] if len(partner.tasks) == 1 and "task" not in columns else None
    rules = catalogue.current().tasks.get(task or only or "")
    return Recipe(
        wanted=Wanted(columns=columns, external_id_from=external_id_from, required=_required(rules)),
        delimiter=delimiter,
        task=task,
        only_task=only,
        unit=unit,
        clockwork=Clockwork(zone=zone or clock.city_zone(), shift_days=shift_days, form=time_format),
    )


def _required(rules: TaskRules | None) -> frozenset[str]:
    if rules is None:
        return NEEDED | {"task"}
    trip = {"ended_at"} if rules.trip else set()
    return NEEDED | trip | (set() if rules.unit == "count" else {"quantity"})
