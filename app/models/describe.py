"""What is said of a deployment, a thing, an edge, an event, a problem or a finding, row by row?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.models.columns import kind_icon, kind_word
from app.models.facts import Row, line, spelled
from app.models.things import Subject, name_in
from app.models.wording import (
    ACTIONS,
    NO_MODEL,
    NO_PERSON,
    NO_SLA,
    NOTHING,
    STILL,
    Item,
    counted,
    objective,
    place_of,
    plain,
    when,
)

NEVER_SHOWN = {"evidence", "record", "_text"}
FIRST = ("version", "uri", "link_rule", "link_confidence", "run_id", "weight")
"""What is said of a served model before the rest."""
BASES = {
    "declared": "the source says so itself",
    "observed": "a run was seen doing it",
    "column-exact": "the source names the columns",
    "inferred-from-job-io": "inferred: the job reads the one and writes the other",
    "inferred-by-name": "inferred: the names agree",
    "manual": "a person decided so",
}
"""What each basis of an edge means (DESIGN 2.6)."""


def describe(subject: Subject) -> list[Row]:
    """Return the rows for what is known at once; what has to be asked for comes later from `around`."""
    kinds = {
        "deployment": _deployment,
        "live": _deployment,
        "entity": _entity,
        "edge": _edge,
        "event": _event,
        "problem": _problem,
        "finding": _finding,
    }
    return kinds.get(subject.kind, _anything)(subject.item)


def around(shown: Item) -> list[Row]:
    """Return the rows for the rest of what `Workspace.show` says of a thing: edges, history, events, checks."""
    own = str(shown.get("id"))
    names = {str(thing.get("id")): thing for thing in shown.get("neighbours") or []}
    rows = []
    upstream, downstream = Row("Comes from"), Row("Goes into")
    for edge in shown.get("edges") or []:
        inward = edge.get("to") == own
        other = str(edge.get("from") if inward else edge.get("to"))
        thing = names.get(other, {"id": other})
        row = Row(
            spelled(str(edge.get("type") or "")),
            f"{plain(thing.get('display')) or name_in(other)} · {spelled(str(edge.get('basis') or ''))}",
            other,
            f"{plain(thing.get('display')) or name_in(other)}\n{basis_words(edge)}",
            icon=kind_icon(thing) or kind_icon({"kind": other.partition("|")[0]}),
            evidence=edge.get("evidence") or (),
        )
        (upstream if inward else downstream).add(row)
    for top in (upstream, downstream):
        top.value = counted(len(top.rows), "edge") if top.rows else "nothing recorded"
        top.tone = "" if top.rows else "absent"
        rows.append(top)
    rows += _listed("History", shown.get("history"), _history, "attribute", "value")
    rows += _listed("Events", shown.get("events"), _happening, "event")
    rows += _listed("Checks", shown.get("checks"), _check, "check")
    return rows


def _listed(title: str, items: Any, make: Any, *_: str) -> list[Row]:
    if not items:
        return []
    top = Row(title, f"{len(items):,}")
    for item in items:
        top.add(make(item))
    return [top]


def _deployment(item: Item) -> list[Row]:
    evidence = item.get("evidence") or ()
    icon, word, meaning = ACTIONS.get(str(item.get("action") or ""), ("", plain(item.get("action")), ""))
    started = item.get("deployed_at") or item.get("since")
    rows = []
    if item.get("action"):
        rows.append(Row("Action", word, item.get("action"), meaning, icon=icon, evidence=evidence))
    rows.append(line("Deployed", started, evidence=evidence))
    if "ended_at" in item and item.get("action") != "delete":
        rows.append(line("Ended", item.get("ended_at"), absent=STILL))
    if item.get("ended_by"):
        rows.append(Row("Ended by", plain(item.get("_ended_by") or item["ended_by"]), item["ended_by"]))
    target = line("Target", item.get("target"), evidence=evidence)
    target.raw = item.get("target_id") or item.get("target")
    for key in ("environment", "platform", "cluster", "namespace", "endpoint"):
        if item.get(key):
            target.add(line(spelled(key), item[key]))
    rows += [target, _models(item, evidence), _person(item, evidence), _agreements(item)]
    for key, name in (
        ("on_behalf_of", "On behalf of"),
        ("approved_by", "Approved by"),
        ("approved_at", "Approved"),
        ("change_ref", "Change"),
        ("reason", "Reason"),
        ("replaces", "Replaces"),
        ("image_digest", "Image digest"),
        ("resources", "Resources"),
    ):
        if item.get(key) or key in {"approved_by", "reason"}:
            rows.append(line(name, item.get(f"_{key}") or item.get(key), evidence=evidence))
    flags = item.get("flags") or []
    if flags:
        rows.append(
            Row(
                "Needs a look", plain([spelled(str(flag)) for flag in flags]), flags, tone="warn", icon="flag"
            )
        )
    rows.append(line("Id", item.get("id")))
    return rows


def _models(item: Item, evidence: Sequence[Item]) -> Row:
    parts = item.get("models") or []
    nothing = item.get("action") == "delete"
    top = Row("Model", NOTHING if nothing else NO_MODEL, tone="absent", evidence=evidence)
    named = [part for part in parts if part.get("model")]
    if named or item.get("model"):
        first = named[0] if named else item
        version = first.get("version") or item.get("model_version") or ""
        top = Row(
            "Model",
            plain(f"{first.get('model')} {version}".strip()),
            first.get("model"),
            icon="box",
            evidence=evidence,
        )
    for part in parts:
        row = (
            top
            if len(parts) == 1
            else top.add(Row(plain(part.get("component")) or "part", plain(part.get("model"))))
        )
        for key in [*(key for key in FIRST if key in part), *(key for key in part if key not in FIRST)]:
            value = part[key]
            if key in NEVER_SHOWN or value in (None, "", [], {}):
                continue
            if key == "weight" and isinstance(value, (int, float)):
                row.add(Row("share of traffic", f"{value:.0%}", value))
            else:
                row.add(line(spelled(key), value))
    return top


def _person(item: Item, evidence: Sequence[Item]) -> Row:
    known = item.get("deployed_by")
    top = Row("Deployed by", plain(known) or NO_PERSON, known, tone="" if known else "absent", evidence=evidence,
              icon="user" if known else "circle-help")  # fmt: skip
    top.add(line("principal as recorded", item.get("actor")))
    if item.get("actor_kind"):
        top.add(line("kind of principal", item["actor_kind"]))
    for hop in item.get("identity_chain") or []:
        row = Row(plain(hop.get("rule")) or "hop", plain(hop.get("principal")), hop.get("principal"),
                  evidence=hop.get("evidence") or ())  # fmt: skip
        if hop.get("field"):
            row.add(line("field", hop["field"]))
        top.add(row)
    if item.get("effective_identity"):
        top.add(line("ran under", item["effective_identity"]))
    return top


def _agreements(item: Item) -> Row:
    parts = item.get("sla") or []
    top = Row("SLA in force", counted(len(parts), "objective") if parts else NO_SLA, tone="" if parts else "absent",
              icon="scale" if parts else "circle-help")  # fmt: skip
    for part in parts:
        row = top.add(Row(plain(part.get("name")) or "objective", plain(objective(part)), part.get("target"),
                          evidence=part.get("evidence") or ()))  # fmt: skip
        for key, value in part.items():
            if key not in NEVER_SHOWN and key != "name" and value not in (None, "", [], {}):
                row.add(line(spelled(key), value))
    return top


def _entity(item: Item) -> list[Row]:
    evidence = item.get("evidence") or ()
    rows = [
        Row("Kind", kind_word(item), item.get("kind"), icon=kind_icon(item), evidence=evidence),
        line("Name", item.get("name"), evidence=evidence),
        line("Namespace", item.get("namespace"), evidence=evidence),
        line("First seen", item.get("first_seen")),
        line("Last seen", item.get("last_seen")),
    ]
    if item.get("ended"):
        rows.append(line("Ended", item["ended"], evidence=evidence))
    aliases = item.get("aliases") or []
    if aliases:
        rows.append(line("Also called", aliases))
    attributes = item.get("attributes") or {}
    if attributes:
        top = Row("Attributes", f"{len(attributes):,}", evidence=evidence)
        for key, value in attributes.items():
            if value not in (None, "", [], {}):
                top.add(line(spelled(key), value))
        rows.append(top)
    return rows


def basis_words(edge: Item) -> str:
    """Return the basis of an edge and what it means."""
    basis = str(edge.get("basis") or "")
    return f"{spelled(basis)}: {BASES.get(basis, 'not said')}"


def _edge(item: Item) -> list[Row]:
    rows = [
        Row("From", plain(item.get("from_display")) or name_in(item.get("from")), item.get("from")),
        Row("To", plain(item.get("to_display")) or name_in(item.get("to")), item.get("to")),
    ]
    others = item.get("also") or []
    if not others:
        return [*rows, *_statement(item)]
    for number, edge in enumerate((item, *others), 1):
        top = Row(
            f"Statement {number}", spelled(str(edge.get("type") or "")), evidence=edge.get("evidence") or ()
        )
        for row in _statement(edge):
            top.add(row)
        rows.append(top)
    return rows


def _statement(item: Item) -> list[Row]:
    evidence = item.get("evidence") or ()
    confidence = item.get("confidence")
    sure = f"{confidence:.0%}" if isinstance(confidence, (int, float)) else plain(confidence)
    return [
        Row("Says", spelled(str(item.get("type") or "")), item.get("type"), evidence=evidence),
        Row("Because", basis_words(item), item.get("basis"), evidence=evidence),
        Row("Certainty", sure, confidence, evidence=evidence),
        Row("Rule", plain(item.get("rule")), item.get("rule"), evidence=evidence),
        line("Run", item.get("via_run"), absent="no run", evidence=evidence),
        line("Valid from", item.get("valid_from"), absent="not said", evidence=evidence),
        line("Valid to", item.get("valid_to"), absent="still so", evidence=evidence),
        Row("Evidence", counted(len(evidence), "record"), evidence=evidence),
    ]


def _event(item: Item) -> list[Row]:
    return [_happening(item), *_anything(item)]


def _happening(item: Item) -> Row:
    outcome = str(item.get("outcome") or "")
    words = [
        plain(item.get("type")),
        plain(item.get("person") or item.get("actor")),
        "" if outcome == "done" else outcome,
    ]
    return Row(
        when(item.get("at")) or "time not known", " · ".join(word for word in words if word), item.get("type"),
        tone="warn" if outcome in {"denied", "failed"} else "", evidence=item.get("evidence") or (),
    )  # fmt: skip


def _history(item: Item) -> Row:
    row = line(spelled(str(item.get("attribute") or "")), item.get("value"), evidence=item.get("evidence") or (),
               absent="said to be absent")  # fmt: skip
    row.add(line("from", item.get("from")))
    row.add(line("last said", item.get("to")))
    return row


def _check(item: Item) -> Row:
    success = item.get("success")
    verdict = plain(item.get("value")) if success is None else "passed" if success else "failed"
    row = Row(
        plain(item.get("metric")), f"{verdict} · {when(item.get('at'))}", item.get("metric"),
        tone="bad" if success is False else "",
        icon="" if success is None else "circle-check" if success else "circle-x",
        evidence=item.get("evidence") or (),
    )  # fmt: skip
    for key, value in (item.get("detail") or {}).items():
        row.add(line(spelled(key), value))
    return row


def _problem(item: Item) -> list[Row]:
    return [
        Row(
            "Where",
            place_of(item),
            item.get("file"),
            icon="triangle-alert",
            evidence=item.get("evidence") or (),
        ),
        line("What is wrong", item.get("reason")),
        line("Field", item.get("field")),
        line("Value", item.get("value")),
        line("Code", item.get("code")),
        Row("The rest of it", "nothing of the record was used" if item.get("rejected") else "was used"),
    ]


def _finding(item: Item) -> list[Row]:
    rows = [
        line("What was found", item.get("text")),
        line("Severity", item.get("severity")),
        line("About", item.get("subject")),
        line("Code", item.get("code")),
    ]
    for number, side in enumerate(item.get("sides") or [], 1):
        top = Row(f"Side {number}", plain(side.get("text") or side.get("value") or side.get("says") or ""),
                  evidence=side.get("evidence") or ())  # fmt: skip
        for key, value in side.items():
            if key not in NEVER_SHOWN and plain(value) != top.value:
                top.add(line(spelled(key), value))
        rows.append(top)
    return rows


def _anything(item: Item) -> list[Row]:
    return [
        line(spelled(key), value, evidence=item.get("evidence") or ())
        for key, value in item.items()
        if key not in NEVER_SHOWN
    ]
