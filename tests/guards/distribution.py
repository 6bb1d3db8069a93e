"""How each table would lie in a distributed PostgreSQL (Citus), and what is against that.

`resident`: distributed by resident_id, so that all of a resident is in one place. `own`: distributed by a column of its
own. `reference`: whole on every node. `local`: on the coordinator alone, for nothing of the hot path touches it.
"""

from sqlalchemy import UniqueConstraint

OWN = {
    "identities": "subject",
    "external_events": "external_id",
    "bindings": "subject",
    "vouchers": "reward_id",
    "partner_nonces": "nonce",
    "totals": "partition",
    "movements": "partition",
    "participants": "partition",
}
"""Tables with a distribution column of their own: each is looked up by it."""
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
    return {"own": OWN.get(table.name), "resident": "resident_id"}.get(kind_of(table))


def faults(metadata):
    """What a distributed PostgreSQL would not take of these tables, a sentence each."""
    for table in metadata.sorted_tables:
        if kind_of(table) is None:
            yield f"{table.name}: say in tests/guards/distribution.py how it lies"
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
        if kind_of(other) == "resident" and kind_of(table) != "resident":
            yield f"{what}: nothing but a resident's own may point to a resident's row"
        elif column_of(other) is not None and (here, column_of(other)) not in pairs:
            yield f"{what}: a foreign key between distributed tables must hold what both are distributed by"
        elif kind_of(other) == "local" and kind_of(table) != "local":
            yield f"{what}: what lies on the coordinator alone cannot be pointed to"
