"""What partners send and get, and bindings. Events are read by `events.read_event`; here they are described."""

from marshmallow import Schema, fields

from backend.actions.events import LONGEST, MOST
from backend.actions.receiving import STATUSES
from backend.web.schemas import Amount, Instant, ShortList, Text

EXAMPLE_EVENT = {
    "external_id": "ride-20261124-0001",
    "subject": "u-759",
    "task": "bike_ride",
    "started_at": "2026-11-24T00:23:00Z",
    "ended_at": "2026-11-24T00:32:00Z",
    "activity": {"quantity": 1867.6, "unit": "m"},
}


class EventActivitySchema(Schema):
    """Activity data in the task's unit."""

    quantity = Amount(required=True, metadata={"example": 1867.6, "description": "Kept to three decimal places"})
    unit = Text(shortest=1, longest=LONGEST, allow_none=True, metadata={"example": "m"})


class EventSchema(Schema):
    """One record of a partner about one of its users."""

    external_id = Text(
        required=True, shortest=1, longest=LONGEST, metadata={"description": "The partner's own id: counts once"}
    )
    subject = Text(required=True, shortest=1, longest=LONGEST, metadata={"description": "The partner's own user id"})
    task = Text(required=True, shortest=1, longest=LONGEST, metadata={"example": "bike_ride"})
    started_at = Instant(required=True, metadata={"description": "When it began; when it occurred, if it has no end"})
    ended_at = Instant(allow_none=True, metadata={"description": "When a trip ended"})
    activity = fields.Nested(EventActivitySchema, allow_none=True)


class EventsSchema(Schema):
    """A page of events."""

    events = ShortList(fields.Nested(EventSchema), required=True, most=MOST)


class EventResultSchema(Schema):
    """What became of one event."""

    external_id = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES), "example": "credited"})
    reason = fields.String(metadata={"description": "Why it was refused, or which cap cut the points"})
    message = fields.String(metadata={"description": "What cannot be read, and the cure"})
    co2e_g = fields.Float()
    points = fields.Integer()


class EventResultsSchema(Schema):
    """How many came to what, and a line for each event in the order given."""

    received = fields.Integer(required=True)
    credited = fields.Integer(required=True, metadata={"description": "In full"})
    capped = fields.Integer(required=True, metadata={"description": "Grams in full, points cut by a cap"})
    pending = fields.Integer(required=True)
    duplicate = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    unbound = fields.Integer(required=True, metadata={"description": "Kept until the subject binds"})
    results = fields.List(fields.Nested(EventResultSchema), required=True)


class NewBindingSchema(Schema):
    """An account at a partner, with the partner's proof that it is the caller's."""

    partner = Text(required=True, shortest=1, longest=64, metadata={"example": "bikes"})
    subject = Text(required=True, shortest=1, longest=LONGEST, metadata={"example": "u-759"})
    proof = Text(
        required=True,
        shortest=1,
        longest=LONGEST,
        metadata={"description": "<expires>.<signature>, from the partner; good for ten minutes at most"},
    )


class BindingSchema(Schema):
    """An account at a partner that is the resident's."""

    partner = fields.String(required=True, metadata={"example": "bikes"})
    subject = fields.String(required=True, metadata={"example": "u-759"})
    bound_at = Instant(required=True)


class BoundSchema(BindingSchema):
    """A new binding, and what the events that waited for it came to."""

    credited = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    co2e_g = fields.Float(required=True)
    points = fields.Integer(required=True)


class BindingsSchema(Schema):
    """All bindings of a resident."""

    items = fields.List(fields.Nested(BindingSchema), required=True)
    next_cursor = fields.String(allow_none=True, required=True)
