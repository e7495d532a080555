"""A JSON API for a warehouse's items."""
