"""Opening a file or standard input, packed or plain, as lines of text."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from backend.actions.ingest.errors import UnreadableFileError

STDIN = "-"
GZIP = b"\x1f\x8b"


class Source:
    """Lines of a text file, and how many of its bytes have been read."""

    def __init__(self, raw: BinaryIO, *, size: int | None, encoding: str) -> None:
        self.size = size
        self._raw = raw
        buffered = io.BufferedReader(raw)  # type: ignore[type-var]  # any binary stream has what it needs
        packed = buffered.peek(len(GZIP)).startswith(GZIP)
        plain = gzip.GzipFile(fileobj=buffered) if packed else buffered
        # Bytes that are no text become marks that no id, number or time may hold: only their row is refused.
        self._text = io.TextIOWrapper(plain, encoding=encoding, errors="surrogateescape")

    def __iter__(self) -> Iterator[str]:
        """Each line without its end; raises UnreadableFileError where the file is cut off or damaged."""
        try:
            for line in self._text:
                yield line.rstrip("\n")
        except UnicodeError as error:
            raise UnreadableFileError(f"The file is no text in {self._text.encoding}: see --encoding.") from error
        except (EOFError, zlib.error, OSError) as error:
            raise UnreadableFileError(f"The file is cut off or damaged: {error}. Get it again.") from error

    @property
    def bytes_read(self) -> int:
        """How far reading has come in the file as it lies on the disk."""
        return self._raw.tell() if self.size else 0


@contextmanager
def opened(name: str, *, encoding: str) -> Iterator[Source]:
    """A file by its path, `-` for standard input; raises UnreadableFileError."""
    try:
        # Asked of what will read: a codec such as base64 is known too, but gives no text.
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    except (LookupError, ValueError) as error:
        raise UnreadableFileError(f"There is no encoding {encoding!r}: try utf-8 or gb18030.") from error
    if name == STDIN:
        yield Source(sys.stdin.buffer, size=None, encoding=encoding)
        return
    try:
        raw = Path(name).open("rb", buffering=0)  # noqa: SIM115  closed below, after what is read in between
        size = Path(name).stat().st_size
    except OSError as error:
        raise UnreadableFileError(f"{name} cannot be read: {error.strerror or error}.") from error
    with raw:
        yield Source(raw, size=size, encoding=encoding)
