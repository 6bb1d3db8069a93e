"""A site that reaches its PostgreSQL and its Valkey by way of proxies; the servers belong to the test."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from backend import embedded
from tests.faults.parts import Part
from tests.faults.proxy import Proxy
from tests.faults.site import Site


class SiteBehindProxies(Site):
    """A Site whose servers are started and stopped by whoever tests."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.servers = embedded.attach(folder)
        self.to_database = Proxy(self.servers.database_url)
        self.to_valkey = Proxy(self.servers.redis_url)
        super().__init__(folder, DATABASE_URL=self.to_database.url, REDIS_URL=self.to_valkey.url, **environment)

    @property
    def database_url(self) -> str:
        """Straight to PostgreSQL, for whoever looks after it."""
        return self.servers.database_url

    @property
    def redis_url(self) -> str:
        """Straight to Valkey."""
        return self.servers.redis_url

    def servers_up(self) -> None:
        """Start what does not run."""
        embedded.attach(self.folder)

    @contextmanager
    def frozen(self, part: Part) -> Iterator[None]:
        """Inside the block the kernel takes what is sent to this part, and it and its children do nothing."""
        stopped: list[psutil.Process] = []
        try:
            for process in self.find(part):
                process.suspend()
                stopped.append(process)
                # Only now: whoever is suspended starts no more of them.
                for child in process.children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        child.suspend()
                        stopped.append(child)
            yield
        finally:
            for process in reversed(stopped):
                process.resume()

    def let_go(self) -> None:
        """Stop the servers."""
        self.to_database.close()
        self.to_valkey.close()
        embedded.release(self.folder)
