"""Sites of real processes for the tests of faults."""

from contextlib import ExitStack

import pytest

from tests.faults import site as sites
from tests.faults.behind import SiteBehindProxies
from tests.faults.shop import open_shop


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


@pytest.fixture
def shop(site):
    """Its rewards, for sale."""
    return open_shop(site, site.new_admin("owner"))


@pytest.fixture
def behind_proxies(tmp_path):
    """behind_proxies(DATABASE_TIMEOUT_MS="9", …) → a SiteBehindProxies that is up, gone after the test."""
    with ExitStack() as stack:

        def make(**environment):
            made = SiteBehindProxies(tmp_path / "site", **environment)
            stack.callback(made.let_go)
            stack.callback(made.clear)
            made.start()
            stack.callback(made.stop)
            return made

        yield make
