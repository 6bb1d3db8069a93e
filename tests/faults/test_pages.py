"""The looking at pages itself: a page that is wrong is found, though nobody reads it."""

import pytest

from backend import embedded
from tests.faults.pages import PAGE, check_pages


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
    table = _largest_table(stopped)
    content = bytearray(table.read_bytes())
    content[3 * PAGE + PAGE // 2] ^= 1
    table.write_bytes(content)
    with pytest.raises(AssertionError, match=f'{table.name}", block 3: calculated'):
        check_pages(stopped)


def test_half_a_page_that_a_full_disk_left_at_the_end_of_a_file_is_none(stopped):
    pages = check_pages(stopped)
    with _largest_table(stopped).open("ab") as file:
        file.write(b"x" * (PAGE // 2))
    with pytest.raises(AssertionError, match="read 4096 of 8192"):
        check_pages(stopped)
    others = _small_files(stopped)
    assert check_pages(stopped, disk_was_full=True) == pages
    assert _small_files(stopped) == others


def test_a_cluster_that_still_runs_cannot_be_looked_at(tmp_path):
    embedded.attach(tmp_path / "site")
    try:
        with pytest.raises(AssertionError, match="must be shut down"):
            check_pages(tmp_path / "site")
    finally:
        embedded.release(tmp_path / "site")


def _largest_table(folder):
    return max((folder / "postgres" / "base").glob("*/[0-9]*"), key=lambda file: file.stat().st_size)


def _small_files(folder):
    """What is no table: versions, maps of files, settings."""
    others = (file for file in (folder / "postgres").rglob("*") if file.is_file() and not file.name[0].isdigit())
    return {file: file.read_bytes() for file in others}
