"""The looking at pages itself: a page that is wrong is found, though nobody reads it."""

import pytest

from backend import embedded
from tests.faults.pages import check_pages

PAGE = 8192


@pytest.fixture
def stopped(tmp_path):
    """The folder of a PostgreSQL that was made, and stopped in order."""
    folder = tmp_path / "site"
    embedded.attach(folder)
    embedded.release(folder)
    return folder


def test_a_cluster_as_it_was_made_has_checksums_and_no_wrong_page(stopped):
    assert check_pages(stopped) > 1_000


def test_a_single_bit_in_a_page_that_nobody_reads_is_found(stopped):
    table = max((stopped / "postgres" / "base").glob("*/[0-9]*"), key=lambda file: file.stat().st_size)
    content = bytearray(table.read_bytes())
    content[3 * PAGE + PAGE // 2] ^= 1
    table.write_bytes(content)
    with pytest.raises(AssertionError, match=f'{table.name}", block 3: calculated'):
        check_pages(stopped)


def test_a_cluster_that_still_runs_cannot_be_looked_at(tmp_path):
    embedded.attach(tmp_path / "site")
    try:
        with pytest.raises(AssertionError, match="must be shut down"):
            check_pages(tmp_path / "site")
    finally:
        embedded.release(tmp_path / "site")
