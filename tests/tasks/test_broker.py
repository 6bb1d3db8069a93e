"""A worker whose broker was restarted while a job ran meets an error of the connection, which it knows how to take."""

import pytest
from kombu import Connection

from backend.embedded import celery_url


def test_whoever_acknowledges_on_a_connection_that_is_gone_is_told_so(jobs, settings):
    connection = Connection(celery_url(settings.redis_url))
    channel = connection.default_channel
    connection.release()
    with pytest.raises(connection.connection_errors, match="gone"):
        channel.basic_ack("unknown")
