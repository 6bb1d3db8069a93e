"""Where an avatar may lie: a board makes the phone of everybody who looks at it ask that server.

So its owner must not choose the server, which would learn who looks at boards, when and from where.
"""

import re
from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=4)
def pattern(hosts: Sequence[str]) -> str:
    """A regular expression, for Python and PostgreSQL, without regard to case: https, at these hosts or below them.

    Neither a port nor a user: clients do not agree on which host is meant by what stands before an @.
    """
    named = "|".join(host.replace(".", "[.]") for host in hosts)
    return f"^https://([a-z0-9_-]+[.])*({named})([/?#]|$)"


def may_lie_at(address: str, *, hosts: Sequence[str]) -> bool:
    """Whether a board may show an avatar of this address."""
    printable = address.isprintable() and " " not in address
    return printable and re.search(pattern(hosts), address, re.IGNORECASE | re.ASCII) is not None
