"""Residents: sign-in, profile, consents, areas."""
