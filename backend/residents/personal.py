"""What residents hold that is personal: handed out on export. `service.erase` removes it."""

HELD = {
    "profile": """
        SELECT 0, jsonb_build_object('resident_id', r.resident_id, 'state', r.state, 'nickname', r.nickname,
            'avatar_url', r.avatar_url, 'district', d.code, 'community', c.code, 'joined_at', r.joined_at,
            'leaderboard_consent', r.leaderboard_consent, 'hidden', r.hidden, 'left_on', r.left_on,
            'left_points', r.left_points, 'left_taken', r.left_taken)
        FROM residents r
        LEFT JOIN areas d ON d.id = r.district_id LEFT JOIN areas c ON c.id = r.community_id
        WHERE r.resident_id = %(resident_id)s AND %(after)s::int IS NULL LIMIT %(rows)s""",
    "moves": """
        SELECT m.day, jsonb_build_object('day', m.day, 'left_district', d.code, 'left_community', c.code)
        FROM moves m LEFT JOIN areas d ON d.id = m.district_id LEFT JOIN areas c ON c.id = m.community_id
        WHERE m.resident_id = %(resident_id)s AND (%(after)s::date IS NULL OR m.day > %(after)s::date)
        ORDER BY m.day LIMIT %(rows)s""",
    "identities": """
        SELECT i.subject, jsonb_build_object('provider', i.provider, 'subject', i.subject)
        FROM identities i WHERE i.resident_id = %(resident_id)s AND i.subject > coalesce(%(after)s::text, '')
        ORDER BY i.subject LIMIT %(rows)s""",
    "consents": """
        SELECT c.given_at, to_jsonb(c) - 'resident_id' FROM consents c
        WHERE c.resident_id = %(resident_id)s
            AND (%(after)s::timestamptz IS NULL OR c.given_at > %(after)s::timestamptz)
        ORDER BY c.given_at LIMIT %(rows)s""",
}
"""Section of an export → a statement that gives (key, JSON object) after a key."""
