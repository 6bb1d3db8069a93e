"""Why each table and each index that grows with actions or residents is there: none stays without a reason."""

TABLES = {
    "actions": "the action itself, with the versions that explain its grams",
    "ledger_entries": "its points: append-only, so that a balance can be proved",
    "external_events": "the partner's id, so that a trip counts once",
    "participations": "who took part on which day, for distinct participants",
    "period_scores": "sums by day, week, month, year: boards come from here",
    "wallets": "the resident's running state",
    "lots": "what expires when",
    "yearly_points": "the yearly cap",
}
INDEXES = {
    "actions_pkey": "one action by its number; verify and exports in order",
    "actions_resident_id_happened_at_idx": "what was done around a claim: limits and overlaps",
    "actions_client_reference_key": "a client's own reference counts once",
    "actions_uncredited_idx": "the reviewers' queue, and what was refused or taken back",
    "actions_photo_idx": "who else has sent the same photo",
    "ledger_entries_pkey": "the statement in order; no gap in the sequence",
    "ledger_entries_resident_id_reference_kind_reference_id_kind_key": "one cause posts once",
    "external_events_pkey": "a trip counts once",
    "external_events_unbound_idx": "what waits for its subject",
    "external_events_unbound_since_idx": "what has waited for too long",
    "participations_pkey": "whether somebody is new on a day, by task and district",
    "period_scores_pkey": "a resident's own sums: folding, standings",
    "period_scores_starts_on_period_idx": "filling one board, settling one period",
    "wallets_pkey": "the one row that an award compares and sets",
    "lots_pkey": "the month's lot that points are added to; the oldest is spent first",
    "lots_open_idx": "what expires next",
    "yearly_points_pkey": "the year's row that an award adds to",
}
