"""What a process remembers, within bounds."""

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def keep(kept: dict[Key, Value], key: Key, value: Value, *, most: int) -> None:
    """Remember one thing more; a memory that holds `most` is emptied first: what is asked for again comes back."""
    if len(kept) >= most:
        kept.clear()
    kept[key] = value
