"""What the libraries say when they refuse a field or a request, in the caller's language.

marshmallow and Werkzeug speak English, with the numbers already filled in. Each sentence is matched against the
templates below, whose translations stand in the catalogue with our own.
"""

import re
from functools import cache

from flask_babel import gettext


def N_(message: str) -> str:  # noqa: N802  the name that pybabel knows
    """The message itself, marked for the catalogue."""
    return message


TEMPLATES = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Unknown field."),
    N_("Invalid input type."),
    N_("Invalid value."),
    N_("Not a valid string."),
    N_("Not a valid utf-8 string."),
    N_("Not a valid integer."),
    N_("Not a valid number."),
    N_("Not a valid boolean."),
    N_("Not a valid list."),
    N_("Not a valid mapping type."),
    N_("Not a valid date."),
    N_("Not a valid datetime."),
    N_("Not a valid URL."),
    N_("Number too large."),
    N_("String does not match expected pattern."),
    N_("Special numeric values (nan or infinity) are not permitted."),
    N_("Must be one of: %(choices)s."),
    N_("Shorter than minimum length %(min)s."),
    N_("Longer than maximum length %(max)s."),
    N_("Length must be between %(min)s and %(max)s."),
    N_("Length must be %(equal)s."),
    N_("Must be greater than or equal to %(min)s and less than or equal to %(max)s."),
    N_("Must be greater than or equal to %(min)s."),
    N_("Must be greater than %(min)s."),
    N_("Must be less than or equal to %(max)s."),
    N_("Must be less than %(max)s."),
    N_("Bad Request"),
    N_("Not Found"),
    N_("Method Not Allowed"),
    N_("Request Entity Too Large"),
    N_("Content Too Large"),
    N_("Unsupported Media Type"),
    N_("Internal Server Error"),
    N_("The browser (or proxy) sent a request that this server could not understand."),
    N_(
        "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
        " and try again."
    ),
    N_("The method is not allowed for the requested URL."),
)
"""Every sentence of a library that a caller can meet; the places of values as in our own messages.

The first that fits counts: the more special stands first.
"""

_PLACE = re.compile(r"%\\\((\w+)\\\)s")


def translated(message: str) -> str:
    """A library's sentence in the caller's language; one that is not known stays as it is."""
    for template, pattern in _patterns():
        found = pattern.fullmatch(message)
        if found is not None:
            return str(gettext(template, **found.groupdict()))
    return str(gettext(message))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (template, re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(template)), re.DOTALL)) for template in TEMPLATES
    )
