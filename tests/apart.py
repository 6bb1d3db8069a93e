"""Sites that tests start, apart from all others on this machine."""

import os
import socket

OF_OTHERS = ("DATABASE_URL", "REDIS_URL", "TANHUI_DURABILITY", "TANHUI_ENV", "PROMETHEUS_MULTIPROC_DIR")
"""What the surroundings may say of other sites, and must not say of one that is started here."""


def surroundings() -> dict[str, str]:
    """This process's environment without what it says of other sites."""
    return {name: value for name, value in os.environ.items() if name not in OF_OTHERS}


def free_port() -> int:
    """One that the system gives out: no other is free for sure, not even the next."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
