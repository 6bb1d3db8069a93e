"""A server that takes whatever comes and never answers."""

import socket


class Deaf:
    """Listens at 127.0.0.1:`port`."""

    def __init__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        self._taken = []

    @property
    def asked(self):
        """How many connections have come."""
        while True:
            try:
                self._taken.append(self._listening.accept()[0])
            except BlockingIOError:
                return len(self._taken)

    def close(self):
        """End everything."""
        for each in (self._listening, *self._taken):
            each.close()
