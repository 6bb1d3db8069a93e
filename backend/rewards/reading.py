"""Looking up rewards and redemptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, tuple_

from backend.database import db
from backend.errors import NotFoundError
from backend.ledger.models import Wallet
from backend.rewards import rules
from backend.rewards.models import Redemption, Reward
from backend.web.paging import Page, Place, decode_number, page_of

LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Shown:
    """A reward as one resident sees it at one moment."""

    reward: Reward
    state: str


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption, its reward, and the points that the resident has after it (None: not asked)."""

    redemption: Redemption
    reward: Reward
    balance: int | None = None


def find(reward_id: int) -> Reward:
    """The reward in its present terms, also one that is hidden; raises NotFoundError."""
    return _one(reward_id, lock=False)


def lock(reward_id: int) -> Reward:
    """The reward, locked until the transaction ends; raises NotFoundError."""
    return _one(reward_id, lock=True)


def list_shown(*, resident_id: int, now: datetime, limit: int, cursor: str | None, kind: str | None = None) -> Page:
    """A page of the rewards that are not hidden, as the resident sees them."""
    query = select(Reward).where(Reward.active, Reward.id > (decode_number(cursor) or 0))
    if kind is not None:
        query = query.where(Reward.kind == kind)
    rows = db.session.scalars(query.order_by(Reward.id).limit(limit + 1)).all()
    page = page_of(rows, limit=limit, key=lambda reward: reward.id)
    co2e_mg = _lifetime_mg(resident_id)
    return Page([_shown(reward, co2e_mg=co2e_mg, now=now) for reward in page.items], page.next_cursor)


def show(reward_id: int, *, resident_id: int, now: datetime) -> Shown:
    """A reward as the resident sees it; raises NotFoundError also for one that is hidden."""
    reward = find(reward_id)
    if not reward.active:
        raise NotFoundError
    return _shown(reward, co2e_mg=_lifetime_mg(resident_id), now=now)


def list_all(*, limit: int, cursor: str | None) -> Page:
    """A page of all rewards, for admins."""
    query = select(Reward).where(Reward.id > (decode_number(cursor) or 0)).order_by(Reward.id).limit(limit + 1)
    return page_of(db.session.scalars(query).all(), limit=limit, key=lambda reward: reward.id)


def redemption(resident_id: int, seq: int) -> Redemption:
    """The redemption as it stands now; raises NotFoundError."""
    found = db.session.get(Redemption, (resident_id, seq), populate_existing=True)
    if found is None:
        raise NotFoundError
    return found


def last_seq(resident_id: int) -> int:
    """The number of the resident's last redemption; 0: there is none."""
    return db.session.scalar(select(func.max(Redemption.seq)).where(Redemption.resident_id == resident_id)) or 0


def with_rewards(redemptions: Sequence[Redemption]) -> list[Redeemed]:
    """Redemptions with their rewards: one query for any number."""
    wanted = {redemption.reward_id for redemption in redemptions}
    rewards = {reward.id: reward for reward in db.session.scalars(select(Reward).where(Reward.id.in_(wanted)))}
    return [Redeemed(redemption, rewards[redemption.reward_id]) for redemption in redemptions]


def list_redemptions(*, resident_id: int, limit: int, cursor: str | None, status: str | None = None) -> Page:
    """A page of the resident's redemptions, newest first."""
    query = select(Redemption).where(Redemption.resident_id == resident_id)
    before = decode_number(cursor)
    if before is not None:
        query = query.where(Redemption.seq < before)
    if status is not None:
        query = query.where(Redemption.status == status)
    rows = db.session.scalars(query.order_by(Redemption.seq.desc()).limit(limit + 1)).all()
    page = page_of(rows, limit=limit, key=lambda redemption: redemption.seq)
    return Page(with_rewards(page.items), page.next_cursor)


def work_list(*, status: str, reward_id: int | None, limit: int, after: Place | None) -> list[Redeemed]:
    """All residents' redemptions in one status, in the order they were made; `after` is where the page before ended."""
    place = tuple_(Redemption.redeemed_at, Redemption.resident_id, Redemption.seq)
    query = select(Redemption).where(Redemption.status == status)
    if reward_id is not None:
        query = query.where(Redemption.reward_id == reward_id)
    if after is not None:
        query = query.where(place > tuple_(*after))
    order = (Redemption.redeemed_at, Redemption.resident_id, Redemption.seq)
    return with_rewards(db.session.scalars(query.order_by(*order).limit(limit)).all())


def _one(reward_id: int, *, lock: bool) -> Reward:
    query = select(Reward).where(Reward.id == reward_id).execution_options(populate_existing=True)
    reward = db.session.scalar(query.with_for_update() if lock else query) if reward_id <= LARGEST else None
    if reward is None:
        raise NotFoundError
    return reward


def _lifetime_mg(resident_id: int) -> int:
    return db.session.scalar(select(Wallet.co2e_mg).where(Wallet.resident_id == resident_id)) or 0


def _shown(reward: Reward, *, co2e_mg: int, now: datetime) -> Shown:
    state = rules.state(
        now,
        opens_at=reward.on_sale_from,
        closes_at=reward.on_sale_until,
        unlocked=rules.reaches(reward.min_level, co2e_mg=co2e_mg),
        stock=reward.stock,
    )
    return Shown(reward, state)
