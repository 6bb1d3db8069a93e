"""A voucher code that was handed out since a backup was made is not handed out again when it is restored."""

from types import SimpleNamespace

import pytest

from backend.database import transaction
from backend.rewards import configuring, vouchers
from tests.backup.test_looking_over import MOMENT

pytestmark = pytest.mark.slow
COFFEE = {
    "code": "coffee",
    "kind": "voucher",
    "stock": None,
    "title": {"zh": "咖啡", "en": "Coffee"},
    "description": {"zh": "", "en": ""},
    "images": [],
    "price_points": 1,
    "limit_per_resident": None,
    "limit_period": "ever",
    "on_sale_from": None,
    "on_sale_until": None,
    "min_level": "seed",
    "hold_days": 30,
    "active": True,
}
STOCK = "SELECT stock FROM rewards WHERE code = 'coffee'"
LEFT = "SELECT code FROM vouchers WHERE resident_id IS NULL ORDER BY code"


@pytest.fixture
def coffee(site, other, city, tmp_path):
    """A pool of three codes, backed up with anna and bert, who have points, and restored into the other site."""
    with transaction():
        reward_id = configuring.create(COFFEE, by="admin:test").id
        vouchers.load(reward_id=reward_id, text='A-1\nB-2 "best, of all"\nC-3', by="admin:test")
    dump = site.backup(tmp_path / "backups")

    def redeem(resident, key):
        headers = {**other.headers(resident), "Idempotency-Key": key}
        answer = other.post("/redemptions", {"reward_id": reward_id}, headers)
        assert answer.status_code == 201, answer.json
        return answer.json["voucher"]

    def restore(*options):
        return other.run("restore", dump, *options)

    def load(text):
        return other.do(lambda: vouchers.load(reward_id=reward_id, text=text, by="admin:test"))

    restore()
    return SimpleNamespace(redeem=redeem, restore=restore, load=load)


def test_codes_that_somebody_has_are_not_handed_out_again(other, city, coffee, capfd):
    assert coffee.redeem(city.anna, "one") == "A-1"
    assert coffee.redeem(city.anna, "two") == 'B-2 "best, of all"'
    coffee.restore("--replace")
    said = capfd.readouterr().out
    assert "Voucher codes that had been handed out since, and will not be again: 2." in said
    assert "all agree" in said
    assert other.ask(STOCK) == [(1,)]
    assert coffee.redeem(city.bert, "three") == "C-3"
    coffee.restore("--replace")
    assert "will not be again: 3." in capfd.readouterr().out
    assert other.ask(STOCK) == [(0,)]


def test_what_was_loaded_and_handed_out_since_is_not_loaded_again(other, city, coffee):
    coffee.load("A-0\nA-2")
    assert coffee.redeem(city.anna, "one") == "A-0"
    coffee.restore("--replace")
    assert other.ask(STOCK) == [(3,)]
    loaded = coffee.load("A-0\nA-2")
    assert [(one.line, one.code) for one in loaded.duplicates] == [(1, "A-0")]
    assert other.ask(LEFT) == [("A-1",), ("A-2",), ('B-2 "best, of all"',), ("C-3",)]
    assert other.ask("SELECT delta FROM stock_movements WHERE reason = 'codes loaded' ORDER BY id") == [(3,), (1,)]


def test_after_a_recovery_to_a_moment_they_are_named_in_a_file(other, coffee, tmp_path):
    named = tmp_path / "codes.csv"
    named.write_text('coffee,A-1\ncoffee,"B-2 ""best, of all"""\ntea,A-1\n\n')
    said = other.run("look-over", MOMENT, "--yes", "--handed-out", named)
    other.let_go()
    assert "will not be again: 2." in said
    assert other.ask(LEFT) == [("C-3",)]
    assert other.ask("SELECT after FROM audit_log WHERE action = 'reward.vouchers_withdrawn'") == [
        ({"stock": 1, "withdrawn": 2},)
    ]


@pytest.mark.parametrize("line", ["A-1", "coffee,", ",A-1", "coffee,A-1,B-2"])
def test_a_line_that_names_no_code_is_refused_before_anything_is_done(other, coffee, tmp_path, line):
    named = tmp_path / "codes.csv"
    named.write_text(f"coffee,A-1\n{line}\n")
    said = other.run("look-over", MOMENT, "--yes", "--handed-out", named, status=1)
    other.let_go()
    assert f"{line!r} is not the code of a reward" in said
    assert len(other.ask(LEFT)) == 3
