"""The projector: folds the outbox into leaderboards and totals."""
