"""A change of SECRET_KEY: nothing that is sealed is lost, and all of it goes under the new one."""

import json

import pyotp
import pytest
from sqlalchemy import select, text, update

from backend import clock, sealing
from backend.admins.models import Admin, AdminIdempotencyKey
from backend.database import Model, db, transaction
from backend.resealing import service
from backend.resealing.columns import SealedColumn
from backend.resealing.service import KINDS, Tally, reseal
from backend.residents.models import Resident
from backend.web.idempotency import SEALED
from tests.conftest import PASSWORD
from tests.resealing.conftest import DELIVERY, NEW
from tests.together import together

SESSIONS = "WeChat session keys"
STRANGE = "a-key-that-nobody-knows-any-more-" * 2


def session_keys():
    """Each resident's as it lies in the database."""
    db.session.rollback()
    return dict(db.session.execute(select(Resident.resident_id, Resident.session_key)).all())


def opened(sealed):
    return {owner: text and sealing.unseal(text) for owner, text in sealed.items()}


def sealed_columns():
    """Every column of ours in which a sealed text lies: by what it looks like."""
    found = set()
    for table in Model.metadata.sorted_tables:
        for column in table.columns:
            query = f"SELECT 1 FROM {table.name} WHERE {column.name}::text ~ '(^|\")gAAAAA[A-Za-z0-9_-]{{60}}'"
            if db.session.execute(text(query)).first():
                found.add((table.name, column.name))
    return found


def test_no_column_that_is_sealed_is_forgotten(one_of_each):
    assert sealed_columns() == {(column.class_.__tablename__, column.key) for column in KINDS.values()}


def use_all(client, one, feed):
    """Uses whatever is sealed, by the calls that open it."""
    assert feed().status_code == 200
    with transaction():
        (stored,) = db.session.scalars(select(AdminIdempotencyKey.body))
    assert json.loads(sealing.unseal(stored[SEALED])) == one.key
    assert set(opened(session_keys()).values()) != {None}
    token = client.post("/api/v1/auth/wechat", json={"code": "dev-lin"}).json["token"]
    document = client.get("/api/v1/me/export", headers={"Authorization": f"Bearer {token}"})
    assert json.loads(document.text)["redemptions"][0]["delivery"] == DELIVERY


def repeat(client, one):
    """The answer to the request with an idempotency key whose answer was stored sealed."""
    return client.post(one.keys, headers={**admin_anew(client, one), "Idempotency-Key": "k-1"})


def admin_anew(client, one):
    """The header of a sign-in with the second factor, which a code each opens; any step may be used again."""
    with transaction():
        db.session.execute(update(Admin).values(totp_last_step=None))
    known = {"username": "owner", "password": PASSWORD, "otp": pyotp.TOTP(one.second_factor).at(clock.now())}
    answer = client.post("/api/v1/admin/auth", json=known)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json['token']}"}


def test_what_a_former_key_sealed_opens_and_with_the_new_key_alone_after_resealing(
    client, one_of_each, feed, change_key, secrets
):
    change_key()
    use_all(client, one_of_each, feed)
    said = secrets("reseal")
    repeated = repeat(client, one_of_each)
    assert (repeated.json, repeated.headers["Idempotent-Replayed"]) == (one_of_each.key, "true")
    # The resident has signed in since, and got a session key under the new one.
    assert "WeChat session keys: 0 sealed anew, 1 were already." in said
    assert said.count(": 1 sealed anew, 0 were already.") == len(KINDS) - 1
    assert said.endswith("Nothing is left under a former key.\n")
    change_key(fallbacks=())
    assert secrets("check").count(": 1 under SECRET_KEY, 0 under a former key.") == len(KINDS)
    use_all(client, one_of_each, feed)
    # A request is known again by the key under which it was hashed.
    assert repeat(client, one_of_each).json["type"] == "idempotency-key-reused"
    confirmed = {"otp": pyotp.TOTP(one_of_each.pending).at(clock.now())}
    headers = admin_anew(client, one_of_each)
    assert client.post("/api/v1/admin/me/totp/confirm", json=confirmed, headers=headers).status_code == 200


def test_who_holds_a_token_of_the_former_key_is_out_and_signs_in_again(client, one_of_each, change_key, sign_in):
    mine, theirs = {"Authorization": f"Bearer {one_of_each.token}"}, one_of_each.admin
    assert [
        client.get(f"/api/v1{path}", headers=h).status_code for path, h in (("/me", mine), ("/admin/me", theirs))
    ] == [
        200,
        200,
    ]
    change_key()
    assert client.get("/api/v1/me", headers=mine).status_code == 401
    assert client.get("/api/v1/admin/me", headers=theirs).status_code == 401
    again = {"Authorization": f"Bearer {sign_in()['token']}"}
    assert client.get("/api/v1/me", headers=again).status_code == 200
    assert client.get("/api/v1/admin/me", headers=admin_anew(client, one_of_each)).status_code == 200


def test_checking_counts_and_changes_nothing(several, change_key, secrets):
    several(3, sealing.seal)
    before = session_keys()
    change_key()
    several(2, sealing.seal)
    assert f"{SESSIONS}: 2 under SECRET_KEY, 3 under a former key." in secrets("check")
    assert before.items() <= session_keys().items()


def test_resealing_again_finds_nothing_to_do(several, change_key, secrets):
    several(3, sealing.seal)
    change_key()
    assert f"{SESSIONS}: 3 sealed anew, 0 were already." in secrets("reseal")
    before = session_keys()
    assert f"{SESSIONS}: 0 sealed anew, 3 were already." in secrets("reseal")
    assert session_keys() == before


def test_two_former_keys_and_a_resident_without_a_session_are_no_trouble(several, change_key, secrets, settings):
    several(2, sealing.seal)
    (signed_out,) = several(1, lambda _: None)
    change_key(fallbacks=(settings.secret_key,))
    several(2, sealing.seal)
    change_key("the-third-key-" * 3, fallbacks=(NEW, settings.secret_key))
    assert f"{SESSIONS}: 4 sealed anew, 0 were already." in secrets("reseal")
    change_key("the-third-key-" * 3, fallbacks=())
    found = opened(session_keys())
    assert found.pop(signed_out.resident_id) is None
    assert [text.split()[0] for text in found.values()] == ["session"] * 4


def test_what_was_interrupted_is_taken_up_by_doing_it_again(several, change_key, secrets, monkeypatch):
    several(7, sealing.seal)
    change_key()
    monkeypatch.setattr(service, "ROWS", 2)
    tally = Tally()
    steps = reseal(SESSIONS, tally)
    next(steps), next(steps)
    steps.close()
    assert tally.resealed == 4
    assert f"{SESSIONS}: 3 sealed anew, 4 were already." in secrets("reseal")
    change_key(fallbacks=())
    assert all(text == f"session {owner}" for owner, text in opened(session_keys()).items())


def test_two_at_once_seal_each_of_them_once(app, several, change_key, monkeypatch):
    several(40, sealing.seal)
    change_key()
    monkeypatch.setattr(service, "ROWS", 5)

    def run():
        tally = Tally()
        list(reseal(SESSIONS, tally))
        return tally

    one, other = together(app, [run] * 2)
    assert (one.resealed + other.resealed, one.former + other.former) == (40, 0)
    change_key(fallbacks=())
    assert all(text == f"session {owner}" for owner, text in opened(session_keys()).items())


@pytest.fixture
def just_before_it_writes(monkeypatch):
    """just_before_it_writes(deed) lets it happen after a page was read, and before it is written."""

    def let(deed):
        writes, deeds = SealedColumn.replace, iter([deed])

        def replace(*args):
            for one in deeds:
                one()
            return writes(*args)

        monkeypatch.setattr(SealedColumn, "replace", replace)

    return let


def put(resident_id, value):
    with transaction():
        db.session.execute(update(Resident).where(Resident.resident_id == resident_id).values(session_key=value))


def test_a_row_that_changes_meanwhile_keeps_what_was_put_there(several, change_key, secrets, just_before_it_writes):
    signs_in, leaves, stays = (one.resident_id for one in several(3, sealing.seal))
    change_key()
    fresh = sealing.seal("a new session")
    just_before_it_writes(lambda: (put(signs_in, fresh), put(leaves, None)))
    assert f"{SESSIONS}: 1 sealed anew, 0 were already." in secrets("reseal")
    found = session_keys()
    assert (found[signs_in], found[leaves]) == (fresh, None)
    assert sealing.unseal(found[stays]) == f"session {stays}"


def test_what_a_process_of_before_seals_meanwhile_is_taken_too(several, change_key, secrets, just_before_it_writes):
    (one,) = several(1, sealing.seal)
    late = sealing.seal("by a server that was not started again")
    change_key()
    just_before_it_writes(lambda: put(one.resident_id, late))
    assert f"{SESSIONS}: 1 sealed anew" in secrets("reseal")
    assert opened(session_keys()) == {one.resident_id: "by a server that was not started again"}


@pytest.fixture
def held(app, settings):
    """held(resident_id) → a connection that has locked the row until it is closed."""
    opened = []

    def hold(resident_id):
        connection = db.engine.connect()
        opened.append(connection)
        lock = text("SELECT 1 FROM residents WHERE resident_id = :who FOR UPDATE")
        connection.execute(lock, {"who": resident_id})
        return connection

    yield hold
    for connection in opened:
        connection.close()


def test_a_row_that_somebody_holds_is_told_of_and_waited_for_by_nobody(several, change_key, secrets, held, monkeypatch):
    first, _ = several(2, sealing.seal)
    change_key()
    monkeypatch.setattr(service, "PAUSES_S", (0.01,))
    connection = held(first.resident_id)
    said = secrets("reseal", status=1)
    assert f"{SESSIONS}: 1 sealed anew, 0 were already, 1 left under a former key." in said
    assert said.endswith("Error: Somebody held what is left all the while: run this again.\n")
    connection.close()
    assert f"{SESSIONS}: 1 sealed anew, 1 were already." in secrets("reseal")


def test_a_row_that_is_held_for_a_moment_is_taken(several, change_key, secrets, held, monkeypatch):
    first, _ = several(2, sealing.seal)
    change_key()
    connection = held(first.resident_id)
    monkeypatch.setattr(service.time, "sleep", lambda _: connection.close())
    assert f"{SESSIONS}: 2 sealed anew, 0 were already." in secrets("reseal")


def test_what_no_key_opens_is_told_of_and_left_as_it_is(several, change_key, secrets, settings):
    change_key(STRANGE, fallbacks=())
    (lost,) = several(1, sealing.seal)
    change_key(settings.secret_key, fallbacks=())
    several(2, sealing.seal)
    before = session_keys()
    change_key()
    assert f"{SESSIONS}: 0 under SECRET_KEY, 2 under a former key, 1 that no key opens." in secrets("check", status=1)
    said = secrets("reseal", status=1)
    assert f"{SESSIONS}: 2 sealed anew, 0 were already, 1 that no key opens." in said
    assert "is a key missing in SECRET_KEY_FALLBACKS?" in said
    assert "Nothing is left" not in said
    assert session_keys()[lost.resident_id] == before[lost.resident_id]


def test_what_opens_with_no_key_says_what_to_set(app, change_key):
    sealed = sealing.seal("x")
    change_key(fallbacks=())
    with pytest.raises(sealing.SealBrokenError, match="SECRET_KEY_FALLBACKS"):
        sealing.unseal(sealed)
