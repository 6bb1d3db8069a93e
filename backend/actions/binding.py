"""A resident binds an account at a partner, and what waited for it is credited in the same transaction.

Locks: the binding's row, then the wallet, as everywhere (see partners.bindings).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.actions.partner_feed import credit_kept
from backend.ledger import service as ledger
from backend.partners import bindings, proofs
from backend.partners import service as partners
from backend.partners.models import Binding, Partner
from backend.residents import consents
from backend.web.schemas import grams


def bind(*, resident_id: int, partner_code: str, subject: str, proof: str, now: datetime) -> dict[str, Any]:
    """Bind a partner's subject to a resident, and credit the events kept for it; binding it again changes nothing.

    The partner learns what its events come to from now on: the resident's consent to that is recorded (PIPL 23).
    Raises NotFoundError for the partner, InvalidProofError, AlreadyBoundError, ResidentFrozenError.
    """
    partner = partners.find(partner_code)
    proofs.check(proof, subject=subject, secrets=partners.secrets_of(partner), now=now)
    binding = bindings.bind(subject, partner_id=partner.id, resident_id=resident_id, now=now)
    if ledger.lock_wallet(resident_id).frozen:
        raise ledger.ResidentFrozenError
    consents.give(resident_id, purpose=consents.to_partner(partner.code), now=now)
    results = credit_kept(partner, [subject], now=now)
    counts = Counter(result.status for result in results)
    return {
        **shown(binding, partner),
        "credited": counts["credited"] + counts["capped"],
        "pending": counts["pending"],
        "refused": counts["refused"],
        "co2e_g": grams(sum(result.co2e_mg for result in results)),
        "points": sum(result.points for result in results),
    }


def unbind(*, resident_id: int, partner_code: str, now: datetime) -> None:
    """Undo a resident's bindings at a partner: once this is committed, nothing more is credited through them.

    The partner need not be active. Pages that looked a binding up before see under the wallet's lock that it is gone.
    The consent is withdrawn. Raises NotFoundError.
    """
    partner = partners.find_any(partner_code)
    held = bindings.lock_of_resident(resident_id, partner_id=partner.id)
    ledger.lock_wallet(resident_id)
    bindings.release(held)
    # What was bound there at the same moment, and committed first, is not undone, and needs the consent.
    if not bindings.is_any_left(resident_id, partner_id=partner.id):
        consents.withdraw(resident_id, purpose=consents.to_partner(partner.code), now=now)


def list_bindings(resident_id: int) -> Sequence[dict[str, Any]]:
    """A resident's bindings at all partners."""
    return [shown(binding, partner) for binding, partner in bindings.of_resident(resident_id)]


def shown(binding: Binding, partner: Partner) -> dict[str, Any]:
    """A binding as the API shows it."""
    return {"partner": partner.code, "subject": binding.subject, "bound_at": binding.bound_at}
