"""Where a client goes on from an answer: links of OpenAPI, from what creates or lists to what reads and changes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

VERSION: Final = {"If-Match": "$response.header.ETag"}


@dataclass(frozen=True, slots=True)
class Way:
    """From an answer to further calls, by what of it stands for their parameters."""

    calls: Sequence[str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] | None = None


def _by_id(parameter: str, *calls: str, pointer: str = "/id", **more: str) -> Way:
    return Way(calls, {parameter: f"$response.body#{pointer}", **more})


def _versioned(parameter: str, pointer: str, name: str, *more: str) -> dict[str, list[Way]]:
    """Ways between the calls of what admins configure in versions."""
    found = {parameter: f"$response.body#{pointer}"}
    change = Way((f"change_{name}",), {**found, **VERSION})
    return {
        f"add_{name}": [Way((f"show_{name}", *more), found), change],
        f"show_{name}": [change],
        f"change_{name}": [Way((f"show_{name}",), found), change],
    }


_DECIDE_ACTION: Final = ("accept_action", "refuse_action", "reverse_action")
_DECIDE_REDEMPTION: Final = ("show_for_fulfilment", "fulfil_redemption", "call_redemption_off")
_DECIDE_ADJUSTMENT: Final = ("approve_adjustment", "refuse_adjustment")
_OF_RESIDENT: Final = ("show_resident", "freeze_resident", "unfreeze_resident")
_OF_ADMIN: Final = ("show_admin", "change", "remove_second_factor")
WAYS: Final[dict[str, list[Way]]] = {
    "record_action": [_by_id("action_id", "get_action", *_DECIDE_ACTION)],
    "list_actions": [_by_id("action_id", "get_action", pointer="/items/0/id")],
    "list_for_review": [_by_id("action_id", *_DECIDE_ACTION, pointer="/items/0/id")],
    "redeem": [
        _by_id("redemption_id", "get_redemption", "cancel_redemption", *_DECIDE_REDEMPTION),
        Way(("hand_over",), body={"pickup_code": "$response.body#/pickup_code"}),
    ],
    "list_redemptions": [_by_id("redemption_id", "get_redemption", "cancel_redemption", pointer="/items/0/id")],
    "list_for_fulfilment": [_by_id("redemption_id", *_DECIDE_REDEMPTION, pointer="/items/0/id")],
    "list_rewards": [_by_id("reward_id", "get_reward", pointer="/items/0/id")],
    "list_green_tasks": [_by_id("code", "get_green_task", pointer="/items/0/code")],
    "bind_account": [_by_id("partner", "unbind_account", pointer="/partner")],
    "request_adjustment": [_by_id("adjustment_id", *_DECIDE_ADJUSTMENT)],
    "list_adjustments": [_by_id("adjustment_id", *_DECIDE_ADJUSTMENT, pointer="/items/0/id")],
    "search_residents": [_by_id("resident_id", *_OF_RESIDENT, pointer="/items/0/id")],
    "create": [_by_id("admin_id", *_OF_ADMIN)],
    "add_area": [_by_id("code", "rename_area", pointer="/code")],
    "add_key": [
        Way(("revoke_key",), {"partner_id": "$request.path.partner_id", "key": "$response.body#/key"}),
        Way(("list_keys",), {"partner_id": "$request.path.partner_id"}),
    ],
    **_versioned("code", "/code", "factor", "list_factor_versions"),
    **_versioned("code", "/code", "methodology", "list_methodology_versions"),
    **_versioned("code", "/code", "task", "list_task_versions", "get_green_task"),
    **_versioned("partner_id", "/id", "partner", "list_keys", "add_key"),
    **_versioned("reward_id", "/id", "reward", "move_stock", "load_vouchers", "get_reward"),
}


def add(call: dict[str, Any]) -> None:
    """Give the successful answer of a call its links."""
    for way in WAYS.get(call["operationId"], ()):
        success = next(answer for status, answer in call["responses"].items() if status.startswith("2"))
        for target in way.calls:
            link: dict[str, Any] = {"operationId": target}
            if way.parameters:
                link["parameters"] = dict(way.parameters)
            if way.body is not None:
                link["requestBody"] = dict(way.body)
            success.setdefault("links", {})[target] = link
