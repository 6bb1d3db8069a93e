"""A way between two programs that can be made bad: slow, deaf, closed, or cut."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.engine import URL, make_url

CHUNK = 65_536


class Proxy:
    """Listens at 127.0.0.1:`port` and hands everything on to the server of a URL, by TCP or a socket in a folder.

    `url` is the same server by way of the proxy.
    """

    def __init__(self, url: str) -> None:
        target = make_url(url)
        self._target = _address(target)
        self._delay_s = 0.0
        self._hears = threading.Event()
        self._hears.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.accepted = 0
        """How many connections have come."""
        self._listen()
        self.url = _by_way_of(target, self.port)

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Inside the block each piece takes so much longer, there and back."""
        self._delay_s = seconds
        try:
            yield
        finally:
            self._delay_s = 0.0

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Inside the block everything is taken, and nothing is handed on before its end."""
        self._hears.clear()
        try:
            yield
        finally:
            self._hears.set()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Inside the block all connections are cut and new ones refused."""
        self._stop_listening()
        self.cut()
        try:
            yield
        finally:
            self._listen()

    def cut(self) -> None:
        """End all connections that have come, as when a server is restarted."""
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def close(self) -> None:
        """End everything."""
        self._hears.set()
        self._stop_listening()
        self.cut()

    def _listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self._listener, self.port = listener, listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            # A thread that waits in accept() would keep the port open.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            kind = socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET
            server = socket.socket(kind, socket.SOCK_STREAM)
            with self._lock:
                if listener is not self._listener:
                    # Whoever cuts all connections has done so already.
                    caller.close()
                    server.close()
                    return
                self._open |= {caller, server}
            threading.Thread(target=self._join, args=(caller, server), daemon=True).start()

    def _join(self, caller: socket.socket, server: socket.socket) -> None:
        with caller, server:
            self._hears.wait()
            with suppress(OSError):
                caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server.connect(self._target)
                with self._lock:
                    if caller not in self._open:
                        return
                back = threading.Thread(target=self._hand_on, args=(server, caller), daemon=True)
                back.start()
                self._hand_on(caller, server)
                back.join()
            with self._lock:
                self._open -= {caller, server}

    def _hand_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(CHUNK):
                self._hears.wait()
                if self._delay_s:
                    time.sleep(self._delay_s)
                sink.sendall(piece)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _address(url: URL) -> str | tuple[str, int]:
    if url.get_backend_name() == "unix":
        return f"/{url.host or ''}{url.database}".replace("//", "/")
    folder = url.query.get("host")
    if folder:
        return f"{folder}/.s.PGSQL.5432"
    return url.host or "127.0.0.1", url.port or {"redis": 6379}.get(url.get_backend_name(), 5432)


def _by_way_of(url: URL, port: int) -> str:
    if url.get_backend_name() == "unix":
        return f"redis://127.0.0.1:{port}/{url.query.get('db', 0)}"
    here = url.set(host="127.0.0.1", port=port, query={k: v for k, v in url.query.items() if k != "host"})
    return here.render_as_string(hide_password=False)
