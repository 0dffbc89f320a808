"""Delivery: from a planned row to a stored reply."""
