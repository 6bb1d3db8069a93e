"""Titles that the data holds in several languages: {"zh": …, "en": …}."""

from collections.abc import Mapping

from flask_babel import get_locale


def local(title: Mapping[str, str]) -> str:
    """A title in the caller's language, else in Chinese."""
    locale = get_locale()
    return title.get(locale.language if locale else "zh") or title.get("zh") or ""
