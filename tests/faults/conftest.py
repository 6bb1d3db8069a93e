"""Sites of real processes for the tests of faults."""

import pytest

from tests.faults import site as sites


@pytest.fixture
def new_site(tmp_path):
    """new_site(RATE_LIMIT="9/minute", …) → a Site that is up; all are gone after the test."""
    made = []

    def make(**environment):
        site = sites.Site(tmp_path / f"site{len(made)}", **environment)
        made.append(site)
        site.start()
        return site

    yield make
    try:
        for site in made:
            site.stop()
    finally:
        for site in made:
            site.clear()


@pytest.fixture
def site(new_site):
    """A Site that is up."""
    return new_site()
