"""Which columns does each table of the window have, and what do they say in words?"""

from __future__ import annotations

from collections.abc import Callable

from app.models import look
from app.models.answers import Column
from app.models.wording import (
    ACTIONS,
    KINDS,
    NO_MODEL,
    NO_PERSON,
    NO_SLA,
    NOTHING,
    STILL,
    Item,
    bounds,
    counted,
    model_of,
    number,
    objective,
    person,
    place_of,
    plain,
    size,
    sla_of,
    when,
    when_in_full,
)

SEVERITIES = {
    "error": ("circle-x", "bad"),
    "high": ("circle-x", "bad"),
    "warning": ("triangle-alert", "warn"),
    "warn": ("triangle-alert", "warn"),
    "medium": ("triangle-alert", "warn"),
    "low": ("info", ""),
}
CONFIDENCE = {"exact": 4, "strong": 3, "medium": 2, "weak": 1, "none": 0}


def time_column(key: str, title: str, *, shown: bool = True) -> Column:
    """Return a column for the time `key`: UTC in the cell, zone, age and bounds in the tooltip."""
    return Column(
        key,
        f"{title} (UTC)",
        text=lambda item: when(item.get(key)),
        sort=lambda item: bounds(item.get(key)),
        tip=lambda item: when_in_full(item.get(key), item.get(f"{key}_text")),
        tone=lambda item: "" if item.get(key) else "absent",
        width=19,
        shown=shown,
    )


def _action(item: Item) -> tuple[str, str, str]:
    word = str(item.get("action") or "")
    return ACTIONS.get(word, ("", plain(word), ""))


def _ended(item: Item) -> str:
    if item.get("ended_at"):
        return when(item["ended_at"])
    return "" if item.get("action") == "delete" else STILL


def _absent(text: Callable[[Item], str], words: str | tuple[str, ...]) -> Callable[[Item], str]:
    return lambda item: "absent" if text(item).startswith(words) else ""


def _chain(item: Item) -> str:
    lines = [f"as recorded: {plain(item.get('actor')) or 'nobody'}"]
    lines += [
        " · ".join(plain(part) for part in (hop.get("principal"), hop.get("rule")) if part)
        for hop in item.get("identity_chain") or []
    ]
    if item.get("effective_identity"):
        lines.append(f"ran under: {plain(item['effective_identity'])}")
    if not (item.get("deployed_by") or item.get("person")):
        lines.append("no record names a person for this; the program does not guess one")
    return "\n".join(lines)


def _link(item: Item) -> str:
    rule = plain(item.get("link_rule")) or "unresolved"
    confidence = plain(item.get("link_confidence"))
    return f"{rule} ({confidence})" if confidence else rule


def _flags(item: Item) -> str:
    return plain([str(flag).replace("-", " ").replace("_", " ") for flag in item.get("flags") or []])


def _shares(item: Item) -> str:
    parts = [
        {key: value for key, value in part.items() if value not in (None, "", []) and key != "evidence"}
        for part in item.get("models") or []
    ]
    return "\n".join(plain(part) for part in parts) or NO_MODEL


def _slas(item: Item) -> str:
    lines = []
    for part in item.get("sla") or []:
        line = f"{plain(part.get('name'))} {plain(part.get('version'))}: {plain(objective(part))}"
        start, end = when(part.get("effective_from")), when(part.get("effective_to"))
        line += f"\n  from {start or 'unknown'} to {end or 'open'}"
        line += f", ground: {plain(part.get('basis')) or 'not said'}"
        lines.append(line)
    return "\n".join(lines) or NO_SLA


def _count_of(key: str) -> Callable[[Item], str]:
    return lambda item: number(item.get(key))


def _counted(key: str, title: str, *, shown: bool = True) -> Column:
    return Column(
        key,
        title,
        text=_count_of(key),
        sort=lambda item: item.get(key) or 0,
        number=True,
        width=9,
        shown=shown,
    )


_TARGET = Column(
    "target", "Target", width=30, words=("endpoint",),
    tip=lambda item: "\n".join(
        plain(item.get(key)) for key in ("target", "cluster", "namespace", "endpoint") if item.get(key)
    ),
)  # fmt: skip
_MODEL = Column(
    "model",
    "Model",
    text=model_of,
    tip=_shares,
    tone=_absent(model_of, (NO_MODEL, NOTHING)),
    width=24,
    words=("version",),
)
_PERSON = Column(
    "deployed_by", "Deployed by", text=person, tip=_chain, tone=_absent(person, NO_PERSON), width=25,
    words=("person", "by", "who"),
)  # fmt: skip
ENDED = Column(
    "ended_at", "Ended (UTC)", text=_ended, width=19, sort=lambda item: bounds(item.get("ended_at")),
    tip=lambda item: when_in_full(item.get("ended_at"), item.get("ended_at_text")) or _ended(item),
    tone=lambda item: "" if item.get("ended_at") else "absent",
)  # fmt: skip
_LINK = Column(
    "link_rule", "Model known by", text=_link, width=24, words=("link", "rule", "confidence"),
    sort=lambda item: (-CONFIDENCE.get(str(item.get("link_confidence")), -1), str(item.get("link_rule"))),
    tip=lambda item: f"the rule that tied the workload to the model version: {_link(item)}",
    tone=lambda item: "warn" if item.get("link_confidence") in {"weak", "none", None} else "",
)  # fmt: skip
_SLA = Column(
    "sla", "SLA in force", text=sla_of, tip=_slas, tone=_absent(sla_of, NO_SLA), width=40, sentence=True
)

DEPLOYMENTS = (
    time_column("deployed_at", "Deployed"),
    Column(
        "action", "Action", text=lambda item: _action(item)[1], icon=lambda item: _action(item)[0],
        tip=lambda item: ": ".join(_action(item)[1:]), width=11,
    ),
    _TARGET,
    _MODEL,
    _PERSON,
    _SLA,
    ENDED,
    Column("environment", "Environment", width=13, words=("env",)),
    _LINK,
    Column(
        "flags", "Needs a look", text=_flags, width=22, words=("flag",), sentence=True,
        icon=lambda item: "flag" if item.get("flags") else "",
        tone=lambda item: "warn" if item.get("flags") else "",
    ),
    Column("platform", "Platform", width=11, shown=False),
    Column("cluster", "Cluster", width=14, shown=False),
    Column("namespace", "Namespace", width=14, shown=False, words=("ns",)),
    Column("endpoint", "Endpoint", width=20, shown=False),
    Column("outcome", "Outcome", width=9, shown=False),
    Column(
        "ended_by", "Ended by", width=30, shown=False,
        text=lambda item: plain(item.get("_ended_by") or item.get("ended_by")),
    ),
    Column("actor", "Principal as recorded", width=30, shown=False, mono=True, words=("principal",)),
    Column("actor_kind", "Kind of principal", width=14, shown=False),
    Column("on_behalf_of", "On behalf of", width=22, shown=False),
    Column("effective_identity", "Ran under", width=24, shown=False),
    Column("approved_by", "Approved by", width=22, shown=False, words=("approver",)),
    time_column("approved_at", "Approved", shown=False),
    Column("change_ref", "Change", width=14, shown=False, words=("ticket",)),
    Column("reason", "Reason", width=30, shown=False, sentence=True),
    Column(
        "replaces", "Replaces", width=30, shown=False,
        text=lambda item: plain(item.get("_replaces") or item.get("replaces")),
    ),
    Column("image_digest", "Image digest", width=22, shown=False, mono=True),
    Column("resources", "Resources", width=28, shown=False),
    Column("id", "Id", width=14, shown=False, mono=True),
)  # fmt: skip

LIVE = (
    _TARGET,
    Column("environment", "Environment", width=13, words=("env",)),
    _MODEL,
    time_column("since", "Since"),
    _PERSON,
    _SLA,
    Column("platform", "Platform", width=11),
    Column("uri", "Read from", width=30, shown=False, mono=True),
)


def kind_word(item: Item) -> str:
    """Return the kind of a thing in words."""
    kind = str(item.get("kind") or "")
    return KINDS.get(kind) or plain(kind)


def kind_icon(item: Item) -> str:
    """Return the icon of a thing's kind."""
    return look.kind_icon(str(item.get("kind") or ""))


def name_of(item: Item) -> str:
    """Return what a thing is called."""
    return plain(item.get("display") or item.get("name") or item.get("id"))


ENTITIES = (
    Column(
        "display", "Name", text=name_of, icon=kind_icon, width=25, words=("name",),
        tip=lambda item: "\n".join(plain(item.get(key)) for key in ("name", "namespace") if item.get(key)),
    ),
    Column("kind", "Kind", text=kind_word, width=13),
    Column("namespace", "Namespace", width=24, words=("ns",)),
    time_column("last_seen", "Last seen"),
    time_column("first_seen", "First seen", shown=False),
    time_column("ended", "Ended", shown=False),
    Column("aliases", "Also called", width=30, shown=False, words=("alias",)),
)  # fmt: skip


def _severity(item: Item) -> tuple[str, str]:
    return SEVERITIES.get(str(item.get("severity") or "").lower(), ("info", ""))


PROBLEMS = (
    Column(
        "file", "Where", text=place_of, icon=lambda _: "triangle-alert", width=40,
        sort=lambda item: (str(item.get("file")), item.get("line") or 0, item.get("offset") or 0),
    ),
    Column("reason", "What is wrong", width=46, sentence=True),
    Column("field", "Field", width=18),
    Column("value", "Value", width=24, mono=True),
    Column("code", "Code", width=16),
)  # fmt: skip

FINDINGS = (
    Column(
        "severity",
        "Severity",
        icon=lambda item: _severity(item)[0],
        tone=lambda item: _severity(item)[1],
        width=11,
    ),
    Column("text", "What was found", width=60, sentence=True),
    Column("subject", "About", width=34),
    Column("code", "Code", width=20),
    Column(
        "sides",
        "Sides",
        text=lambda item: counted(len(item.get("sides") or []), "side"),
        width=8,
        shown=False,
    ),
)

IMPORTS = (
    Column("file", "File", icon=lambda _: "file-text", width=40),
    Column("source", "Read as", width=16),
    _counted("read", "Records"),
    _counted("accepted", "Accepted"),
    _counted("duplicate", "Known before"),
    _counted("filtered", "Left out"),
    _counted("rejected", "Rejected"),
    _counted("problems", "Problems"),
    Column("bytes", "Size", text=lambda item: size(item.get("bytes")), sort=lambda item: item.get("bytes") or 0,
           number=True, width=9),
    Column("reasons", "Left out because", width=30, shown=False, sentence=True),
    time_column("imported_at", "Imported", shown=False),
    Column("sha256", "SHA-256", width=22, shown=False, mono=True),
)  # fmt: skip

COVERAGE = (
    Column("source", "Source", icon=lambda _: "radar", width=20),
    Column(
        "scope",
        "What was looked at",
        text=lambda item: plain(item.get("scope")) or "all that was imported of it",
        width=40,
        words=("listing",),
    ),
    Column("what", "Kinds", width=18),
    time_column("from", "From"),
    time_column("to", "To"),
    Column(
        "complete", "Complete", width=10,
        tone=lambda item: "" if item.get("complete") else "absent",
        tip=lambda item: "everything of that kind in that scope was shown" if item.get("complete")
        else "more may exist than was shown: none found does not mean none there",
    ),
)  # fmt: skip

RECOGNISED = (
    Column(
        "file", "File", width=46,
        icon=lambda item: "circle-check" if item.get("source") else "circle-help",
        tone=lambda item: "" if item.get("source") else "absent",
    ),
    Column(
        "source", "Recognised as", width=18, text=lambda item: plain(item.get("source")) or "not recognised",
        tone=lambda item: "" if item.get("source") else "absent",
    ),
    Column(
        "format", "Format", width=40, sentence=True,
        text=lambda item: plain(item.get("format") or item.get("note")) or "left out",
        tone=lambda item: "" if item.get("source") else "absent",
    ),
    Column(
        "confidence", "Certainty", number=True, width=9, sort=lambda item: item.get("confidence") or 0,
        text=lambda item: f"{item['confidence']:.0%}" if item.get("confidence") else "",
    ),
    Column("bytes", "Size", text=lambda item: size(item.get("bytes")), sort=lambda item: item.get("bytes") or 0,
           number=True, width=9),
)  # fmt: skip
