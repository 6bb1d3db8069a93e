"""Points and grams: entries, wallets, lots, holds."""
