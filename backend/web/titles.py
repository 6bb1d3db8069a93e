"""Titles that the data holds in several languages: {"zh": …, "en": …}."""

from collections.abc import Mapping

from flask_babel import get_locale


def language() -> str:
    """The caller's language, or the city's where nobody calls."""
    locale = get_locale()
    return locale.language if locale else "zh"


def local(title: Mapping[str, str]) -> str:
    """A title in the caller's language, else in Chinese."""
    return in_language(title, language())


def in_language(title: Mapping[str, str], wanted: str) -> str:
    """A title in this language, else in Chinese."""
    return title.get(wanted) or title.get("zh") or ""
