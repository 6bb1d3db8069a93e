"""What the ledger holds about a resident: handed out on export. It stays after erasure, without a person."""

HELD = {
    "wallet": """
        SELECT 0, to_jsonb(w) - '{resident_id,version}'::text[] FROM wallets w
        WHERE w.resident_id = %(resident_id)s AND %(after)s::int IS NULL LIMIT %(rows)s""",
    "entries": """
        SELECT e.seq, to_jsonb(e) - 'resident_id' FROM ledger_entries e
        WHERE e.resident_id = %(resident_id)s AND e.seq > coalesce(%(after)s::int, 0)
        ORDER BY e.seq LIMIT %(rows)s""",
    "lots": """
        SELECT l.expires_on, to_jsonb(l) - 'resident_id' FROM lots l
        WHERE l.resident_id = %(resident_id)s AND l.expires_on > coalesce(%(after)s::date, DATE '0001-01-01')
        ORDER BY l.expires_on LIMIT %(rows)s""",
    "holds": """
        SELECT h.reference_kind || ':' || h.reference_id, to_jsonb(h) - 'resident_id' FROM holds h
        WHERE h.resident_id = %(resident_id)s
            AND h.reference_kind || ':' || h.reference_id > coalesce(%(after)s::text, '')
        ORDER BY h.reference_kind || ':' || h.reference_id LIMIT %(rows)s""",
    "adjustments": """
        SELECT j.id, to_jsonb(j) - '{resident_id,requested_by,decided_by}'::text[] FROM adjustments j
        WHERE j.resident_id = %(resident_id)s AND j.id > coalesce(%(after)s::bigint, 0)
        ORDER BY j.id LIMIT %(rows)s""",
}
"""Section of an export → a statement that gives (key, JSON object) after a key."""
