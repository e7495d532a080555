"""Fills in message templates."""

import string

from .prospects import Prospect

FIELDS = {"first_name", "company", "role", "sender"}


class BadTemplate(ValueError):
    """A template cannot be filled in; the message names the placeholder."""


def fill_in(template: str, prospect: Prospect, sender: str) -> str:
    """The template's words for one person."""
    try:
        named = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError as error:
        raise BadTemplate(f"a brace is not closed: {error}") from None
    unknown = sorted(named - FIELDS)
    if unknown:
        raise BadTemplate(f"there is no placeholder {{{unknown[0]}}}")
    values = {
        "first_name": prospect.first_name,
        "company": prospect.company,
        "role": prospect.role,
        "sender": sender,
    }
    return template.format(**values).strip()
