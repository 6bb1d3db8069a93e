"""Green tasks, caps, unlock rules."""
