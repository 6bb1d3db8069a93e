"""Filling an empty site with the simulated city, through the same services as a real one's.

Each step is safe to repeat: a start that was cut short is taken up again by the plan in the audit trail.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from backend import clock, present
from backend.actions import partner_feed, reviewing
from backend.actions.claim import Claim, milli
from backend.actions.events import Event
from backend.actions.models import Action
from backend.actions.record_many import record_many
from backend.audit import service as audit
from backend.audit.models import AuditRow
from backend.catalogue import service as catalogue_service
from backend.config import Settings
from backend.database import db, transaction
from backend.errors import RefusalError
from backend.partners.models import Partner
from backend.preparation import simulated_people
from backend.projector import service as projector
from backend.residents.models import Resident
from backend.rewards import redeeming, vouchers
from backend.rewards.models import Redemption, Reward
from backend.simulation import (
    DEFAULT_DAYS,
    DEFAULT_RESIDENTS,
    DEFAULT_SEED,
    City,
    SimulatedDeclaration,
    SimulatedEvent,
)

Item = TypeVar("Item")
RESIDENTS = DEFAULT_RESIDENTS
PAGE = 5_000
VOUCHERS = 300
"""Codes loaded for each voucher reward, so that most wishes are granted and one or two are not."""
REVIEWED_OF_TEN = 8
"""Of ten photos so many are accepted; the rest stays for whoever tries the review."""
ACTOR = "command:prepare"


def is_wanted() -> bool:
    """Whether this site is empty, or its simulated city was cut short."""
    settings = present.settings()
    if settings.production:
        return False
    begun, finished = _mark("simulate-begin"), _mark("simulate-end")
    if begun is not None:
        return finished is None
    return not db.session.scalar(select(func.count()).select_from(select(Resident).limit(1).subquery()))


def fill(*, console: Console, residents: int, today: date) -> None:
    """Write the simulated city down, with a progress bar. Everything of it is marked as simulated."""
    begun = _mark("simulate-begin")
    plan: dict[str, Any] = (begun.after or {}) if begun else {"residents": residents, "until": today.isoformat()}
    if begun is None:
        with transaction():
            _note("simulate-begin", plan)
    settings = present.settings()
    until = date.fromisoformat(plan["until"])
    city = City(
        seed=DEFAULT_SEED,
        residents=plan["residents"],
        days=DEFAULT_DAYS,
        until=until,
        time_zone=settings.city_time_zone,
    )
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console.print("[bold]Simulating a city[/bold] (invented people and trips; see docs/simulation.md)")
    with Progress(*columns, console=console) as progress:
        ids = simulated_people.settle_in(city, progress=progress)
        _declare(city, ids=ids, progress=progress, settings=settings)
        _report(city, progress=progress)
        _review(progress)
        _redeem(city, ids=ids, progress=progress)
        _project(progress)
    with transaction():
        _note("simulate-end", plan)


def _declare(city: City, *, ids: dict[int, int], progress: Progress, settings: Settings) -> None:
    declarations = list(city.declarations())
    bar = progress.add_task("What residents declare", total=len(declarations))
    patient = replace(settings, action_max_age_days=DEFAULT_DAYS + 40)
    for page in _pages(declarations, PAGE):
        with transaction():
            claims: dict[int, list[Claim]] = defaultdict(list)
            for place, declaration in page:
                resident_id = ids[declaration.resident_number]
                claims[resident_id].append(_claim(declaration, place=place, settings=patient))
            record_many(claims, settings=patient, now=clock.now())
        progress.advance(bar, len(page))


def _claim(declaration: SimulatedDeclaration, *, place: int, settings: Settings) -> Claim:
    began = declaration.started_at or declaration.occurred_at
    rules = catalogue_service.current().task(declaration.task)
    return Claim(
        task=declaration.task,
        tier=declaration.evidence,
        quantity_milli=None if declaration.quantity is None else milli(declaration.quantity),
        unit=rules.unit,
        happened_at=began,
        ended_at=declaration.occurred_at if declaration.started_at else None,
        day=clock.local_day(began, zone=settings.city_time_zone),
        client_reference=f"sim-{place}",
        evidence={"note": "simulated"} if declaration.evidence == "photo" else None,
        max_age_days=settings.action_max_age_days,
        place=place,
    )


def _report(city: City, *, progress: Progress) -> None:
    partners = {partner.code: partner for partner in db.session.scalars(select(Partner))}
    reported = list(city.events())
    bar = progress.add_task("What partners report", total=len(reported))
    for page in _pages(reported, PAGE):
        by_partner: dict[str, list[Event]] = defaultdict(list)
        for _, event in page:
            by_partner[event.partner].append(_event(event))
        for code, events in by_partner.items():
            with transaction():
                partner_feed.credit_events(partners[code], events, now=clock.now())
        progress.advance(bar, len(page))


def _event(event: SimulatedEvent) -> Event:
    return Event(
        event.external_id,
        event.subject,
        event.task,
        event.started_at,
        event.ended_at,
        milli(event.quantity),
        None,
    )


def _review(progress: Progress) -> None:
    waiting = db.session.execute(
        select(Action.resident_id, Action.seq)
        .where(Action.status == "pending")
        .order_by(Action.resident_id, Action.seq)
    ).all()
    bar = progress.add_task("What reviewers decide", total=len(waiting))
    for place, (resident_id, seq) in enumerate(waiting):
        if place % 10 < REVIEWED_OF_TEN:
            with transaction():
                reviewing.accept(resident_id=resident_id, seq=seq, by=ACTOR, now=clock.now())
        progress.advance(bar)


def _redeem(city: City, *, ids: dict[int, int], progress: Progress) -> None:
    rewards = {reward.code: reward for reward in db.session.scalars(select(Reward))}
    wishes = list(city.redemptions())
    bar = progress.add_task("What residents redeem", total=len(wishes))
    _load_vouchers(rewards.values())
    done = db.session.scalar(select(func.count()).select_from(Redemption)) or 0
    for place, (number, code) in enumerate(wishes):
        if place >= done:
            _try_to_redeem(db.session.get_one(Resident, ids[number]), rewards[code])
        progress.advance(bar)


def _try_to_redeem(resident: Resident, reward: Reward) -> None:
    delivery = {"name": "Simulated", "phone": "13800000000", "address": "Simulated street 1"}
    try:
        with transaction():
            redeeming.redeem(
                resident_id=resident.resident_id,
                reward_id=reward.id,
                quantity=1,
                delivery=delivery if reward.kind == "physical" else None,
                now=clock.now(),
            )
    except RefusalError:
        return  # a wish that the rules refuse is part of a city's life


def _load_vouchers(rewards: Iterable[Reward]) -> None:
    for reward in rewards:
        if reward.kind == "voucher" and reward.stock == 0:
            codes = "\n".join(f"SIM-{reward.code}-{number:04d}" for number in range(VOUCHERS))
            with transaction():
                vouchers.load(reward_id=reward.id, text=codes, by=ACTOR)


def _project(progress: Progress) -> None:
    bar = progress.add_task("Boards and totals", total=None)
    projector.drain()
    progress.update(bar, total=1, completed=1)


def _pages(items: Iterable[Item], size: int) -> Iterator[Sequence[tuple[int, Item]]]:
    numbered = enumerate(items)
    while page := list(islice(numbered, size)):
        yield page


def _mark(action: str) -> AuditRow | None:
    return db.session.scalar(select(AuditRow).where(AuditRow.object_kind == "site", AuditRow.action == action))


def _note(action: str, plan: dict[str, Any]) -> None:
    audit.record(actor=ACTOR, action=action, object_kind="site", object_id="site", before=None, after=plan)
