"""Requests as the bytes that go over the wire."""

import json
from collections.abc import Mapping
from typing import Any


def post(path: str, *, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST of JSON over a connection that stays open."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str, *, headers: Mapping[str, str]) -> bytes:
    """A GET over a connection that stays open."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def json_body(value: Any) -> bytes:
    """JSON as clients send it."""
    return json.dumps(value, separators=(",", ":")).encode()
