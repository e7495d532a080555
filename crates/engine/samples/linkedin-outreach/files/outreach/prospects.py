"""The people who are written to."""

import csv
import io
from dataclasses import dataclass

COLUMNS = ["name", "company", "role", "profile"]


class BadProspects(ValueError):
    """A file of prospects cannot be used; the message names the line."""


@dataclass(frozen=True)
class Prospect:
    name: str
    company: str
    role: str
    profile: str

    @property
    def first_name(self) -> str:
        return self.name.split()[0]


def read_prospects(text: str) -> list[Prospect]:
    """Reads a CSV file; its first line names the columns."""
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise BadProspects(f"line 1: there is no column {missing[0]}")
    prospects: dict[str, Prospect] = {}
    for row in reader:
        values = {column: (row[column] or "").strip() for column in COLUMNS}
        empty = [column for column, value in values.items() if not value]
        if empty:
            raise BadProspects(f"line {reader.line_num}: {empty[0]} is empty")
        prospect = Prospect(**values)
        if prospect.profile in prospects:
            raise BadProspects(f"line {reader.line_num}: {prospect.profile} is there already")
        prospects[prospect.profile] = prospect
    return list(prospects.values())
