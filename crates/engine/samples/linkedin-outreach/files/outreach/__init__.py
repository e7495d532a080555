"""Prepares an outreach campaign; a person sends it."""
