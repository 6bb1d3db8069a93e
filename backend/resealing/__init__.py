"""Sealing anew under SECRET_KEY what former keys have sealed, so that those can be dropped."""
