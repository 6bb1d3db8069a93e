"""Importing by name what most processes never need: a command's module, or all that serves requests."""

from importlib import import_module
from typing import Any

SERVING = "backend.serving:init_app"


def imported(name: str) -> Any:
    """What `module:attribute` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
