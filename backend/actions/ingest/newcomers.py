"""Residents for subjects that nobody has bound: for feeds whose users are not signed in to the mini-program."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from backend.ledger import service as ledger
from backend.partners import bindings
from backend.partners.models import Partner
from backend.residents import newcomers


def bind_newcomers(subjects: Collection[str], *, partner: Partner, now: datetime) -> list[str]:
    """Make a resident with a wallet for each subject that has none, and bind it; returns the subjects bound now.

    Who comes second waits on the binding's row and finds it bound.
    """
    owners = bindings.owners_to_bind(subjects, partner_id=partner.id)
    names = {subject: nickname_of(subject, partner) for subject, owner in owners.items() if owner is None}
    if not names:
        return []
    residents = newcomers.admit(names, provider=f"partner:{partner.code}", now=now)
    ledger.open_wallets(residents.values())
    bindings.bind_all(residents, partner_id=partner.id, now=now)
    return list(names)


def nickname_of(subject: str, partner: Partner) -> str:
    """A name to show that gives nothing away of the partner's own user id."""
    return f"{partner.code}-{sha256(f'{partner.code}:{subject}'.encode()).hexdigest()[:6]}"
