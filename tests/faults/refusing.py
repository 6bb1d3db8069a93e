"""What a refusal must look like while something that we depend on is away.

Only of the standard library, as the client processes are.
"""

from collections.abc import Mapping
from typing import Any

TYPE = "upstream-unavailable"
RETRY_S = 2
"""What Retry-After says to a resident."""


def refused_for(status: int, headers: Mapping[str, str], body: Any) -> int:
    """The seconds after which a proper refusal lets the caller ask again; 0 where the answer is none.

    Proper is 503 in problem+json of the type `upstream-unavailable`, with a Retry-After that says what the body says.
    """
    told = {name.lower(): value for name, value in headers.items()}
    seconds = told.get("retry-after", "")
    if status != 503 or told.get("content-type") != "application/problem+json" or not seconds.isdecimal():
        return 0
    proper = {"type": TYPE, "status": status, "retry_after": int(seconds)}
    return int(seconds) if isinstance(body, dict) and proper.items() <= body.items() else 0
