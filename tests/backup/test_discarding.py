"""What restores have left aside goes when that is meant, and nothing else does."""

from datetime import timedelta

import pytest

from backend import clock
from backend.backup import swapping
from tests.backup.conftest import OTHER

HALF_MADE = f"{OTHER}_restoring"
NOT_OURS = (f"{OTHER}_before_upgrade", f"{OTHER}_before_20260101T000000Z_copy")


def replaced(days):
    return f"{OTHER}_before_{clock.now() - timedelta(days=days):{swapping.STAMP}}"


@pytest.fixture
def left(other):
    """The names of databases as restores leave them, ten days and one day ago, and of a half made one."""
    names = [replaced(10), replaced(1), HALF_MADE]
    with swapping.alone(other.address) as neighbour:
        for name in (*names, *NOT_OURS):
            neighbour.execute(f'CREATE DATABASE "{name}"')
    yield names
    with swapping.alone(other.address) as neighbour:
        for name in NOT_OURS:
            swapping.drop(neighbour, other.address.beside(name))


def test_each_is_told_with_size_and_age_and_none_goes_without_an_answer(other, left):
    for answer in ("", "n\n"):
        said = other.run("discard", answer=answer, status=1)
        assert f"{left[0]}: " in said
        assert " MB, replaced 10 days ago\n" in said
        assert " MB, replaced 1 days ago\n" in said
        assert f"{HALF_MADE}: " in said
        assert " MB, half made by a restore that was killed\n" in said
    assert set(left) < set(other.databases())


@pytest.mark.parametrize(("words", "answer"), [((), "y\n"), (("--yes",), "")], ids=["asked", "not asked"])
def test_all_go_but_what_no_restore_has_made(other, left, words, answer):
    said = other.run("discard", *words, answer=answer)
    assert [f"{name} dropped." in said for name in left] == [True] * 3
    assert set(other.databases()) == {OTHER, *NOT_OURS}
    assert "There are none" in other.run("discard")


def test_younger_ones_may_be_kept(other, left):
    other.run("discard", "--yes", "--older-than", 5)
    assert set(other.databases()) == {OTHER, left[1], *NOT_OURS}


def test_while_a_restore_is_at_work_its_database_is_left_to_it(other, left):
    with swapping.alone(other.address):
        assert "Another restore" in other.run("discard", "--yes", status=1)
    assert set(left) < set(other.databases())
