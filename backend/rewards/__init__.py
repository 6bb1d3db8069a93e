"""Rewards, stock, vouchers, redemptions."""
