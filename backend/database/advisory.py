"""The numbers of all advisory locks: PostgreSQL has one room for those of a database, so none may stand for two things.

What is seldom locked is named instead: `hashtext('tanhui admins')`.
"""

PROJECTOR = 7001
"""First half of a partition's lock; the second is the partition."""
FILLING = 7002
"""First half of a board's lock; the second is a hash of its name."""
CHORE = 7003
"""Of the one chore that runs."""
RESTORE = 7004
"""Of the one restore into a server, taken in the database beside the site's own."""
REBUILDING = 7005
"""First half of the lock of whoever rebuilds a partition's totals; taken before the partition's own."""
