"""One Redis server, spelled two ways: Celery has its own URL for a socket."""

from urllib.parse import parse_qs, urlsplit


def celery_url(redis_url: str) -> str:
    """What Celery calls the server that redis-py calls `redis_url`."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"
