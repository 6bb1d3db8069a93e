"""Bodies: how large they may be, and that what is wrong with one costs no more than a person can read."""

import json
from io import BytesIO

import pytest
from marshmallow import ValidationError, fields

from backend.web.application import MOST_TOLD, SMALL_BODY
from backend.web.schemas import ShortList

SIGN_IN = "/api/v1/auth/wechat"
LARGE = {"partners.receive_events", "actions.record_actions", "admin rewards.load_vouchers"}


def padded(size, **given):
    """A JSON object of so many bytes."""
    return json.dumps(given).encode().ljust(size)


@pytest.fixture
def send(client):
    """send(body, path) → the answer to a POST of these bytes."""

    def post(body, path=SIGN_IN, **headers):
        headers["Accept-Language"] = "en"
        return client.post(path, data=body, content_type="application/json", headers=headers)

    return post


def test_of_a_thousand_wrong_fields_fifty_are_told(send):
    answer = send(json.dumps({f"field_{number}": 1 for number in range(1_000)}))
    assert (answer.status_code, answer.json["type"]) == (422, "validation-failed")
    assert len(answer.json["errors"]) == MOST_TOLD == 50
    assert answer.json["detail"].endswith("; At most 50 are named; there may be more.")


def test_a_few_wrong_fields_are_all_told(send):
    answer = send(json.dumps({f"field_{number}": 1 for number in range(9)}))
    assert sorted(item["field"] for item in answer.json["errors"]) == ["code", *(f"field_{n}" for n in range(9))]
    assert "there may be more" not in answer.json["detail"]


def test_of_an_action_of_a_batch_as_many_are_told(send, resident, headers):
    actions = [{f"field_{number}": 1 for number in range(1_000)}]
    answer = send(json.dumps({"actions": actions}), "/api/v1/actions/batch", **headers(resident))
    assert answer.status_code == 200
    assert len(answer.json["results"][0]["message"].split("; ")) == MOST_TOLD


@pytest.mark.parametrize(("size", "status"), [(SMALL_BODY, 200), (SMALL_BODY + 1, 413), (100_000, 413)])
def test_a_body_of_64_kib_is_read_and_a_larger_one_refused_with_the_limit(send, size, status):
    answer = send(padded(size, code="dev-lin"))
    assert answer.status_code == status
    if status == 413:
        assert answer.json["type"] == "content-too-large"
        assert answer.json["detail"] == "A body may have 65536 bytes here."


@pytest.mark.parametrize(("size", "status"), [(SMALL_BODY, 200), (SMALL_BODY + 1, 413)])
def test_it_is_so_too_where_the_length_is_not_said_beforehand(client, size, status):
    streamed = {"input_stream": BytesIO(padded(size, code="dev-lin")), "content_type": "application/json"}
    ends_by_itself = {"wsgi.input_terminated": True}
    assert client.post(SIGN_IN, **streamed, environ_overrides=ends_by_itself).status_code == status


def test_a_site_may_take_less(app, send, monkeypatch):
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1_000)
    answers = [send(padded(size, code="dev-lin")) for size in (1_000, 1_001)]
    assert [answer.status_code for answer in answers] == [200, 413]
    assert "1000" in answers[1].json["detail"]


def test_lists_and_files_may_be_as_large_as_the_site_takes_and_nothing_else(app):
    large = {name for name, view in app.view_functions.items() if getattr(view, "takes_large_bodies", False)}
    assert large == LARGE


def test_the_longest_reward_that_may_be_fits(send, admin_headers):
    title, description = dict.fromkeys(("zh", "en"), "😀" * 200), dict.fromkeys(("zh", "en"), "😀" * 2_000)
    images = [f"https://example.org/{number:0480d}" for number in range(10)]
    terms = {"limit_per_resident": 1_000_000, "limit_period": "month", "min_level": "forest", "hold_days": 365}
    times = {"on_sale_from": "2026-01-01T00:00:00+08:00", "on_sale_until": "2100-01-01T00:00:00+08:00"}
    wanted = {"code": "x" * 40, "kind": "pickup", "price_points": 10_000_000, "title": title, "images": images}
    body = json.dumps(wanted | terms | times | {"description": description, "active": True, "stock": 1_000_000})
    answer = send(body, "/api/v1/admin/rewards", **admin_headers("operator"))
    assert answer.status_code == 201, answer.text
    assert len(body) > SMALL_BODY * 0.8, "escaped, as most clients write it"


def test_of_a_list_that_is_too_long_no_item_is_looked_at():
    looked_at = []

    class Item(fields.Integer):
        def _deserialize(self, value, *args, **kwargs):
            looked_at.append(value)
            return super()._deserialize(value, *args, **kwargs)

    few = ShortList(Item(), most=2)
    assert few.deserialize([1, 2]) == looked_at == [1, 2]
    with pytest.raises(ValidationError, match="Longer than maximum length 2"):
        few.deserialize([1, 2, 3])
    assert looked_at == [1, 2]


def test_what_is_too_long_is_said_of_the_list_alone(send, admin_headers, resident, headers):
    answer = send(json.dumps({"images": ["x"] * 11}), "/api/v1/admin/rewards", **admin_headers("operator"))
    assert [item["field"] for item in answer.json["errors"] if item["field"].startswith("images")] == ["images"]
    answer = send(json.dumps({"actions": [1] * 101}), "/api/v1/actions/batch", **headers(resident))
    assert [item["field"] for item in answer.json["errors"]] == ["actions"]
