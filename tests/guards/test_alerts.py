"""Each alert is tried: when it fires and when it does not."""

from collections import defaultdict
from pathlib import Path

import yaml

from tests.guards.programs import accepted

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "tanhui.rules.yml"
CASES = RULES.with_suffix(".test.yml")


def alerts():
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"]}


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent():
    found = defaultdict(set)
    for test in yaml.safe_load(CASES.read_text())["tests"]:
        for case in test["alert_rule_test"]:
            found[case["alertname"]].add(bool(case["exp_alerts"]))
    assert found == {alert: {True, False} for alert in alerts()}


def test_prometheus_agrees_with_the_cases():
    assert accepted("promtool", "test", "rules", str(CASES))
