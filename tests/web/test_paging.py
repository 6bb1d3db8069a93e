"""Cursors: what we made is read back, what we did not make is refused."""

from datetime import UTC, datetime

import pytest

from backend.errors import ValidationFailedError
from backend.web.paging import Place, decode_number, decode_place, encode, page_of

MOMENT = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)
NOT_OURS = {
    "two parts": f"{MOMENT.isoformat()} 1",
    "four parts": f"{MOMENT.isoformat()} 1 1 1",
    "a number": "17",
    "no moment": "yesterday 1 1",
    "a moment without its offset": "2026-11-24T08:00:00 1 1",
    "no number": f"{MOMENT.isoformat()} 1 x",
    "a resident too large": f"{MOMENT.isoformat()} {2**63} 1",
    "a number too large": f"{MOMENT.isoformat()} 1 {2**31}",
    "a NUL": f"{MOMENT.isoformat()} 1 1\x00",
}


def test_the_next_page_begins_where_this_one_ended():
    places = [Place(MOMENT, 2**63 - 1, seq) for seq in (1, 2, 2**31 - 1)]
    page = page_of(places, limit=2, key=lambda place: place)
    assert (page.items, decode_place(page.next_cursor)) == (places[:2], places[1])
    assert page_of(places, limit=3, key=lambda place: place).next_cursor is None
    assert decode_place(None) is None


@pytest.mark.parametrize("below", [2**31, 2**63])
def test_a_number_is_read_as_far_as_its_column_reaches(app, below):
    for number in (below - 1, 1 - below):
        assert decode_number(encode(number), below=below) == number
    for number in (below, -below):
        with app.test_request_context(), pytest.raises(ValidationFailedError):
            decode_number(encode(number), below=below)


@pytest.mark.parametrize("path", ["/api/v1/actions", "/api/v1/redemptions"])
@pytest.mark.parametrize(
    ("number", "status"), [(2**31 - 1, 200), (2**31, 422), (1 - 2**31, 200), (-(2**31), 422)], ids=str
)
def test_a_residents_lists_take_every_number_that_there_can_be(client, headers, resident, path, number, status):
    answer = client.get(path, query_string={"cursor": encode(number)}, headers=headers(resident))
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/api/v1/actions", "/api/v1/redemptions"])
@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**31], ids=str)
def test_there_is_nothing_by_a_number_that_nobody_has_come_to(client, headers, resident, path, number):
    answer = client.get(f"{path}/{resident.resident_id}-{number}", headers=headers(resident))
    assert answer.status_code == 404


@pytest.mark.parametrize("text", NOT_OURS.values(), ids=NOT_OURS)
def test_a_place_that_we_did_not_write_is_refused(app, text):
    with app.test_request_context(), pytest.raises(ValidationFailedError):
        decode_place(encode(text))


@pytest.mark.parametrize("path", ["/api/v1/admin/actions", "/api/v1/admin/redemptions"])
@pytest.mark.parametrize("cursor", [*map(encode, NOT_OURS.values()), "!"])
def test_lists_over_all_residents_name_the_cursor_that_they_refuse(client, admin_headers, path, cursor):
    answer = client.get(path, query_string={"cursor": cursor}, headers=admin_headers("owner"))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "cursor")
