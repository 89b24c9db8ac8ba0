"""What does a row of a list promise: which service, which metric, which value, from when to when?"""

from __future__ import annotations

from collections.abc import Iterator

from lineage.model.facts import Entity, Fact, Json, Key, Objective
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import Kind
from lineage.source import Origin, Problem
from lineage.sources._agreement import COMPARATORS, Amount, amount, direction, metric, number
from lineage.sources._agreement_times import times, window
from lineage.text import MalformedError, clip

_TITLE = "list of service levels"


def promise(said: dict[str, str], unit: str, origin: Origin) -> Iterator[Fact | Problem]:
    """Say what the cells of a row promise, by the names of the columns; `unit` is that of a target without one."""
    subject = said.get("service") or said.get("dataset", "")
    named = said.get("metric") or said.get("name", "")
    for column, text in (("service", subject), ("metric", named), ("target", said.get("target", ""))):
        if not text:
            yield Problem("missing-field", f"the row has no {column}", column)
            return
    unit = said.get("unit") or unit
    measured, percentile = metric(named)
    try:
        promised = amount(said["target"], unit, measured, origin.label("decimal"))
        comparator = _comparator(said, promised, measured)
        share = _percentile(said, percentile)
    except MalformedError as error:
        field = {"bad-percentile": "percentile", "unit-conflict": "unit"}.get(error.code, "target")
        field = "comparator" if "comparator" in error.code and said.get("comparator") else field
        yield Problem(error.code, error.reason, field, clip(said.get(field) or said["target"]))
        return
    problems: list[Problem] = []
    since, until = times(
        {"valid_from": said.get("since", ""), "valid_to": said.get("until", "")}, origin, problems.append
    )
    ground = "contract"
    if since is None:
        labels = {"effective_from": origin.label("effective_from"), "effective_to": ""}
        since = times(labels, origin, problems.append)[0] if not said.get("since") else None
        ground = "file" if since else "contract" if until else "import"
    span = window(said.get("window", ""))
    if said.get("window") and not span:
        reason = "this is no time window; write 28d, 1M or P28D"
        problems.append(Problem("bad-window", reason, "window", clip(said["window"]), fatal=False))
    datasets = (dataset_at(said["dataset"]),) if said.get("dataset") else ()
    version = said.get("version", "")
    title = said.get("document") or origin.label("document") or _TITLE
    key = Key(Kind.SLA, subject, said.get("name") or named)
    text = f"{subject}: {named} {comparator} {said['target']}{f' {unit}' if unit else ''}"
    attributes: dict[str, Json] = {
        "service": said.get("service", ""),
        "dataset": said.get("dataset", ""),
        "metric": measured,
        "percentile": share,
        "comparator": comparator,
        "target": promised.value,
        "unit": promised.unit,
        "version": version,
        "window": span,
        "owner": said.get("owner", ""),
        "document": title,
        "status": said.get("status", ""),
        "description": said.get("text", ""),
        "effective_from": said.get("since", ""),
        "effective_to": said.get("until", ""),
    }
    yield Entity(
        key, {name: value for name, value in attributes.items() if value not in ("", None)}, at=since
    )
    yield Objective(
        key,
        measured,
        comparator,
        promised.value,
        promised.unit,
        version=version,
        percentile=share,
        window=span,
        zone=said.get("zone", ""),
        subjects=(said["service"],) if said.get("service") else (),
        datasets=datasets,
        since=since,
        until=until,
        ground=ground,
        document=title + (f" version {version}" if version else ""),
        owner=said.get("owner", ""),
        text=text,
    )
    yield from problems


def _comparator(said: dict[str, str], promised: Amount, measured: str) -> str:
    """Return the comparator: the column, the sign at the value, or the way in which the metric gets better."""
    written = said.get("comparator", "")
    if written:
        found = COMPARATORS.get(written.strip().lower().replace("_", " "), "")
        if not found:
            raise MalformedError("bad-comparator", "this is no comparator; write >=, <=, > or <")
        return found
    found = promised.comparator or direction(measured)
    if not found:
        raise MalformedError(
            "missing-comparator",
            f"{clip(measured, 60)!r} does not tell whether more or less is better; add a column `comparator`",
        )
    return found


def _percentile(said: dict[str, str], percentile: float | None) -> float | None:
    written = said.get("percentile", "").lower().removeprefix("p").rstrip("% ")
    if not written:
        return percentile
    try:
        share = number(written, "," if "," in written else ".")
    except MalformedError as error:
        raise MalformedError("bad-percentile", error.reason) from None
    share = share / 100 if share >= 1 else share
    if not 0 < share < 1:
        raise MalformedError("bad-percentile", "a percentile lies between 0 and 100")
    return float(share)
