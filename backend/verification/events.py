"""Partners' records: each action that came from a partner has its one record, and each bound record its action."""

_EVENTS = """
SELECT resident_id, 'record of partner ' || partner_id || ' for action ' || seq,
    CASE WHEN actions > 0 THEN '1' ELSE 'no record: there is no such action' END, records::text
FROM (
    SELECT resident_id, partner_id, seq, sum(actions) AS actions, sum(records) AS records FROM (
        SELECT resident_id, partner_id, seq, 1 AS actions, 0 AS records FROM actions
        WHERE resident_id = ANY(%(residents)s) AND partner_id IS NOT NULL
        UNION ALL
        SELECT resident_id, partner_id, action_seq, 0, 1 FROM external_events
        WHERE resident_id = ANY(%(residents)s)) AS side
    GROUP BY resident_id, partner_id, seq) AS pair
WHERE actions <> 1 OR records <> 1 ORDER BY resident_id, seq
"""
STATEMENTS = (_EVENTS,)
