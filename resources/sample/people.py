"""Which principals are whose, from when to when?

The list that the company keeps by hand: one row a principal, since a person has several and one of them was handed on.
"""

from __future__ import annotations

import csv
import io

from resources.sample.story import ON_CALL, ONCALL, PEOPLE, ROBOTS

NAME = "people.csv"
HEADER = ("person", "email", "principal", "kind", "valid_from", "valid_to", "team")


def rows() -> list[tuple[str, ...]]:
    """Return the rows below the header. `break-glass-admin` stands in none: nobody knows who used it."""
    found: list[tuple[str, ...]] = []
    for person in PEOPLE:
        until = person.until.isoformat() if person.until else ""
        for principal in (person.oidc, person.login):
            kind, since = person.kind, person.since.isoformat()
            found.append((person.name, person.email, principal, kind, since, until, person.team))
    for person, since_day, until_day in ON_CALL:
        until = until_day.isoformat() if until_day else ""
        found.append((person.name, person.email, ONCALL, "person", since_day.isoformat(), until, person.team))
    found += [(name, "", principal, "bot", "", "", team) for principal, name, team in ROBOTS]
    return found


def content() -> bytes:
    """Return the bytes of the file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows())
    return text.getvalue().encode()
