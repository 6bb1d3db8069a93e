"""Everything twice, over real connections to real processes: at the same moment, and after a lost answer."""

import http.client
import json
import socket
import struct

import pyotp
import pytest

from backend import clock
from tests.contract.described import FOUND, operation_of
from tests.faults import report
from tests.faults.decisions import DECISIONS
from tests.faults.repeats import ANEW, PAGE, REPEATS, arrive, begin_second_factor, bound, page
from tests.faults.shop import open_shop
from tests.faults.site import Answer, running, until
from tests.faults.wishes import AUDITED, CASES, V1, WECHAT_SECRET, Wish, World

TIMES = 2 if report.SHORT else 20
PATIENCE_S = 30
WITHOUT_KEY = (*DECISIONS, *REPEATS, *ANEW)
UNCOUNTED = {
    "names_revision",
    *("outbox", "totals", "movements", "participations", "participants"),
    *("period_scores", "settled_boards", "board_state", "board_progress"),
}
"""A single row that is there from the first change on, and what the projector writes when it comes to it."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(tmp_path_factory.mktemp("wire") / "site", WECHAT_SECRET=WECHAT_SECRET) as site:
        owner = site.new_admin("owner")
        yield World(site, open_shop(site, owner), owner)
        verified = site.flask("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


def counts(site):
    """How many rows each table has that a request writes."""
    names = [row[0] for row in site.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    parts = [f"SELECT '{name}', count(*) FROM {name}" for name in names if name not in UNCOUNTED]
    return dict(site.rows(" UNION ALL ".join(parts)))


def gained(before, after):
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def at_once(site, wishes):
    """The answers to requests that are sent one right after the other, each on a connection that was open before."""
    connections = [http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S) for _ in wishes]
    try:
        for connection in connections:
            connection.connect()
        for connection, wish in zip(connections, wishes, strict=True):
            connection.request(wish.method, V1 + wish.path, *parts(wish))
        return [answer_on(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


def parts(wish):
    if wish.body is None or isinstance(wish.body, bytes):
        return wish.body, wish.headers
    return json.dumps(wish.body).encode(), {"Content-Type": "application/json", **wish.headers}


def answer_on(connection):
    response = connection.getresponse()
    text = response.read()
    return Answer(response.status, dict(response.headers), json.loads(text) if text else None)


def replayed(answer):
    return answer.headers.get("Idempotent-Replayed") == "true"


def ask_until_answered(site, wish):
    """The answer to a request whose first sending may still be at work."""
    found = []

    def answered():
        answer = site.ask("POST", V1 + wish.path, *parts(wish)[:1], headers=parts(wish)[1])
        found.append(answer)
        return not (answer.status == 409 and answer.body["type"] == "idempotency-in-flight")

    until(answered, seconds=PATIENCE_S)
    return found[-1]


def assert_came_to(world, wish, *, before):
    """Fail unless the tables have gained what the wish says, and hold what it says."""
    assert gained(before, counts(world.site)) == wish.rows
    if wish.state is not None:
        statement, found = wish.state
        assert world.site.rows(statement) == [found]


def operations(cases, world):
    return {operation_of(wish.method, V1 + wish.path)["operationId"] for wish in (case(world) for case in cases)}


def test_no_call_that_changes_anything_is_forgotten(world):
    changing = [call for _, _, method, call in FOUND if method != "get"]
    taking = {call["operationId"] for call in changing if "Idempotency-Key" in str(call.get("parameters", []))}
    assert operations(CASES, world) == taking
    assert operations((*CASES, *WITHOUT_KEY), world) == {call["operationId"] for call in changing}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_two_at_the_same_moment_are_one_effect_and_one_answer(world, case):
    for _ in range(TIMES):
        wish = case(world)
        before = counts(world.site)
        answers = at_once(world.site, [wish, wish])
        firsts = [answer for answer in answers if answer.good and not replayed(answer)]
        assert len(firsts) == 1, answers
        for other in answers:
            in_flight = other.status == 409 and other.body["type"] == "idempotency-in-flight"
            assert in_flight or (other.status, other.body) == (firsts[0].status, firsts[0].body), answers
        again = ask_until_answered(world.site, wish)
        assert replayed(again), again
        assert (again.status, again.body) == (firsts[0].status, firsts[0].body)
        assert_came_to(world, wish, before=before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_whoever_hangs_up_after_sending_gets_the_first_answer_later(world, case):
    for _ in range(TIMES):
        wish = case(world)
        before = counts(world.site)
        send_and_hang_up(world.site, wish, rudely=False)
        until(lambda: counts(world.site) != before, seconds=PATIENCE_S)  # noqa: B023  called at once
        again = ask_until_answered(world.site, wish)
        assert again.good, again
        assert replayed(again), again
        assert gained(before, counts(world.site)) == wish.rows
        rude = case(world)
        before = counts(world.site)
        # The connection is reset, so that it may or may not be read: whatever came of it, it is one effect.
        send_and_hang_up(world.site, rude, rudely=True)
        assert ask_until_answered(world.site, rude).good
        assert gained(before, counts(world.site)) == rude.rows


@pytest.mark.parametrize("case", WITHOUT_KEY, ids=lambda case: case.__name__)
def test_two_at_the_same_moment_without_a_key_come_to_what_the_table_says(world, case):
    for _ in range(TIMES):
        wish = case(world)
        before = counts(world.site)
        answers = at_once(world.site, [wish, wish])
        assert sorted(answer.status for answer in answers) == list(wish.statuses), answers
        assert_came_to(world, wish, before=before)


def test_of_two_second_factors_begun_at_the_same_moment_one_can_be_confirmed(world):
    for _ in range(TIMES):
        wish = begin_second_factor(world)
        codes = [pyotp.TOTP(answer.body["secret"]) for answer in at_once(world.site, [wish, wish])]
        confirming = [
            Wish("/admin/me/totp/confirm", {"otp": code.at(clock.now())}, wish.headers, AUDITED) for code in codes
        ]
        before = counts(world.site)
        answers = at_once(world.site, confirming)
        good, refused = sorted(answers, key=lambda answer: answer.status)
        assert (good.status, good.body["second_factor"]) == (200, True), answers
        # Whether the wrong one came before the right one, or after it.
        assert (refused.status, refused.body["type"]) in {(422, "wrong-code"), (409, "nothing-to-confirm")}
        assert gained(before, counts(world.site)) == AUDITED


def test_half_a_request_does_nothing(world):
    for case in CASES:
        wish = case(world)
        before = counts(world.site)
        send_and_hang_up(world.site, wish, rudely=False, share=0.9)
        answer = ask_until_answered(world.site, wish)
        assert answer.good, answer
        assert not replayed(answer), answer
        assert gained(before, counts(world.site)) == wish.rows


def send_and_hang_up(site, wish, *, rudely, share=1.0):
    """Send the (first part of the) request and close the connection: in order, or with a reset."""
    body, headers = parts(wish)
    head = [f"POST {V1}{wish.path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join([*head, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", site.port), timeout=PATIENCE_S) as connection:
        connection.sendall(text + body[: int(len(body) * share)])
        if rudely:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_of_two_first_sign_ins_one_is_the_first(world):
    for _ in range(TIMES):
        wish = arrive(world)
        answers = at_once(world.site, [wish, wish])
        assert sorted(answer.body["is_new"] for answer in answers) == [False, True]


def test_a_page_under_two_nonces_at_once_is_credited_once(world):
    for _ in range(TIMES):
        subject = bound(world)
        before = counts(world.site)
        answers = at_once(world.site, [page(world, subject), page(world, subject)])
        assert [answer.status for answer in answers] == [200, 200], answers
        found = sorted((answer.body["credited"], answer.body["duplicate"]) for answer in answers)
        assert found == [(0, 5), (5, 0)]
        assert gained(before, counts(world.site)) == PAGE | {"partner_nonces": 2}


def test_a_page_whose_sender_hung_up_is_there_and_sent_again_all_duplicates(world):
    for _ in range(TIMES):
        subject = bound(world)
        before = counts(world.site)
        send_and_hang_up(world.site, page(world, subject), rudely=False)
        until(lambda: counts(world.site) != before, seconds=PATIENCE_S)  # noqa: B023  called at once
        wish = page(world, subject)
        again = world.site.ask("POST", V1 + wish.path, wish.body, headers=wish.headers)
        assert (again.body["credited"], again.body["duplicate"]) == (0, 5), again
        assert gained(before, counts(world.site)) == PAGE | {"partner_nonces": 2}
