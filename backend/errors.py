"""What a use case says when it must refuse.

A refusal is a class beside the function that raises it; `web` turns every one into problem+json (RFC 9457).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Self

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString


class RefusalError(Exception):
    """A request that the rules refuse: a stable slug, an HTTP status and one plain sentence.

    `detail` says what is wrong here and how to cure it; `extensions` become further members of the
    problem document (`errors`, `retry_after`, …).
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT
    slug: ClassVar[str] = "conflict"
    title: ClassVar[str | LazyString] = _l("The request conflicts with the present state.")

    def __init__(self, detail: str | LazyString | None = None, **extensions: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extensions = extensions


class ValidationFailedError(RefusalError):
    """Fields of the request are missing or wrong; `errors` names each with its cure."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "validation-failed"
    title = _l("Some fields are missing or wrong.")

    @classmethod
    def of(cls, problems: Mapping[str, str]) -> Self:
        """The refusal that names each wrong field with its cure."""
        errors = [{"field": field, "message": message} for field, message in problems.items()]
        return cls("; ".join(f"{field}: {message}" for field, message in problems.items()), errors=errors)


class AlreadyExistsError(RefusalError):
    """Something else has this code or name."""

    slug = "already-exists"
    title = _l("This exists already. Take another code, or change what is there.")


class UnauthenticatedError(RefusalError):
    """No token, or one that is not valid any more."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "unauthenticated"
    title = _l("Please sign in.")


class ForbiddenError(RefusalError):
    """The caller is known but may not do this."""

    status = HTTPStatus.FORBIDDEN
    slug = "forbidden"
    title = _l("You may not do this.")


class NotFoundError(RefusalError):
    """There is no such thing, or it is somebody else's."""

    status = HTTPStatus.NOT_FOUND
    slug = "not-found"
    title = _l("There is no such thing.")


class AlreadyDecidedError(RefusalError):
    """Somebody or the clock has decided on this before."""

    slug = "already-decided"
    title = _l("This has been decided before.")


class UpstreamUnavailableError(RefusalError):
    """A service that we depend on does not answer; trying again later may work."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "upstream-unavailable"
    title = _l("A service that we depend on does not answer. Please try again.")
