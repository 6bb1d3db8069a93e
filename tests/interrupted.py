"""`python -m tests.interrupted` → how statements and transactions ended that Ctrl-C struck at some moment, as JSON.

A process of its own: what is interrupted anywhere leaves Python's count of its own depth wrong, and pytest stumbles
over that.
"""

import json
import random
import signal
import sys
from collections import Counter
from functools import partial

from backend import create_app
from backend.config import Settings
from backend.database import cursor, transaction
from backend.database.connections import creator, silence_of

TIMES = 300
MOST = 1_000
"""Statements until one is given up: Python drops an interrupt that strikes while an object is thrown away."""


def main():
    settings = Settings.from_environment()
    silence = silence_of(settings.database_url)
    ended = Counter()
    connect = creator(settings.database_url, program="test", answer_within_s=12, silence=silence)
    connection = connect()
    for _ in range(TIMES):
        ended[interrupted(partial(in_one_transaction, connection))] += 1
        connection = connect() if connection.closed else connection
    with create_app(settings, serves=False).app_context():
        for _ in range(TIMES):
            ended[interrupted(in_many)] += 1
    json.dump({"ended": ended, "silent": silence.lasts}, sys.stdout)


def interrupted(work):
    """What an interrupt becomes that comes within two milliseconds; the work takes many times as long."""
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.002))
        work()
    except KeyboardInterrupt:
        return "interrupted"
    except BaseException as error:  # noqa: BLE001  that is what is counted
        return repr(error)
    return "not interrupted"


def in_one_transaction(connection):
    """As psycopg's users do it: whoever is interrupted rolls back."""
    try:
        for _ in range(MOST):
            connection.execute("SELECT 1")
    except KeyboardInterrupt:
        if not connection.closed:
            connection.rollback()
        raise


def in_many():
    """As ours do it."""
    for _ in range(MOST):
        with transaction():
            cursor().execute("SELECT 1")


def interrupt(_number, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, interrupt)
    main()
