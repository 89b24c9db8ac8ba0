"""Which verdicts of dbt's events does dbt's own `run_results.json` overrule?

dbt-ol reports a test that was skipped as failed, and the run of the tests with it (sources-ops 0.2). The artifact of
the same invocation knows better: what it says of a test counts, whatever was imported first.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

_INVOCATION = "json_extract(y.value, '$')"
_OF_EVENTS = (
    " FROM measure m JOIN measure_sort s ON s.id = m.sort JOIN run_said t ON t.run = m.run"
    " JOIN saying y ON y.id = t.saying AND y.name = 'dbt_invocation_id' WHERE m.success IS NOT NULL"
)


def verdicts(connection: Connection) -> dict[int, int | None]:
    """Return the measurements (by id) of events that the artifact contradicts, with the verdict it gives; None = none.

    A name that the artifact gives to two tests of different outcome decides nothing.
    """
    stated: dict[tuple[str, str], set[int | None]] = {}
    for invocation, name, success in connection.exec_driver_sql(
        "SELECT json_extract(s.detail, '$.dbt_invocation_id'), json_extract(s.detail, '$.name'), m.success"
        " FROM measure_sort s JOIN measure m ON m.sort = s.id"
        " WHERE s.detail LIKE '%\"dbt_invocation_id\"%' AND json_extract(s.detail, '$.test') IS NOT NULL"
    ):
        stated.setdefault((invocation, name), set()).add(success)
    if not stated:
        return {}
    found: dict[int, int | None] = {}
    for number, invocation, name, success in connection.exec_driver_sql(
        f"SELECT m.id, {_INVOCATION}, json_extract(s.detail, '$.name'), m.success{_OF_EVENTS}"
    ):
        said = stated.get((invocation, name), set())
        if len(said) == 1 and success not in said:
            found[number] = next(iter(said))
    return found


def runs(connection: Connection, ids: Iterable[int]) -> set[int]:
    """Return those of the runs `ids` that failed only by verdicts which the artifact takes back."""
    overruled = verdicts(connection)
    if not overruled:
        return set()
    wanted = set(ids)
    failed: dict[int, list[int]] = {}
    for run, number in connection.exec_driver_sql(f"SELECT m.run, m.id{_OF_EVENTS} AND m.success = 0"):
        if run in wanted:
            failed.setdefault(run, []).append(number)
    return {
        run for run, numbers in failed.items() if all(overruled.get(number, 0) != 0 for number in numbers)
    }
