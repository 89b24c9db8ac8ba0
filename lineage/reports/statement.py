"""On what ground does every report stand? Its header in a fixed order, and the completeness statement that rides along.

Header as audit-evidence A3 has it; no report without its completeness statement (R7).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lineage import __version__
from lineage.audit import completeness, findings
from lineage.audit.view import View
from lineage.model.answer import Item
from lineage.model.moment import to_iso
from lineage.reports.document import Column, Form, Report, Row, Section

_CHECK = (
    "Import the same files into a new workspace: modeltrail digest must say the same there as here.\n"
    "modeltrail report {} with the same parameters must write the same bytes (SHA-256 of each file).\n"
    "Every row names file, line and SHA-256 of the records it stands on: hash that line without its line break."
)
_SPANS = "Only what lies within these spans can show up in this report. Where nothing was observed, nothing is claimed."
_ACCOUNTED = (
    "Every record was accepted, a duplicate, filtered for the reason given, or rejected with a problem."
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same for every report of a kind.

    Attributes:
        kind, title: of the report; `template` counts up when columns or header change their meaning.
        logic: how the answer is made, in sentences; `absent`: the words for what is not evidenced.
    """

    kind: str
    title: str
    template: int
    logic: tuple[str, ...]
    absent: frozenset[str] = frozenset()


def framed(
    view: View,
    frame: Frame,
    tables: tuple[Section, ...],
    *,
    items: Sequence[Item],
    scope: str,
    population: str,
    since: int | None,
    until: int | None,
    workspace: dict[str, Any],
    more: Mapping[str, str] | None = None,
) -> Report:
    """Return a report with its header and what rides along; `more` are parameters that this kind alone has."""
    found = findings.findings(view)
    sections = (
        *tables,
        _findings_section(found.items),
        _observed_section(view),
        _imported_section(view),
    )
    parameters = {
        "kind": frame.kind,
        "template": frame.template,
        "from": None if since is None else to_iso(since),
        "to": None if until is None else to_iso(until),
        "as_of": None if view.as_of is None else to_iso(view.as_of),
        "known_at": None if view.known_at is None else to_iso(view.known_at),
        "version": __version__,
        "tree_size": workspace["tree_size"],
        "root": workspace["root"],
        **(more or {}),
    }
    report = Report(
        frame.kind, frame.title, (), sections, tuple(items), frame.logic, parameters, frame.absent
    )
    header = (
        ("Report id", f"sha256 {report.id}"),
        ("Kind", f"{frame.kind}, template {frame.template}"),
        ("Program", f"ModelTrail {__version__}"),
        ("Workspace", str(workspace["workspace"])),
        ("Evidence log", _log(workspace)),
        (
            "Period (UTC)",
            f"{_moment(since, 'the beginning')} up to {_moment(until, 'the end of what is known')} (excluded)",
        ),
        ("As it was on", _moment(view.as_of, "the present")),
        ("As we knew on", _moment(view.known_at, "all that is recorded")),
        ("Scope", scope),
        ("Population", population),
        ("Sources used", _sources(view)),
        ("Open findings", str(found.total)),
        ("Problems while reading", str(sum(entry["problems"] for entry in files(view)))),
        ("Signature", "unsigned"),
        (
            "To check",
            _CHECK.format(frame.kind),
        ),
    )
    return replace(report, header=header)


def _moment(time: int | None, otherwise: str) -> str:
    return otherwise if time is None else to_iso(time)


def _log(workspace: dict[str, Any]) -> str:
    if not workspace["tree_size"]:
        return "empty: nothing had been imported"
    checkpoint = _moment(workspace["checkpoint_at"], "an unknown time")
    return f"{workspace['tree_size']} records, Merkle root {workspace['root']}, checkpoint of {checkpoint}"


def files(view: View) -> list[Item]:
    """Return every file that was imported, with its counts."""
    return [entry for batch in completeness.imports(view).items for entry in batch["files"]]


def _sources(view: View) -> str:
    """Say which sources speak in the report: how many records, and from when to when where they say so."""
    records: Counter[str] = Counter()
    for entry in files(view):
        records[entry["source"] or "not recognised"] += entry["accepted"]
    spans: dict[str, list[str]] = {}
    for row in completeness.coverage_of(view):
        spans.setdefault(row["source"], []).extend(end[:10] for end in (row["from"], row["to"]) if end)
    said = []
    for name, count in sorted(records.items()):
        span = f", {min(spans[name])} to {max(spans[name])}" if spans.get(name) else ""
        said.append(f"{name}: {count} records{span}")
    return "\n".join(said) or "none"


def _findings_section(items: list[Item]) -> Section:
    columns = (
        Column("severity", "Severity"),
        Column("code", "Code"),
        Column("subject", "Subject", wide=True),
        Column("text", "What", wide=True),
    )
    rows = tuple(
        Row((item["severity"], item["code"], item["subject"], item["text"]), tuple(item["evidence"]))
        for item in items
    )
    return Section(
        "findings", "Open findings", columns, rows, empty="Nothing in the evidence contradicts itself."
    )


def _observed_section(view: View) -> Section:
    columns = (
        Column("source", "Source"),
        Column("scope", "Scope", wide=True),
        Column("what", "What"),
        Column("from", "From (UTC)", form=Form.TIME),
        Column("to", "To (UTC)", form=Form.TIME),
        Column("complete", "Complete listing"),
        Column("records", "Records", form=Form.NUMBER),
    )
    rows = tuple(
        Row(tuple("yes" if value is True else "no" if value is False else value for value in item.values()))
        for item in completeness.coverage_of(view)
    )
    return Section(
        "observed",
        "What was observed",
        columns,
        rows,
        note=_SPANS,
        empty="Nothing has been imported.",
    )


def _imported_section(view: View) -> Section:
    columns = (
        Column("file", "File", wide=True),
        Column("source", "Source"),
        Column("read", "Read", form=Form.NUMBER),
        Column("accepted", "Accepted", form=Form.NUMBER),
        Column("duplicate", "Duplicate", form=Form.NUMBER),
        Column("filtered", "Filtered", form=Form.NUMBER),
        Column("rejected", "Rejected", form=Form.NUMBER),
        Column("problems", "Problems", form=Form.NUMBER),
        Column("bytes", "Bytes", form=Form.NUMBER),
        Column("sha256", "SHA-256", wide=True, form=Form.CODE),
        Column("reasons", "Filtered because", wide=True),
    )
    rows = []
    for entry in files(view):
        reasons = ", ".join(f"{why}: {count}" for why, count in entry["reasons"].items())
        rows.append(
            Row(tuple(reasons if column.name == "reasons" else entry[column.name] for column in columns))
        )
    return Section(
        "imported",
        "What was imported",
        columns,
        tuple(rows),
        note=_control_total(view),
        empty="Nothing has been imported.",
    )


def _control_total(view: View) -> str:
    """Say that what was read is all accounted for, with the sums (R7)."""
    every = files(view)
    words = ("accepted", "duplicate", "filtered", "rejected")
    parts = [sum(entry[word] for entry in every) for word in words]
    read = sum(entry["read"] for entry in every)
    sums = " + ".join(f"{count} {word}" for count, word in zip(parts, words, strict=True))
    sign = "=" if read == sum(parts) else "IS NOT"
    return f"{_ACCOUNTED} {len(every)} files: {read} records read {sign} {sums}."
