"""How does a person's decision about names become part of what is known?

It is recorded for good with who and why, then everything that follows is worked out anew in the same transaction. To
take one back is a decision as well (sources-ml 6.8).
"""

from __future__ import annotations

from lineage import clock
from lineage.audit.view import View
from lineage.errors import QuestionError
from lineage.graph.select import select_one
from lineage.identity.decision import Action
from lineage.identity.resolve import resolve
from lineage.model.naming import identifier
from lineage.model.vocabulary import Kind
from lineage.store import asking, binding, decided
from lineage.store.database import Connection, Database
from lineage.store.lock import import_lock
from lineage.text import clip, plain_path

_ABOUT = frozenset(
    {
        Kind.DATASET,
        Kind.FEATURE_VIEW,
        Kind.FEATURE,
        Kind.JOB,
        Kind.MODEL,
        Kind.MODEL_VERSION,
        Kind.TARGET,
        Kind.ACTOR,
        Kind.MONITOR,
    }
)

Name = tuple[str, str, str]
"""Kind, namespace and name."""


def decide(database: Database, view: View, named: str, one: str, other: str, who: str, why: str) -> int:
    """Record the decision of `who`, apply it, and return its number.

    `one` and `other` name what is merged or split; for `confirm`, what is served as written (URI, image, name) and the
    version that it is; for `undo`, the number of the decision. Raises `QuestionError` for what cannot be decided.
    """
    if named not in set(Action):
        raise QuestionError(
            "there is no such decision", where=named, remedy=f"choose one of {', '.join(Action)}"
        )
    action = Action(named)
    said = plain_path(clip(who.strip(), 200)), plain_path(clip(why.strip(), 2_000))
    if not all(said):
        raise QuestionError(
            "a decision is recorded with the person and the reason", remedy="say --who NAME and --why TEXT"
        )
    database.check_writable()
    undoes = _undone(view, one) if action is Action.UNDO else None
    about: tuple[Name | str, Name | str] = (one.strip(), "")
    if undoes is None:
        about = _subjects(view, action, one, other)
    with import_lock(database.path), database.writing() as connection:
        number = _record(connection, said, action, about, undoes)
        resolve(connection)
    return number


def _record(
    connection: Connection,
    said: tuple[str, str],
    action: Action,
    about: tuple[Name | str, Name | str],
    undoes: int | None,
) -> int:
    # Two decisions of one microsecond would have no order when asked what was known then.
    latest = max((row["at"] for row in decided.every(connection)), default=0)
    at = max(clock.now(), latest + 1)
    number = decided.add(connection, at, *said, action, *about, undoes)
    binding.bind(connection, at)
    return number


def _subjects(view: View, action: Action, one: str, other: str) -> tuple[Name | str, Name]:
    if action is Action.CONFIRM:
        version = _named(view, other)
        if version[0] != Kind.MODEL_VERSION:
            raise QuestionError(
                f"that is a {version[0]}", where=other, remedy="name the model version that is served"
            )
        if not one.strip():
            raise QuestionError("nothing is named that is served", remedy="give the URI or image as recorded")
        return one.strip(), version
    first, second = _named(view, one), _named(view, other)
    if first == second:
        raise QuestionError(
            "both are the same name already", where=identifier(*first), remedy="name two different ones"
        )
    if first[0] != second[0]:
        raise QuestionError(
            f"a {first[0]} and a {second[0]} cannot be one thing",
            where=f"{one}, {other}",
            remedy="name two of one kind",
        )
    if first[0] not in _ABOUT:
        raise QuestionError(f"a {first[0]} is no matter of decision", where=one)
    return first, second


def _named(view: View, text: str) -> Name:
    found = decided.keys_called(view.connection, text.strip())
    if len(found) == 1:
        return found[0]
    if found:
        names = "  ".join(f"'{identifier(*name)}'" for name in found[:6])
        raise QuestionError("several things are called so", where=text, remedy=f"choose one of {names}")
    number = select_one(text, view.scope())
    thing = asking.things(view.connection, [number])[number]
    return thing.kind, thing.namespace, thing.name


def _undone(view: View, text: str) -> int:
    rows = {str(row["id"]): row for row in decided.every(view.connection)}
    row = rows.get(text.strip())
    if row is None or row["action"] == Action.UNDO:
        raise QuestionError("there is no such decision", where=text, remedy="see modeltrail identity list")
    if row["undone_by"] is not None:
        raise QuestionError(
            f"decision {row['id']} was taken back by {row['undone_by']} already",
            where=text,
            remedy="nothing to do",
        )
    return int(row["id"])
