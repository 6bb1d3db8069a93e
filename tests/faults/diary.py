"""What clients sent and what they were told, line by line in a file: the site's books are held against it.

A line is written with one system call, before a request is sent and after its answer has come, so the diary of a
client that is killed lacks nothing that the client knew.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SENT, DONE, ABANDONED, WRONG = "sent", "done", "abandoned", "wrong"


@dataclass
class Request:
    """One thing that a client wanted: sent again and again until it was `done`, or `abandoned` without an answer.

    `wrong` is an answer that no fault excuses, or none for too long. `about` tells what was asked, as its kind needs.
    """

    number: str
    kind: str
    who: str
    key: str
    about: Any = None
    state: str = SENT
    status: int = 0
    body: Any = None
    replayed: bool = False
    tries: int = 0
    troubles: list[str] = field(default_factory=list)
    """What came instead of an answer, in order: names of errors, statuses."""


class Pen:
    """Writes the diary of one client process; its threads may share it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def sent(self, request: Request) -> None:
        """Before the first try."""
        self._write(number=request.number, kind=request.kind, who=request.who, key=request.key, about=request.about)

    def ended(self, request: Request) -> None:
        """When it is known what became of it."""
        names = ("number", "state", "status", "body", "replayed", "tries", "troubles")
        self._write(**{name: getattr(request, name) for name in names})

    def _write(self, **line: Any) -> None:
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")


class Follower:
    """Reads on in diaries that are being written."""

    def __init__(self) -> None:
        self._offsets: dict[Path, int] = {}
        self._kinds: dict[str, str] = {}

    def done(self, paths: Iterator[Path]) -> set[str]:
        """The kinds of requests that were done since it was asked last."""
        found = set()
        for path in paths:
            for entry in self._next_of(path):
                if "kind" in entry:
                    self._kinds[entry["number"]] = entry["kind"]
                elif entry["state"] == DONE:
                    found.add(self._kinds.pop(entry["number"]))
        return found

    def _next_of(self, path: Path) -> Iterator[Any]:
        with path.open("rb") as file:
            file.seek(self._offsets.get(path, 0))
            for line in file:
                if not line.endswith(b"\n"):
                    return  # it is just being written
                self._offsets[path] = self._offsets.get(path, 0) + len(line)
                yield json.loads(line)


def read(paths: Iterator[Path]) -> list[Request]:
    """All requests of all clients, in no order."""
    requests: dict[str, Request] = {}
    for path in paths:
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            known = requests.get(entry["number"])
            if known is None:
                requests[entry["number"]] = Request(**entry)
            else:
                for name, value in entry.items():
                    setattr(known, name, value)
    return list(requests.values())
