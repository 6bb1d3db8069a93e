"""Which of a partner's subjects is which resident.

A binding row is the place where binding and arriving events meet. Who stores an event of a subject that nobody has
bound holds a share of that row's lock until the commit; who binds it holds all of it. So a binding sees every event
that was stored before, and every event after sees the binding. One lock order everywhere: bindings in order of their
subjects, then wallets. (An event of a bound subject takes no lock here, but looks again under the wallet's lock.)

Rows that nobody has bound and no event waits for are removed while nobody has them locked (`actions.cleaning`). So one
may go between being looked up, or added in vain, and being locked: then it is added again.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert

from backend.database import array, cursor, db, text_array
from backend.errors import RefusalError
from backend.partners.models import Binding, Partner

_BOUND = """
SELECT subject, resident_id FROM bindings
WHERE partner_id = %s AND subject = ANY(%s::text[]) AND resident_id IS NOT NULL
"""
_ADD = "INSERT INTO bindings (partner_id, subject) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING"
_LOCK = """
SELECT subject, resident_id FROM bindings
WHERE partner_id = %s AND subject = ANY(%s::text[]) ORDER BY subject COLLATE "C"
"""
_BIND = """
UPDATE bindings SET resident_id = d.resident_id, bound_at = %s
FROM unnest(%s::text[], %s::bigint[]) AS d (subject, resident_id)
WHERE bindings.partner_id = %s AND bindings.subject = d.subject
"""
_STILL = """
SELECT count(*) FROM unnest(%s::text[], %s::bigint[]) AS d (subject, resident_id)
JOIN bindings b ON b.partner_id = %s AND b.subject = d.subject AND b.resident_id = d.resident_id
"""

_SAME = """
SELECT subject, min(subject) OVER (PARTITION BY resident_id) FROM bindings
WHERE partner_id = %s AND resident_id IN
    (SELECT resident_id FROM bindings WHERE partner_id = %s GROUP BY resident_id HAVING count(*) > 1)
"""

Owners = dict[str, int | None]
"""Subject → resident, None where nobody has bound it."""


class AlreadyBoundError(RefusalError):
    """The subject is somebody else's."""

    slug = "already-bound"
    title = _l("This account of the partner is bound to another resident.")


def owners_of(subjects: Collection[str], *, partner_id: int) -> Owners:
    """Whose each subject is. The rows of those that nobody has bound exist now, and are share-locked."""
    return _owners_of(subjects, partner_id=partner_id, lock=" FOR SHARE")


def owners_to_bind(subjects: Collection[str], *, partner_id: int) -> Owners:
    """The same, but the rows that nobody has bound are locked for this transaction alone, which may bind them."""
    return _owners_of(subjects, partner_id=partner_id, lock=" FOR UPDATE")


def _owners_of(subjects: Collection[str], *, partner_id: int, lock: str) -> Owners:
    sql = cursor()
    owners: Owners = dict(sql.execute(_BOUND, (partner_id, text_array(subjects))).fetchall())
    while rest := sorted(subject for subject in subjects if subject not in owners):
        names = text_array(rest)
        sql.execute(_ADD, (partner_id, names))
        owners.update(sql.execute(_LOCK + lock, (partner_id, names)).fetchall())
    return owners


def same_residents(partner_id: int) -> dict[str, str]:
    """Of residents with several subjects at this partner: each subject → one that stands for all of them."""
    return dict(cursor().execute(_SAME, (partner_id, partner_id)).fetchall())


def bind_all(residents: dict[str, int], *, partner_id: int, now: datetime) -> None:
    """Bind subjects whose rows this transaction has locked (`owners_to_bind`)."""
    cursor().execute(_BIND, (now, text_array(residents), array(residents.values()), partner_id))


def still_hold(owners: Iterable[tuple[str, int]], *, partner_id: int) -> bool:
    """Whether these subjects are bound to these residents at this moment."""
    pairs = list(owners)
    if not pairs:
        return True
    subjects, residents = zip(*pairs, strict=True)
    row = cursor().execute(_STILL, (text_array(subjects), array(residents), partner_id)).fetchone()
    return row is not None and row[0] == len(pairs)


def bind(subject: str, *, partner_id: int, resident_id: int, now: datetime) -> Binding:
    """Bind one subject; binding it again changes nothing. Raises AlreadyBoundError."""
    row = insert(Binding).values(partner_id=partner_id, subject=subject)
    query = select(Binding).where(Binding.partner_id == partner_id, Binding.subject == subject)
    binding: Binding | None = None
    while binding is None:
        db.session.execute(row.on_conflict_do_nothing())
        binding = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if binding.resident_id not in {None, resident_id}:
        raise AlreadyBoundError
    if binding.resident_id is None:
        binding.resident_id, binding.bound_at = resident_id, now
        db.session.flush()
    return binding


def of_resident(resident_id: int) -> Sequence[tuple[Binding, Partner]]:
    """A resident's bindings with their partners, by partner and subject."""
    query = select(Binding, Partner).join(Partner, Partner.id == Binding.partner_id)
    found = db.session.execute(query.where(Binding.resident_id == resident_id).order_by(Partner.code, Binding.subject))
    return [(binding, partner) for binding, partner in found]


def lock_of_resident(resident_id: int, *, partner_id: int) -> Sequence[Binding]:
    """A resident's bindings at one partner, locked in order of their subjects."""
    query = select(Binding).where(Binding.resident_id == resident_id, Binding.partner_id == partner_id)
    ordered = query.order_by(Binding.subject.collate("C")).with_for_update()
    return db.session.scalars(ordered.execution_options(populate_existing=True)).all()


def is_any_left(resident_id: int, *, partner_id: int) -> bool:
    """Whether a resident has some binding at a partner at this moment; certain while the wallet is locked."""
    left = exists().where(Binding.resident_id == resident_id, Binding.partner_id == partner_id)
    return bool(db.session.scalar(select(left)))


def release(held: Iterable[Binding]) -> None:
    """Undo locked bindings. The rows stay for a while: events of these subjects may meet there again."""
    for binding in held:
        binding.resident_id = binding.bound_at = None
    db.session.flush()
