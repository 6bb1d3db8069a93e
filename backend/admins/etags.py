"""Versions over HTTP: `ETag` out, `If-Match` in, so that two admins never overwrite each other unseen."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask_babel import lazy_gettext as _l
from marshmallow import Schema, fields, post_load

from backend.errors import RefusalError

View = TypeVar("View", bound=Callable[..., Any])
_VERSION = re.compile(r'"?([0-9]{1,9})"?')


class PreconditionRequiredError(RefusalError):
    """A change without If-Match: whose version does it change?"""

    status = HTTPStatus.PRECONDITION_REQUIRED
    slug = "precondition-required"
    title = _l("Send If-Match with the ETag of the version that you have seen.")


class PreconditionFailedError(RefusalError):
    """Somebody else has changed it in between."""

    status = HTTPStatus.PRECONDITION_FAILED
    slug = "precondition-failed"
    title = _l("This was changed in between. Read it again, then change it.")


class IfMatchSchema(Schema):
    """The version that the caller has seen; the view gets it as keyword argument `expected`.

    Use: `@blueprint.arguments(IfMatchSchema, location="headers", as_kwargs=True)`.
    """

    if_match = fields.String(
        data_key="If-Match",
        load_default="",
        metadata={"description": "The `ETag` of the version that you have seen; without it 428"},
    )

    @post_load
    def to_version(self, data: dict[str, str], **_kwargs: Any) -> dict[str, int]:
        """The number in the tag; raises PreconditionRequiredError, PreconditionFailedError."""
        if not data["if_match"].strip():
            raise PreconditionRequiredError
        tag = _VERSION.fullmatch(data["if_match"].strip())
        if tag is None:
            raise PreconditionFailedError
        return {"expected": int(tag[1])}


def require_version(expected: int, present: int) -> None:
    """Raise PreconditionFailedError unless the caller has seen the present version. Lock the row first."""
    if expected != present:
        raise PreconditionFailedError(version=present)


def tagged(view: View) -> View:
    """Send the `version` of what the view returns as its ETag. Stands right above the view."""

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        shown = view(*args, **kwargs)
        version = shown["version"] if isinstance(shown, Mapping) else shown.version
        return shown, {"ETag": f'"{version}"'}

    inner.tagged = True  # type: ignore[attr-defined]  # read by the description
    return inner  # type: ignore[return-value]  # the response schema unpacks the pair
