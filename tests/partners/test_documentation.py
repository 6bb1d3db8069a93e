"""The example in docs/partners.md works as it stands there."""

import json
import re
from decimal import Decimal
from pathlib import Path

from backend.partners import proofs

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "partners.md"


def test_the_example_signs_what_we_accept_and_proves_what_we_believe(client, bikes, known, ride, bind, resident):
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    example = {"__name__": "example"}
    exec(compile(code, str(DOCUMENT), "exec"), example)
    example.update(KEY=bikes.key, SECRET=bikes.secret)
    bind(resident, "u-1", proof=example["proof_for"]("u-1"))
    request = example["request_for"]([ride("documented")])
    answer = client.post(request.selector, data=request.data, headers=dict(request.header_items()))
    assert answer.get_json()["credited"] == 1


def test_every_reason_that_a_page_can_give_is_documented(app):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"at most {proofs.LONGEST_VALID_S} s ahead" in text
    source = "".join(path.read_text() for path in (DOCUMENT.parents[1] / "backend" / "actions").glob("*.py"))
    reasons = set(re.findall(r'_refused\("([a-z-]+)"\)', source)) | set(
        re.findall(r'return "([a-z]+-[a-z-]+)"', source)
    )
    assert len(reasons) > 10
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in text] == []


def test_every_task_that_partners_report_by_default_is_documented_with_its_unit_and_range():
    tasks = {task["code"]: task for task in defaults_of("catalogue")["tasks"]}
    reported = {code for partner in defaults_of("partners")["partners"] for code in partner["tasks"]}
    section = DOCUMENT.read_text(encoding="utf-8").split("## Tasks", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    documented = {code: row for row in rows for code in re.findall(r"`([a-z_]+)`", row[0]) if code in tasks}
    assert documented.keys() == reported
    for code, (_, unit, quantity, _) in documented.items():
        least, most = (f"{Decimal(tasks[code][end]):,f}" for end in ("quantity_min", "quantity_max"))
        assert unit == tasks[code]["unit"]
        assert (f"{least}–{most}" if least != most else least) in quantity


def defaults_of(feature):
    return json.loads((ROOT / "backend" / feature / "defaults.json").read_text(encoding="utf-8"))
