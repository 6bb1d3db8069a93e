"""What each call may answer: its refusals, by status and slug."""

import inspect
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backend.admins.etags import PreconditionFailedError, PreconditionRequiredError
from backend.errors import (
    ForbiddenError,
    NotFoundError,
    RefusalError,
    UnauthenticatedError,
    UpstreamUnavailableError,
    ValidationFailedError,
)
from backend.web.blueprint import UnreadableBodyError, UnsupportedMediaTypeError
from backend.web.idempotency import IdempotencyInFlightError, IdempotencyKeyReusedError
from backend.web.library_messages import N_
from backend.web.limits import UNCOUNTED, RateLimitedError

PROBLEM = {"$ref": "#/components/schemas/Problem"}
MEDIA_TYPE = "application/problem+json"
SHARED_BY = 2
"""A refusal that so many calls give word for word stands once, among the components."""


OF_HEADER: dict[str, tuple[type[RefusalError], ...]] = {
    "If-Match": (PreconditionFailedError, PreconditionRequiredError),
    "Idempotency-Key": (IdempotencyInFlightError, IdempotencyKeyReusedError),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A slug that a call may answer, and what it means."""

    status: int
    slug: str
    text: str

    @classmethod
    def of(cls, error: type[RefusalError]) -> "Refusal":
        """The refusal that a class stands for; its docstring's first line says what it means."""
        return cls(error.status, error.slug, (inspect.getdoc(error) or "").partition("\n")[0])


ETAG = {"description": "The version; send it as If-Match with a change", "schema": {"type": "string"}, "required": True}

# What HTTP itself refuses, before a view is found or while a body is read.
TOO_LARGE = Refusal(
    413, "content-too-large", N_("The body is larger than this call takes; `detail` says how large it may be.")
)
OF_HTTP = (
    TOO_LARGE,
    Refusal(405, "method-not-allowed", N_("There is such an address, but not with this method; `Allow` names those.")),
    Refusal(500, "internal-error", N_("A fault of ours; the answer names the request, so that it can be found.")),
)


def all_refusals() -> list[Refusal]:
    """Every slug that the API answers, by status and slug."""
    found: dict[str, Refusal] = {}
    for refusal in (*map(Refusal.of, descendants()), *OF_HTTP):
        # Of several classes with one slug, the general one comes before those that are made of it.
        found.setdefault(refusal.slug, refusal)
    return sorted(found.values(), key=lambda refusal: (refusal.status, refusal.slug))


def descendants(kind: type[RefusalError] = RefusalError) -> Iterator[type[RefusalError]]:
    """Every class of refusals, each before those that are made of it."""
    yield from kind.__subclasses__()
    for child in kind.__subclasses__():
        yield from descendants(child)


def complete(call: dict[str, Any], *, path: dict[str, Any], kind: str, view: Any) -> None:
    """Describe every refusal of a call: those that hold for all, and those that its view declares."""
    responses = call["responses"]
    responses.pop("default", None)
    by_status: defaultdict[int, list[Refusal]] = defaultdict(list)
    for refusal in dict.fromkeys((*_common(call, path=path, kind=kind), *_declared(view))):
        by_status[refusal.status].append(refusal)
    for status in [code for code in responses if code.startswith(("4", "5"))]:
        if int(status) in by_status or status == "422":
            del responses[status]
        else:
            responses[status] = _problem(responses[status].get("description", "Refused"), [])
    if getattr(view, "tagged", False):
        success = next(responses[code] for code in responses if code.startswith("2"))
        success["headers"] = {"ETag": ETAG}
    for code, refusals in by_status.items():
        responses[str(code)] = _problem("\n".join(f"`{r.slug}`: {r.text}" for r in refusals), refusals)


def share(description: dict[str, Any]) -> None:
    """Move refusals that several calls give word for word to the components."""
    shared = description["components"].setdefault("responses", {})
    shared.clear()
    places: defaultdict[str, list[tuple[dict[str, Any], str]]] = defaultdict(list)
    for item in description["paths"].values():
        for call in item.values():
            for status, response in call["responses"].items() if "responses" in call else ():
                if MEDIA_TYPE in response.get("content", {}):
                    places[response["description"]].append((call["responses"], status))
    for text, uses in places.items():
        if len(uses) < SHARED_BY or "`" not in text:
            continue
        name = _name(text)
        shared[name] = uses[0][0][uses[0][1]]
        for responses, status in uses:
            responses[status] = {"$ref": f"#/components/responses/{name}"}


def _common(call: dict[str, Any], *, path: dict[str, Any], kind: str) -> Iterator[Refusal]:
    yield Refusal.of(UnreadableBodyError)
    yield Refusal.of(UpstreamUnavailableError)
    yield from _of_caller(kind)
    if path.get("parameters"):
        yield Refusal.of(NotFoundError)
    if "requestBody" in call:
        yield TOO_LARGE
        yield Refusal.of(UnsupportedMediaTypeError)
    if "requestBody" in call or call.get("parameters"):
        yield Refusal.of(ValidationFailedError)
    for parameter in call.get("parameters", []):
        yield from map(Refusal.of, OF_HEADER.get(parameter["name"], ()))


def _of_caller(kind: str) -> Iterator[Refusal]:
    if kind not in UNCOUNTED:
        yield Refusal.of(RateLimitedError)
    if kind != "public":
        yield Refusal.of(UnauthenticatedError)
    if kind == "admin":
        yield Refusal.of(ForbiddenError)


def _declared(view: Any) -> Iterator[Refusal]:
    return (Refusal.of(error) for error in getattr(view, "refusals", ()))


def _problem(text: str, refusals: list[Refusal]) -> dict[str, Any]:
    slugs = [refusal.slug for refusal in refusals]
    only = {"properties": {"type": {"enum": slugs}}}
    schema: dict[str, Any] = {"allOf": [PROBLEM, only]} if slugs else dict(PROBLEM)
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}


def _name(text: str) -> str:
    slugs = [line.split("`")[1] for line in text.splitlines()]
    return "Or".join(slug.title().replace("-", "") for slug in slugs)
