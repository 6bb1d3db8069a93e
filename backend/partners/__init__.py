"""Partners, their keys and bindings."""
