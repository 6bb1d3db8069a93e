"""Settling in: simulated districts, communities, residents and their bindings, as set-based SQL."""

from rich.progress import Progress
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from backend import clock
from backend.database import db, transaction
from backend.ledger.models import Wallet
from backend.partners.models import Binding, Partner
from backend.residents.models import Area, Identity_, Resident
from backend.simulation import City, SimulatedResident

PROVIDER = "simulation"
PAGE = 500


def settle_in(city: City, *, progress: Progress) -> dict[int, int]:
    """Make areas, residents, wallets and bindings that are missing; number in the city → resident_id."""
    people = city.residents()
    bar = progress.add_task("Who lives there", total=len(people))
    areas = _make_areas(people)
    ids = _known()
    partners = dict(db.session.execute(select(Partner.code, Partner.id)).all())
    for start in range(0, len(people), PAGE):
        page = people[start : start + PAGE]
        with transaction():
            ids |= _make([person for person in page if person.number not in ids], areas, partners)
        progress.advance(bar, len(page))
    return ids


def _make_areas(people: list[SimulatedResident]) -> dict[str, int]:
    with transaction():
        _add_areas({person.district: None for person in people})
        districts = _areas()
        _add_areas({person.community: districts[person.district] for person in people})
    return _areas()


def _add_areas(parents: dict[str, int | None]) -> None:
    rows = [
        {
            "code": code,
            "kind": "community" if parent else "district",
            "district_id": parent,
            "title": {"zh": code, "en": code},
            "simulated": True,
        }
        for code, parent in sorted(parents.items())
    ]
    db.session.execute(insert(Area).values(rows).on_conflict_do_nothing())


def _areas() -> dict[str, int]:
    return dict(db.session.execute(select(Area.code, Area.id)).all())


def _known() -> dict[int, int]:
    query = select(Identity_.subject, Identity_.resident_id).where(Identity_.provider == PROVIDER)
    return {int(subject): resident_id for subject, resident_id in db.session.execute(query)}


def _make(people: list[SimulatedResident], areas: dict[str, int], partners: dict[str, int]) -> dict[int, int]:
    if not people:
        return {}
    now = clock.now()
    ids = {person.number: number for person, number in zip(people, _reserve(len(people)), strict=True)}
    rows = [
        {
            "resident_id": ids[person.number],
            "state": "active",
            "nickname": person.nickname,
            "district_id": areas[person.district],
            "community_id": areas[person.community],
            "leaderboard_consent": person.number % 3 > 0,
            "simulated": True,
            "token_epoch": 0,
            "joined_at": now,
        }
        for person in people
    ]
    db.session.execute(insert(Resident), rows)
    identities = [{"provider": PROVIDER, "subject": str(n), "resident_id": i} for n, i in ids.items()]
    db.session.execute(insert(Identity_), identities)
    db.session.execute(insert(Wallet), [{"resident_id": resident_id} for resident_id in ids.values()])
    bindings = [
        {"partner_id": partners[code], "subject": subject, "resident_id": ids[person.number], "bound_at": now}
        for person in people
        for code, subject in person.subjects.items()
    ]
    db.session.execute(insert(Binding), bindings)
    return ids


def _reserve(count: int) -> list[int]:
    sequence = func.pg_get_serial_sequence("residents", "resident_id")
    return list(db.session.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, count))))
