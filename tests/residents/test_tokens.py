"""The check of residents' tokens: as strict as the library that issues them."""

import json
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import UnauthenticatedError
from backend.residents import tokens

SECRET = "a secret of the city's, long enough"
SOON = datetime.now(UTC) + timedelta(days=1)
GOOD = tokens.encode(resident_id=7, epoch=3, expires_at=SOON, secret=SECRET)


def holds_by_the_library(token):
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience=tokens.AUDIENCE)
    except (jwt.InvalidTokenError, ValueError):
        return None
    return int(claims["sub"]), int(claims["epoch"])


def holds(token):
    try:
        return tokens.decode(token, secret=SECRET)
    except UnauthenticatedError:
        return None


def signed(claims, *, secret=SECRET, algorithm="HS256", headers=None):
    return jwt.encode(claims, secret, algorithm=algorithm, headers=headers)


def claims(**changed):
    return {"aud": tokens.AUDIENCE, "sub": "7", "epoch": 3, "exp": SOON} | changed


def test_a_token_says_who_and_which_epoch():
    assert holds(GOOD) == holds_by_the_library(GOOD) == (7, 3)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        GOOD + "A",
        GOOD[:-1],
        GOOD + "=",
        "." + GOOD,
        signed(claims(exp=datetime.now(UTC) - timedelta(seconds=1))),
        signed(claims(exp="soon")),
        signed(claims(aud="admin")),
        signed({"sub": "7", "epoch": 3, "exp": SOON}),
        signed({"aud": tokens.AUDIENCE, "epoch": 3, "exp": SOON}),
        signed({"aud": tokens.AUDIENCE, "sub": "7", "epoch": 3}),
        signed(claims(sub="me")),
        signed(claims(), secret="another secret, just as long as ours"),
        signed(claims(), secret=SECRET * 2, algorithm="HS512"),
        signed(claims(), secret=None, algorithm="none"),
    ],
)
def test_whatever_is_not_ours_and_of_now_opens_nothing(token):
    assert holds(token) is None


def test_a_header_of_the_senders_own_has_no_say_though_the_signature_holds():
    assert holds(signed(claims(), headers={"kid": "another key"})) is None


def test_a_token_ends_in_the_second_that_it_says(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: SOON.timestamp() - 1)
    assert holds(GOOD) == (7, 3)
    monkeypatch.setattr(time, "time", lambda: float(int(SOON.timestamp())))
    assert holds(GOOD) is None


def test_a_token_that_is_remembered_is_held_to_its_end_and_to_its_secret(monkeypatch):
    with monkeypatch.context() as changed:
        changed.setattr(time, "time", lambda: SOON.timestamp() - 1)
        assert [holds(GOOD), holds(GOOD)] == [(7, 3), (7, 3)]
    with pytest.raises(UnauthenticatedError):
        tokens.decode(GOOD, secret="another secret, just as long as ours")
    monkeypatch.setattr(time, "time", lambda: SOON.timestamp() + 1)
    assert holds(GOOD) is None


def test_what_is_no_token_of_ours_is_not_remembered(monkeypatch):
    monkeypatch.setattr(tokens, "_kept", kept := {})
    for token in (GOOD[:-1], "a.b.c", signed(claims(aud="admin")), signed(claims(sub="me"))):
        assert [holds(token), holds(token)] == [None, None]
    assert kept == {}


def test_a_process_remembers_so_many_tokens_and_none_by_itself(monkeypatch):
    monkeypatch.setattr(tokens, "_kept", kept := {})
    monkeypatch.setattr(tokens, "MOST_KEPT", 3)
    asked = [tokens.encode(resident_id=n, epoch=0, expires_at=SOON, secret=SECRET) for n in range(1, 9)]
    for token in asked * 2:
        assert holds(token) == (asked.index(token) + 1, 0)
        assert len(kept) <= 3
    assert not {token.encode() for token in asked} & set(kept)


@given(place=st.integers(0, len(GOOD) - 1), character=st.characters(codec="ascii"))
def test_it_takes_no_altered_token_that_the_library_would_not(place, character):
    altered = GOOD[:place] + character + GOOD[place + 1 :]
    assert holds(altered) in {None, holds_by_the_library(altered)}


@given(
    aud=st.sampled_from([tokens.AUDIENCE, "admin", "", None, [tokens.AUDIENCE]]),
    exp=st.sampled_from([2**33, 2.5**30, 1, 0, -1, None, "soon", True]),
    sub=st.sampled_from(["7", "-7", "me", "", None]),
    left_out=st.sets(st.sampled_from(["aud", "exp", "sub"]), max_size=1),
)
def test_it_takes_no_signed_claims_that_the_library_would_not(aud, exp, sub, left_out):
    given_claims = {"aud": aud, "exp": exp, "sub": sub, "epoch": 3}
    payload = json.dumps({name: value for name, value in given_claims.items() if name not in left_out})
    token = jwt.api_jws.encode(payload.encode(), SECRET, algorithm="HS256")
    assert token.partition(".")[0] == GOOD.partition(".")[0]
    found = holds(token)
    assert found is None or found == holds_by_the_library(token)
