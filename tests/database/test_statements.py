"""Statements of the hot path: what they give and raise is what a cursor would give and raise."""

from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from backend.database import autocommit_engine, prepared_statements
from backend.database.statements import MOST_PREPARED, Statements


@pytest.fixture
def statements(app):
    """On a connection of its own, on which nothing has been prepared, and which no other test gets."""
    autocommit_engine().dispose()
    taken = autocommit_engine().raw_connection()
    yield Statements(taken.driver_connection)
    taken.invalidate()


def prepared(statements):
    """The statements that PostgreSQL has prepared on the connection."""
    return statements.execute("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time").fetchall()


NOW = datetime(2026, 11, 26, 8, 30, 15, 250, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bigint", 2**40),
        ("bigint", -7),
        ("integer", 7),
        ("text", "碳惠 \\ ' \" % \n"),
        ("timestamptz", NOW),
        ("date", date(2026, 2, 28)),
        ("numeric", Decimal("12.345")),
        ("boolean", False),
        ("double precision", 0.25),
        ("bytea", b"\x00\xff"),
        ("bigint[]", [1, 2**33]),
        ("text", None),
    ],
)
def test_a_value_comes_back_as_it_went_and_as_a_cursor_gives_it(statements, kind, value):
    (found,) = statements.execute(f"SELECT %s::{kind}", (value,)).fetchone()
    assert found == value
    with statements.connection.cursor() as cursor:
        assert cursor.execute(f"SELECT %s::{kind}", (value,)).fetchone() == (found,)


def test_json_goes_in_and_comes_out(statements):
    assert statements.execute("SELECT %s::jsonb -> 'a'", (Jsonb({"a": [1, "二"]}),)).fetchone() == ([1, "二"],)


def test_parameters_stand_by_name_as_often_as_they_like_or_in_order(statements):
    by_name = "SELECT %(b)s::int - %(a)s::int, %(b)s::int %% 4, 'ten %%'"
    assert statements.execute(by_name, {"a": 1, "b": 7, "more": 0}).fetchone() == (6, 3, "ten %")
    assert statements.execute("SELECT %s::int - %s::int", (1, 7)).fetchone() == (-6,)
    assert statements.execute("SELECT 1, 2").fetchall() == [(1, 2)]
    with pytest.raises(ValueError, match="lone %"):
        statements.execute("SELECT 7 % 4")


def test_rows_are_those_of_the_last_statement_and_none_where_there_are_none(statements):
    assert statements.execute("SELECT n FROM generate_series(1, 3) n").fetchall() == [(1,), (2,), (3,)]
    assert statements.fetchone() == (1,)
    assert statements.execute("SELECT 1 WHERE false").fetchone() is None
    assert statements.execute("SET application_name TO 'hot'").fetchall() == []


def test_a_statement_is_prepared_once_for_numbers_of_any_size_and_the_oldest_gives_way(statements):
    for number in (None, 1, 70_000, 2**40, None, 1):
        statements.execute("SELECT %s::bigint + 1", (number,))
    kept = [text for (text,) in prepared(statements)]
    assert kept.count("SELECT $1::bigint + 1") == 2  # one for those that are there, one for what is not
    for number in range(MOST_PREPARED):
        statements.execute(f"SELECT {number}")
    assert statements.execute("SELECT %s::bigint + 1", (1,)).fetchone() == (2,)
    assert len(prepared(statements)) == MOST_PREPARED


def test_of_those_that_go_together_none_gives_way_to_another(statements):
    many = [(f"SELECT {number}", ()) for number in range(MOST_PREPARED)]
    assert statements.together(many) == [[(number,)] for number in range(MOST_PREPARED)]
    again = [*many[:2], ("SELECT 'new'", ()), ("SELECT 'newer'", ())]
    assert statements.together(again) == [[(0,)], [(1,)], [("new",)], [("newer",)]]
    assert len(prepared(statements)) == MOST_PREPARED


def test_what_is_refused_is_raised_as_psycopg_raises_it_and_the_connection_serves_on(statements):
    for wrong, error in (
        ("SELECT 1/%s::int", psycopg.errors.DivisionByZero),
        ("SELECT %s::int FROM nowhere", psycopg.errors.UndefinedTable),
        ("SELEKT %s", psycopg.errors.SyntaxError),
    ):
        with pytest.raises(error) as raised:
            statements.execute(wrong, (0,))
        assert raised.value.sqlstate == error.sqlstate
        assert raised.value.diag.message_primary
        assert statements.fetchall() == []
    assert statements.execute("SELECT 1").fetchone() == (1,)


def test_what_is_refused_at_the_commit_is_refused(statements):
    statements.execute("CREATE TEMPORARY TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    for _ in range(2):
        with pytest.raises(psycopg.errors.UniqueViolation):
            statements.execute("INSERT INTO once VALUES (1), (1) RETURNING n")
    assert statements.execute("SELECT count(*) FROM once").fetchone() == (0,)


@pytest.mark.parametrize("values", [(), (1, 2), (1, 2, 3)])
def test_as_many_values_as_parameters_are_wanted(statements, values):
    with pytest.raises(psycopg.ProgrammingError, match="values for 1 parameters"):
        statements.execute("SELECT %s::int", values)
    assert statements.execute("SELECT %s::int", (1,)).fetchone() == (1,)


def test_a_table_that_changes_under_a_prepared_statement_costs_nobody_an_answer(statements):
    statements.execute("CREATE TEMPORARY TABLE changing AS SELECT 1 AS n")
    read = ("SELECT * FROM changing WHERE n = %s", (1,))
    assert statements.execute(*read).fetchall() == [(1,)]
    statements.execute("ALTER TABLE changing ALTER n TYPE bigint, ADD more text")
    assert statements.execute(*read).fetchall() == [(1, None)]
    statements.execute("ALTER TABLE changing DROP more")
    with pytest.raises(psycopg.errors.FeatureNotSupported), statements.taken_back_on_error():
        statements.together([("BEGIN", ()), read, ("COMMIT", ())])
    assert statements.together([("BEGIN", ()), read, ("COMMIT", ())]) == [[], [(1,)], []]
    statements.execute("DEALLOCATE ALL")
    assert statements.execute(*read).fetchall() == [(1,)]


def test_nothing_that_was_read_stays_with_the_connection(app):
    with prepared_statements() as statements:
        assert statements.execute("SELECT 'mine'").fetchall()
        assert statements.together([("SELECT 1", ())]) == [[(1,)]]
        assert statements.fetchall() == []
        assert statements.execute("SELECT 'mine'").fetchall()
    assert statements.fetchall() == []


def test_several_go_together_and_nothing_is_done_after_one_that_is_refused(statements):
    statements.execute("CREATE TEMPORARY TABLE done (n int)")
    insert = "INSERT INTO done VALUES (%s) RETURNING n"
    assert statements.together([("BEGIN", ()), (insert, (1,)), (insert, (2,)), ("COMMIT", ())]) == [
        [],
        [(1,)],
        [(2,)],
        [],
    ]
    with pytest.raises(psycopg.errors.DivisionByZero), statements.taken_back_on_error():
        statements.together([("BEGIN", ()), (insert, (3,)), ("SELECT 1/%s::int", (0,)), (insert, (4,)), ("COMMIT", ())])
    assert statements.execute("SELECT n FROM done ORDER BY n").fetchall() == [(1,), (2,)]


@contextmanager
def a_transaction(statements):
    with statements.taken_back_on_error():
        statements.execute("BEGIN")
        yield
        statements.execute("COMMIT")


def test_a_transaction_is_done_whole_or_not_at_all(statements):
    statements.execute("CREATE TEMPORARY TABLE done (n int)")
    with a_transaction(statements):
        statements.execute("INSERT INTO done VALUES (1)")
    with suppress(KeyError), a_transaction(statements):
        statements.execute("INSERT INTO done VALUES (2)")
        raise KeyError
    with suppress(psycopg.errors.DivisionByZero), a_transaction(statements):
        statements.execute("INSERT INTO done VALUES (3)")
        statements.execute("SELECT 1/0")
    assert statements.execute("SELECT n FROM done").fetchall() == [(1,)]


def test_a_transaction_that_cannot_be_taken_back_is_closed_with_its_connection(statements):
    with suppress(KeyError), statements.taken_back_on_error():
        statements.execute("BEGIN")
        raise KeyError
    with pytest.raises(psycopg.errors.InvalidSqlStatementName), statements.taken_back_on_error():
        # ROLLBACK is prepared no more either.
        statements.together([("BEGIN", ()), ("DEALLOCATE ALL", ()), ("SELECT 1", ())])
    assert statements.connection.closed


def test_much_may_go_and_come_at_the_same_time(statements):
    """More than the socket's buffers hold in both directions: who only writes or only reads would wait for ever."""
    much = "x" * 1_000_000
    asked = [("SELECT repeat(%s, 4)", (much,))] * 16
    assert [len(rows[0][0]) for rows in statements.together(asked)] == [4_000_000] * 16


@pytest.mark.parametrize("together", [False, True])
def test_a_connection_that_is_ended_says_why_and_the_pool_gives_another(app, together):
    with prepared_statements() as statements, psycopg.connect(statements.connection.info.dsn) as other:
        pid = statements.connection.info.backend_pid
        ending = ("SELECT pg_terminate_backend(%s::int), pg_sleep(5)", (pid,))
        asked = [("SELECT 1", ()), ending, ("SELECT 2", ())]
        with pytest.raises(psycopg.errors.AdminShutdown):
            _ = statements.together(asked) if together else statements.execute(*ending)
        assert statements.connection.closed
        with pytest.raises(psycopg.OperationalError):
            statements.execute("SELECT 1")
        other.execute("SELECT 1")
    with prepared_statements() as statements:
        assert statements.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_whose_answer_was_not_read_serves_nobody(statements, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(statements, "_result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        statements.execute("SELECT 1")
    assert statements.connection.closed
