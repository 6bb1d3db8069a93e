"""Parameters that follow from decorators and converters, not from a schema."""

from typing import Any

from backend.web.blueprint import LARGEST_ID
from backend.web.idempotency import MAX_KEY

KEY = "Idempotency-Key"
IDEMPOTENCY_KEY = {
    "name": KEY,
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"},
    "description": "A new one for each new request; the same key and body get the first answer again",
    "example": "3f6c2f6e-5d0b-4c39-9a7e-1f0c8f2b7d51",
}
SIGNATURE = [
    {
        "name": "X-Timestamp",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
        "description": "Seconds since 1970, at most five minutes off",
        "example": "1795507200",
    },
    {
        "name": "X-Nonce",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[ -~]+$"},
        "description": "A new one for each request",
        "example": "b1d4c7f0a9e84c52",
    },
    {
        "name": "X-Signature",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "description": "hex(hmac_sha256(secret, timestamp + LF + nonce + LF + sha256hex(body)))",
        "example": "9b74c9897bac770ffc029102a200c5de3f1f5a0d2f6f5f3e8a7b6c5d4e3f2a1b",
    },
]


def complete(call: dict[str, Any], *, path: dict[str, Any], kind: str, view: Any) -> None:
    """Add the idempotency key and the signature where they are taken, and the bounds of ids in the path."""
    given = call.setdefault("parameters", [])
    named = {parameter["name"].lower() for parameter in given}
    required = getattr(view, "idempotency_key", None)
    if required is not None:
        given.append({**IDEMPOTENCY_KEY, "required": required})
    if kind == "partner":
        given.extend(dict(header) for header in SIGNATURE if str(header["name"]).lower() not in named)
    if not given:
        del call["parameters"]
    for parameter in path.get("parameters", []):
        if parameter["schema"].get("type") == "integer":
            parameter["schema"].setdefault("minimum", 0)
            parameter["schema"].setdefault("maximum", LARGEST_ID)
