"""Anything at all as a signed page or a file: one clear answer each, and books that add up after all of them.

Each page goes as a request through the whole application, each file through the command.

FUZZ_INPUTS=100000 makes a long run of it (`make fuzz`), FUZZ_SEED another one. What fails is printed.
"""

import json
import re
import secrets
import time
from random import Random

from sqlalchemy import text

from backend import clock
from backend.actions.receiving import STATUSES
from backend.database import db, transaction
from backend.partners import auth
from backend.partners import service as partners
from tests.contract.described import assert_described
from tests.fuzz import files, pages
from tests.fuzz.conftest import CODE
from tests.fuzz.damage import damaged
from tests.fuzz.records import mostly
from tests.fuzz.tally import CREDITED, fuzz

URL = "/api/v1/partner/events"
JSON = "application/json"
HARMED = 8
"""Of so many requests one has damaged headers: most of those end at the signature, and the rules are behind it."""
HEADERS = ("X-Partner-Key", "X-Timestamp", "X-Nonce", "X-Signature", "Content-Type", "Accept-Language", "Expect")


def count(answer, *, tally, held):
    """Every event has one outcome, named where it came to nothing, and the counts are those of the outcomes."""
    assert answer["received"] == held == len(answer["results"])
    for line in answer["results"]:
        assert line["status"] in STATUSES
        if line["status"] == "refused":
            assert re.fullmatch(r"[a-z-]+", line["reason"])
            assert line["reason"] != "validation-failed" or line["message"]
        tally.records[line["status"]] += 1
        tally.points += line.get("points", 0)
        tally.co2e_mg += round(line.get("co2e_g", 0) * 1000)
    told = {status: answer[status] for status in STATUSES}
    assert told == {status: sum(r["status"] == status for r in answer["results"]) for status in STATUSES}


def test_signed_requests_are_answered_as_described(site, tally, now):
    with transaction():
        key, secret = partners.new_key(partners.find(CODE), now=clock.now())
    client = site.test_client()

    def make(random):
        harmed = random.choice((1, 1, 2)) if random.randrange(HARMED) == 0 else 0
        harm = {random.choice(HEADERS): random.randrange(2**32) for _ in range(harmed)}
        return pages.body(random, now), harm, mostly(random, JSON, ("text/csv", ""))

    def check(request):
        body, harm, kind = request
        timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
        headers = dict(zip(HEADERS, (key.key, timestamp, nonce, "", kind, "en", ""), strict=True))
        headers["X-Signature"] = auth.sign(body, secret=secret, timestamp=timestamp, nonce=nonce)
        sound = dict(headers)
        for name, number in harm.items():
            headers[name] = sendable(damaged(headers[name].encode(), Random(number)))
        answer = client.post(URL, data=body, headers=headers)
        assert_described(answer, method="POST", path=URL)
        held = pages.count_of(body)
        if any(headers[name] != sound[name] for name in HEADERS[:4]):
            assert answer.status_code != 200, "what was not signed was taken"
            tally.inputs["signature damaged"] += 1
        else:
            tally.inputs["signed request"] += 1
            assert harm or kind != JSON or (answer.status_code == 200) == (held is not None), answer.text
        if answer.status_code == 200:
            count(answer.json, tally=tally, held=held)
        else:
            tally.refused_whole[answer.json["type"]] += 1

    fuzz(make, check, share=0.8, what="signed requests")


def sendable(value):
    """A header's value as a server would hand it on: no line ends, and Latin-1."""
    return re.sub(rb"[\r\n\x00]", b"", value).decode("latin-1")[:8_000]


def test_files_are_imported_or_refused_in_a_sentence(site, tally, now, tmp_path_factory):
    file = tmp_path_factory.mktemp("fuzz") / "records"
    runner = site.test_cli_runner()

    def check(given):
        data, options = given
        tally.inputs["file"] += 1
        file.write_bytes(data)
        result = runner.invoke(args=["ingest", str(file), "--partner", CODE, "--json", *options])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        if result.exit_code == 0:
            count_file(json.loads(result.stdout), tally=tally, held=None if options else files.count_of(data))
            return
        said = result.stderr.strip().splitlines()
        wanted = {1: r"Error: Nothing was credited\. .+\.", 2: "Error: .+"}[result.exit_code]
        assert re.fullmatch(wanted, said[-1]), result.output
        assert len(said) == 1 or result.exit_code == 2, result.output
        tally.refused_whole["file" if result.exit_code == 1 else "option"] += 1

    fuzz(lambda random: (files.file(random, now), files.options(random)), check, share=0.2, what="files")


def count_file(told, *, tally, held):
    """Every row has one outcome; those that came to nothing are named by their line."""
    outcomes = {status: told[status] for status in STATUSES if status != "refused"}
    assert told["rows"] == sum(outcomes.values()) + sum(told["refused"].values())
    assert held is None or told["rows"] == held
    assert len(told["problems"]) == min(20, sum(told["refused"].values()))
    for problem in told["problems"]:
        assert problem["row"] > 1
        assert problem["reason"] != "broken-row" or problem["message"]
    tally.records.update(outcomes)
    tally.records["refused"] += sum(told["refused"].values())
    # What waited for a subject that is bound now was told as unbound before.
    tally.records["credited"] += told["credited_from_earlier"]
    tally.points += told["points"]
    tally.co2e_mg += told["co2e_mg"]


def test_of_all_that_was_sent_the_books_hold_what_was_told_and_nothing_else(site, tally):
    """Runs last."""
    with transaction():
        held = db.session.execute(
            text("SELECT status, count(*), sum(points), sum(co2e_mg) FROM actions GROUP BY status")
        ).all()
    told = {"credited": sum(tally.records[status] for status in CREDITED), "pending": tally.records["pending"]}
    assert {row.status: row.count for row in held} == {status: number for status, number in told.items() if number}
    assert (sum(row[2] for row in held), sum(row[3] for row in held)) == (tally.points, tally.co2e_mg)
    assert tally.records["credited"]
    result = site.test_cli_runner().invoke(args=["verify", "--json"])
    assert result.exit_code == 0, result.output
    tally.tell()
