"""One Redis server, spelled three ways: each library has its own URL for a socket."""

from urllib.parse import parse_qs, urlsplit


def celery_url(redis_url: str) -> str:
    """What Celery calls the server that redis-py calls `redis_url`."""
    path, database = _socket(redis_url)
    return f"redis+socket://{path}?virtual_host={database}" if path else redis_url


def limiter_url(redis_url: str) -> str:
    """What flask-limiter calls the server that redis-py calls `redis_url`."""
    path, database = _socket(redis_url)
    return f"redis+unix://{path}?db={database}" if path else redis_url


def _socket(redis_url: str) -> tuple[str, str]:
    """The socket's path and the number of the database; the path is empty if the server is reached by TCP."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return "", ""
    return parts.path, parse_qs(parts.query).get("db", ["0"])[0]
