"""What the description says of the fields of ours that apispec does not know."""

from typing import Any

from flask_smorest import Api

from backend.web.schemas import Amount, Exact, ProblemSchema

FARTHEST = 10**10


def know_schemas(api: Api) -> None:
    """Teach the description our own fields and the problem document. Call it before blueprints are registered."""
    api.register_field(Amount, "number", None)
    api.register_field(Exact, "number", None)
    api.spec.components.schema("Problem", schema=ProblemSchema)
    api.ma_plugin.converter.add_attribute_function(_bounds)


def _bounds(_converter: Any, field: Any, **_kwargs: Any) -> dict[str, Any]:
    if isinstance(field, Exact):
        return {"minimum": 0, "exclusiveMaximum": field.below}
    if isinstance(field, Amount):
        return {"exclusiveMinimum": -FARTHEST, "exclusiveMaximum": FARTHEST}
    return {}
