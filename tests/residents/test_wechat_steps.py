"""Reading the steps of WeRun, against the stand-in's encryption and against everything else."""

import base64
import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import RefusalError, ValidationFailedError
from backend.residents import wechat_sandbox
from backend.residents.wechat import (
    DaySteps,
    ForeignStepsError,
    SessionExpiredError,
    StaleStepsError,
    decrypt_we_run,
)
from tests import we_run

APP_ID, SECRET = "wx0123456789abcdef", "sandbox-secret"
KEY = wechat_sandbox.session_key_of("o-somebody", secret=SECRET)
BEIJING = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MAX_AGE = timedelta(minutes=10)
WALKED = [DaySteps(date(2026, 3, 1), 8_000), DaySteps(date(2026, 3, 2), 0)]


def handed(steps=WALKED, *, key=KEY, app_id=APP_ID, at=NOW):
    return we_run.encrypt_we_run(key, app_id=app_id, steps=steps, now=at)


def read(sent, *, key=KEY, **changes):
    fields = {"encrypted_data": sent.encrypted_data, "iv": sent.iv, **changes}
    return decrypt_we_run(key, **fields, app_id=APP_ID, now=NOW, max_age=MAX_AGE)


def sealed(body):
    """Any JSON, or bytes as they are, under the right key."""
    return we_run.encrypt(KEY, body if isinstance(body, bytes) else json.dumps(body).encode())


def steps_at(*items):
    watermark = {"appid": APP_ID, "timestamp": int(NOW.timestamp())}
    return sealed({"stepInfoList": [{"timestamp": at, "step": n} for at, n in items], "watermark": watermark})


def test_steps_come_back_as_they_were_handed_over():
    assert read(handed()) == WALKED
    assert read(handed(list(reversed(WALKED)))) == WALKED
    assert read(handed([])) == []


def test_a_day_begins_at_midnight_in_beijing():
    midnight = int(datetime(2026, 3, 1, tzinfo=BEIJING).timestamp())
    assert read(steps_at((midnight - 1, 5), (midnight, 6))) == [
        DaySteps(date(2026, 2, 28), 5),
        DaySteps(date(2026, 3, 1), 6),
    ]


def test_two_counts_of_one_day_are_one_day_with_the_higher():
    midnight = int(datetime(2026, 3, 1, tzinfo=BEIJING).timestamp())
    assert read(steps_at((midnight, 6), (midnight + 60, 9), (midnight + 90, 7))) == [DaySteps(date(2026, 3, 1), 9)]


def test_steps_under_a_newer_session_key_ask_for_a_new_sign_in():
    for name in range(300):  # one wrong key in 256 leaves a padding that looks right
        other = wechat_sandbox.session_key_of(f"o-{name}", secret=SECRET)
        with pytest.raises(SessionExpiredError) as refusal:
            read(handed(), key=other)
    assert (refusal.value.status, refusal.value.slug) == (HTTPStatus.UNAUTHORIZED, "session-expired")


@pytest.mark.parametrize("key", ["", "not base64", base64.b64encode(b"short").decode(), "A" * 43 + "="])
def test_a_stored_key_that_is_none_asks_for_a_new_sign_in(key):
    with pytest.raises(SessionExpiredError):
        read(handed(), key=key)


def test_steps_for_another_mini_program_are_refused():
    with pytest.raises(ForeignStepsError):
        read(handed(app_id="wx-other"))


def test_steps_are_fresh_for_exactly_the_time_allowed():
    assert read(handed(at=NOW - MAX_AGE)) == WALKED
    with pytest.raises(StaleStepsError):
        read(handed(at=NOW - MAX_AGE - timedelta(seconds=1)))


def test_the_clock_of_wechat_may_run_five_minutes_ahead():
    assert read(handed(at=NOW + timedelta(minutes=5))) == WALKED
    with pytest.raises(StaleStepsError):
        read(handed(at=NOW + timedelta(minutes=5, seconds=1)))


@pytest.mark.parametrize("stamp", [None, "1772424000", 1772424000.0, True, 10**400, float("nan")])
def test_a_watermark_without_a_time_is_not_fresh(stamp):
    with pytest.raises(StaleStepsError):
        read(sealed({"stepInfoList": [], "watermark": {"appid": APP_ID, "timestamp": stamp}}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("iv", ""),
        ("iv", base64.b64encode(bytes(15)).decode()),
        ("iv", base64.b64encode(bytes(32)).decode()),
        ("encrypted_data", ""),
        ("encrypted_data", "not base64"),
        ("encrypted_data", "\u6797"),
        ("encrypted_data", base64.b64encode(bytes(17)).decode()),
    ],
)
def test_a_malformed_field_is_named(field, value):
    with pytest.raises(ValidationFailedError) as refusal:
        read(handed(), **{field: value})
    assert [error["field"] for error in refusal.value.extensions["errors"]] == [field]


@pytest.mark.parametrize(
    "items",
    [None, 5, "text", [5], [{}], [{"timestamp": 1}], [{"timestamp": 1, "step": -1}],
     [{"timestamp": -1, "step": 1}], [{"timestamp": 1.5, "step": 1}], [{"timestamp": 1, "step": True}],
     [{"timestamp": 2**32, "step": 1}], [{"timestamp": 1, "step": 2**32}]],
)  # fmt: skip  # one list reads better than twelve lines
def test_open_data_that_holds_no_steps_is_malformed(items):
    watermark = {"appid": APP_ID, "timestamp": int(NOW.timestamp())}
    with pytest.raises(ValidationFailedError):
        read(sealed({"stepInfoList": items, "watermark": watermark}))


@pytest.mark.parametrize("plaintext", [b"", b"\xff", b"{", b"[]", b"{}", b'{"watermark": 5}', b"[" * 100_000])
def test_right_padding_around_nonsense_is_answered_like_wrong_padding(plaintext):
    with pytest.raises(SessionExpiredError):
        read(sealed(plaintext))


blocks = st.integers(0, 4).flatmap(lambda n: st.binary(min_size=16 * n, max_size=16 * n))
base64_texts = blocks.map(lambda data: base64.b64encode(data).decode())


@given(st.text() | base64_texts, st.text() | base64_texts)
def test_garbage_is_refused_and_never_breaks_the_reader(encrypted_data, iv):
    with pytest.raises(RefusalError):
        read(handed(), encrypted_data=encrypted_data, iv=iv)


@given(st.data())
def test_a_changed_byte_is_refused_or_read_but_never_breaks_the_reader(data):
    sent = handed()
    ciphertext = bytearray(base64.b64decode(sent.encrypted_data))
    ciphertext[data.draw(st.integers(0, len(ciphertext) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(RefusalError):
        assert isinstance(read(sent, encrypted_data=base64.b64encode(ciphertext).decode()), list)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["timestamp", "step", "appid"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(steps=json_values, stamp=json_values | st.just(int(NOW.timestamp())))
def test_any_json_under_the_right_key_is_read_or_refused(steps, stamp):
    sent = sealed({"stepInfoList": steps, "watermark": {"appid": APP_ID, "timestamp": stamp}})
    with suppress(RefusalError):
        assert isinstance(read(sent), list)
