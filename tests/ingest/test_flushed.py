"""Pages of an import do not wait for the disk one by one; the last one has all of them there."""

import pytest

from tests.sent_statements import noticed


@pytest.fixture
def pages(ingest, csv_file, row):
    """pages(rides, …) → for each page of an import of rides of as many residents, whether its commit waits."""

    def of_import(rides, *options):
        waits, later = [], []

        def notice(connection, statement, values):
            if "synchronous_commit = off" in str(statement):
                later.append(connection)
            elif "UPDATE wallets" in str(statement):
                waits.append(not later)
                later.clear()

        file = csv_file(*(row(f"ride-{n}", subject=f"u-{n}") for n in range(rides)))
        with noticed(notice):
            told = ingest(file, "--bind-subjects", "--processes", "1", *options)
        assert told["credited"] == rides
        return waits

    return of_import


def test_only_the_last_page_waits_for_the_disk(pages):
    assert pages(5, "--page-size", "2") == [False, False, True]


def test_a_last_page_that_is_full_waits_too(pages):
    assert pages(4, "--page-size", "2") == [False, True]


def test_the_only_page_waits(pages):
    assert pages(3) == [True]
