"""Titles that the data holds in several languages: {"zh": …, "en": …}."""

from collections.abc import Mapping

from flask_babel import get_locale


def local(title: Mapping[str, str]) -> str:
    """A title in the caller's language, else in Chinese."""
    language = str(get_locale() or "zh")[:2]
    return title.get(language) or title.get("zh") or ""
