"""How each table would lie in a distributed PostgreSQL (Citus), and what is against that.

`resident`: distributed by resident_id, so that all of a resident is in one place. `own`: distributed by a column of its
own. `reference`: whole on every node. `local`: on the coordinator alone, for nothing of the hot path touches it.
"""

from typing import NamedTuple

from sqlalchemy import UniqueConstraint


class Own(NamedTuple):
    """What a table that is not a resident's is distributed by, and why by that."""

    column: str
    reason: str


OWN = {
    "identities": Own("subject", "who signs in is found by the provider's id"),
    "departures": Own("subject_hash", "as identities: who comes back is found by the provider's id"),
    "external_events": Own("external_id", "keeps (partner, external id) unique, and is keyed by those alone"),
    "bindings": Own("subject", "found by the partner's own subject"),
    "vouchers": Own("reward_id", "claimed by reward"),
    "partner_nonces": Own("nonce", "a request that comes again is found by it"),
    "totals": Own("partition", "added up by the partition's projector"),
    "movements": Own("partition", "added up by the partition's projector"),
    "participants": Own("partition", "added up by the partition's projector"),
}
"""Tables with a distribution column of their own."""
REFERENCE = {
    "admins",
    "areas",
    "board_progress",
    "board_state",
    "catalogue_revision",
    "emission_factors",
    "green_tasks",
    "methodologies",
    "names_revision",
    "partner_keys",
    "partners",
    "resident_changes",
    "reward_versions",
    "rewards",
    "task_versions",
}
LOCAL = {"admin_idempotency_keys", "audit_log", "last_verify", "settled_boards", "stock_movements"}
WITH_RESIDENTS = {"resident_changes": "read in the order of commits"}
"""Of the two sets above, tables that name residents all the same, and why they may."""


def kind_of(table):
    """Which of the four a table is; None: nobody has decided."""
    if table.name in OWN:
        return "own"
    if table.name in REFERENCE:
        return "reference"
    if table.name in LOCAL:
        return "local"
    return "resident" if "resident_id" in table.c else None


def column_of(table):
    """By what a table is distributed; None: it is not."""
    if table.name in OWN:
        return OWN[table.name].column
    return "resident_id" if kind_of(table) == "resident" else None


def faults(metadata):
    """What a distributed PostgreSQL would not take of these tables, a sentence each."""
    for table in metadata.sorted_tables:
        if kind_of(table) is None:
            yield f"{table.name}: say in tests/guards/distribution.py how it lies"
        if kind_of(table) in {"reference", "local"} and "resident_id" in table.c and table.name not in WITH_RESIDENTS:
            yield f"{table.name}: names residents and does not lie with them, say why in WITH_RESIDENTS"
        yield from _faults_of_keys(table)
        yield from _faults_of_foreign_keys(table)


def _faults_of_keys(table):
    column = column_of(table)
    keys = [list(table.primary_key.columns)]
    keys += [list(c.columns) for c in table.constraints if isinstance(c, UniqueConstraint)]
    keys += [list(index.columns) for index in table.indexes if index.unique]
    for key in [[column.name for column in key] for key in keys]:
        if column is not None and column not in key:
            yield f"{table.name}: what is unique by {key} must name {column}"
        if kind_of(table) == "resident" and key[0] != column:
            yield f"{table.name}: {key} must begin with resident_id"


def _faults_of_foreign_keys(table):
    for constraint in table.foreign_key_constraints:
        other, here = constraint.referred_table, column_of(table)
        pairs = {(element.parent.name, element.column.name) for element in constraint.elements}
        what = f"{table.name} → {other.name}"
        if kind_of(other) == "resident":
            yield f"{what}: no foreign key may point to a resident's row"
        elif column_of(other) is not None and (here, column_of(other)) not in pairs:
            yield f"{what}: a foreign key between distributed tables must hold what both are distributed by"
        elif kind_of(other) == "local" and kind_of(table) != "local":
            yield f"{what}: what lies on the coordinator alone cannot be pointed to"
