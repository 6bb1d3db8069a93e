"""Redis as Celery's broker: what kombu leaves to be mended."""

from typing import Any

from kombu.transport import redis as transport
from redis import ConnectionError as RedisConnectionError


class Channel(transport.Channel):
    """Says of a connection that is gone what it is: an error of the connection."""

    def _connparams(self, *args: Any, **options: Any) -> Any:
        # kombu 5.7 says AttributeError where a job was running when Redis was restarted, and the worker ends by it.
        # What could not be acknowledged or given back is asked for again by the clock.
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("The connection to the broker is gone.")
        return super()._connparams(*args, **options)  # type: ignore[no-untyped-call]  # the library's own gap


def mend() -> None:
    """Have all connections to Redis use our channels."""
    transport.Transport.Channel = Channel
