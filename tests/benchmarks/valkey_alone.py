"""Valkey without anything around it: the calls that the application makes for a page, sent by redis-py and counted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from time import monotonic
from typing import Any
from unittest.mock import patch

from backend import redis
from tests.benchmarks.floors import FloorError

Words = Sequence[str | bytes | int]
"""One command."""
AT_ONCE = 100
"""Commands that a pipeline holds: so many that the round trip between them no longer counts."""


@contextmanager
def recorded() -> Iterator[list[Words]]:
    """The scripts that the application in this process calls inside the block."""
    sent: list[Words] = []
    ask = redis.ask

    def note(*words: str | bytes | int) -> Any:
        if words[0] == "EVALSHA":
            sent.append(words)
        return ask(*words)

    with patch.object(redis, "ask", note):
        yield sent


def calls_of(readers: Iterable[int], *, like: Sequence[tuple[int, Sequence[Words]]]) -> list[Words]:
    """The call of each reader, given those of two; raises FloorError where they differ in more than the reader."""
    (one, sent), (other, sent_by_other) = like
    if len(sent) != 1 or len(sent_by_other) != 1:
        raise FloorError(f"A page is one call of a script, not {len(sent)} or {len(sent_by_other)}.")
    pairs = list(zip(sent[0], sent_by_other[0], strict=True))
    places = [place for place, (mine, others) in enumerate(pairs) if mine != others]
    if [pairs[place] for place in places] != [(one, other)]:
        raise FloorError(f"{sent[0]} and {sent_by_other[0]} differ in more than the reader.")
    head, tail = sent[0][: places[0]], sent[0][places[0] + 1 :]
    return [(*head, reader, *tail) for reader in readers]


def pipelined(calls: Sequence[Words], *, seconds: float) -> float:
    """Answers a second to these calls in turn, AT_ONCE to a pipeline, over one connection."""

    def some(turn: Iterator[Words]) -> list[Any]:
        with redis.client().pipeline(transaction=False) as pipe:
            for words in islice(turn, AT_ONCE):
                pipe.execute_command(*words)
            return pipe.execute()

    return _rate(some, calls, seconds=seconds)


def one_by_one(calls: Sequence[Words], *, seconds: float) -> float:
    """Answers a second, each call sent once the one before is answered, over one connection."""
    client = redis.client()
    return _rate(lambda turn: [client.execute_command(*next(turn))], calls, seconds=seconds)


def _rate(some: Callable[[Iterator[Words]], list[Any]], calls: Sequence[Words], *, seconds: float) -> float:
    turn, answered, began = cycle(calls), 0, monotonic()
    while monotonic() < began + seconds:
        answers = some(turn)
        wrong = [answer for answer in answers if not str(answer)[:1].isdigit()]
        if wrong:
            raise FloorError(f"Valkey did not tell places: {wrong[0]}")
        answered += len(answers)
    return answered / (monotonic() - began)
