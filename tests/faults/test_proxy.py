"""A way that is closed lets nothing through, also of whoever came at that very moment."""

import socket
import threading
from contextlib import closing

import pytest

from tests.faults.proxy import Proxy
from tests.faults.site import until

PATIENCE_S = 20


@pytest.fixture
def server():
    """A server that says whatever it hears, and where it is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=repeat, args=(listener,), daemon=True).start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)


def repeat(listener):
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        with caller:
            while heard := caller.recv(100):
                caller.sendall(heard)


class Late(Proxy):
    """Takes up whoever has come only when it is told to."""

    def __init__(self, url):
        self.go_on = threading.Event()
        super().__init__(url)

    def _join(self, *given):
        assert self.go_on.wait(PATIENCE_S)
        super()._join(*given)


def heard(caller):
    """What comes back; nothing where the connection was ended."""
    try:
        caller.sendall(b"here")
        return caller.recv(100)
    except ConnectionError:
        return b""


def test_who_comes_when_it_is_closed_is_cut_off_too(server):
    with closing(Late(server)) as proxy, socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_S) as caller:
        until(lambda: proxy.accepted, seconds=PATIENCE_S)
        with proxy.closed():
            proxy.go_on.set()
            assert heard(caller) == b""
        with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_S) as another:
            assert heard(another) == b"here"
