"""A resident's own pages: profile, wallet, reduction, export, erasure."""
