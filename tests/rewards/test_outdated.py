"""Redeeming by statements that PostgreSQL has prepared no more."""

import pytest
from sqlalchemy import text

from backend.database import db, transaction
from tests.sent_statements import forget_prepared, noticed


@pytest.fixture
def disturbed(redeem):
    """disturbed(resident, reward, lose=…) → the answer, and how the connection stood before each write.

    Before the first somebody moves the resident's books, so that it is repeated in its turn; `lose`: before the second
    all that was prepared is lost.
    """

    def run(resident, reward, *, lose):
        stood = []

        def disturb(connection, _statement, values):
            if not isinstance(values, dict) or "reward_version" not in values:
                return
            stood.append(connection.info.transaction_status.name)
            if len(stood) == 1:
                with transaction():
                    db.session.execute(text("UPDATE wallets SET version = version + 1"))
            elif len(stood) == 2 and lose:
                # Were the ROLLBACK lost too, the connection would be given up, and the answer be 503.
                forget_prepared(connection.pgconn, "<> 'ROLLBACK'")

        with noticed(disturb):
            answer = redeem(resident, reward)
        return answer.status_code, stood

    return run


def test_a_statement_that_is_prepared_no_more_costs_nobody_a_redemption(
    app, new_reward, resident, give, disturbed, balance
):
    give(resident, 300)
    reward = new_reward(stock=10)
    # By the first also the COMMIT has been prepared.
    assert disturbed(resident, reward, lose=False) == (201, ["IDLE", "INTRANS"])
    # Once more for the write, and once for the COMMIT: what was not committed is not answered.
    assert disturbed(resident, reward, lose=True) == (201, ["IDLE", *["INTRANS"] * 3])
    assert balance(resident) == (100, 200)
