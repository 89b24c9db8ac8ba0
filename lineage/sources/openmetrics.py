"""Which values does a text exposition give, and at which time?

OpenMetrics 1.0 and Prometheus' text format 0.0.4, as scraped to a file or written by `promtool tsdb
dump-openmetrics`. The first writes times in seconds and ends in `# EOF`, the second in milliseconds; read the other
way round either would lie before 1974 or after the year 5000, so each time is told by its size. A sample without a time
is read only where the label `observed_at` says when the file was taken: a file's own date proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lineage import framing
from lineage.model.facts import Fact
from lineage.model.moment import from_milliseconds, from_seconds, parse
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._samples import Samples, facts, is_counter, kept_or_lost, monitor, unit_of
from lineage.text import MalformedError, clip, decode

NAME = "openmetrics"
FORMAT = "OpenMetrics 1.0 and Prometheus text exposition (a scrape, promtool dump); times in it or by label"
PROVES = ("what", "when", "sla")

_META = re.compile(r"#[ \t]+(HELP|TYPE|UNIT)[ \t]+(\"(?:[^\"\\]|\\.)*\"|\S+)(?:[ \t]+(.*))?")
_NAME = re.compile(r"[ \t]*([A-Za-z_:][A-Za-z0-9_:]*)?[ \t]*")
_LABEL = re.compile(
    r'[ \t]*(?:([A-Za-z_][A-Za-z0-9_.]*|"(?:[^"\\]|\\.)*")[ \t]*=[ \t]*)?"((?:[^"\\]|\\.)*)"[ \t]*(,|(?=\}))'
)
_REST = re.compile(r"[ \t]*([^\s#]+)(?:[ \t]+([^\s#]+))?[ \t]*(?:#.*)?")
_ESCAPE = re.compile(r"\\(.)")
_SUFFIX = re.compile(r"_(?:total|created|bucket|count|sum|info|gsum|gcount)$")
_COUNTERS = frozenset({"counter", "histogram", "summary"})
_MOST = 20_000
_MILLISECONDS = 1e11
"""Above it a time is in milliseconds: as seconds it would lie after the year 5000."""


class _Family(NamedTuple):
    """What the lines before the samples say of a metric."""

    name: str = ""
    type: str = ""
    unit: str = ""
    help: str = ""


class _Block(NamedTuple):
    """What the splitter knows of a block: what the lines above it say of its metric."""

    family: _Family


class _Read(NamedTuple):
    metric: str
    labels: dict[str, str]
    value: float
    time: str


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is an exposition: its own comments, or nothing but samples."""
    if sample.listing:
        return 0.0
    lines = [line for line in sample.text.splitlines()[:60] if line.strip()]
    if not sample.whole and len(lines) > 1:
        lines.pop()
    if not lines or (lines[0].lstrip()[:1] in {"{", "[", "<"} and not _is_sample(lines[0])):
        return 0.0
    samples = [line for line in lines if not line.startswith("#")]
    typed = any(found and found[1] == "TYPE" for found in map(_META.fullmatch, lines))
    right = sum(map(_is_sample, samples))
    if typed or lines[-1].strip() == "# EOF":
        return 0.95 if right * 2 >= len(samples) else 0.0
    return 0.6 if samples and right == len(samples) and any("{" in line for line in samples) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into metric families: what is said of one, with its samples, at most 20,000 lines of it in a record."""
    del origin
    document = framing.whole(given)
    if isinstance(document, Problem):
        yield document
        return
    held: list[Record] = []
    family = _Family()
    known: dict[str, _Family] = {}
    start = _Family()
    ended = False
    timed = False
    for line in framing.lines(given):
        if isinstance(line, Problem):
            yield line
            continue
        text = _text(line.raw)
        if ended:
            reason = "text after `# EOF` belongs to no exposition"
            yield Problem("after-eof", reason, value=clip(text), offset=line.offset, line=line.line)
            return
        ended = text.strip() == "# EOF"
        name = _family_of(text, known)
        if held and (ended or len(held) >= _MOST or (name and family.name and name != family.name)):
            yield _joined(document.raw, held, start)
            held = []
        if ended:
            continue
        if not held:
            start = known.get(name, _Family(name)) if name else family
        if name:
            family = known[name] = _told(text, known.get(name, _Family(name)))
        timed = timed or bool(re.search(r"\s\d{9,10}(?:\.\d+)?\s*$", text))
        held.append(line)
    if held and not ended and b"\n" not in document.raw[-2:]:
        cut = held.pop()
        reason = "the last line has no end: it may have been cut off within its value or time"
        yield Problem("cut-record", reason, value=clip(_text(cut.raw)), offset=cut.offset, line=cut.line)
    if held:
        yield _joined(document.raw, held, start)
    if timed and not ended:
        last = held[-1].line if held else 1
        reason = "times in seconds, but no `# EOF` at the end: the file may have been cut off"
        yield Problem("no-eof", reason, line=last, fatal=False)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what the samples of one block measured."""
    family = record.parsed.family if isinstance(record.parsed, _Block) else _Family()
    try:
        lines = decode(record.raw).splitlines()
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    assumed, problem = _observed(origin)
    if problem is not None:
        yield problem
        return
    found: dict[tuple[str, str], tuple[_Read, Samples]] = {}
    lost = Samples()
    read_ = 0
    for number, line in enumerate(lines):
        text = line.strip()
        if not text or text == "# EOF":
            continue
        if text.startswith("#"):
            family = _told(text, family)
            continue
        read_ += 1
        where = f"line {record.line + number}" if record.line else "sample"
        sample = _sample(text)
        if sample is None:
            lost.refuse("bad-sample", "this is no sample: name{labels} value time", where, text)
            continue
        if _is_created(sample.metric, family):
            continue
        time = _time(sample.time, assumed)
        if time is None:
            said = sample.time or text
            code, reason = (
                ("bad-time", "this is no time in seconds or milliseconds")
                if sample.time
                else (
                    "missing-time",
                    "the sample has no time; import with `--label observed_at=TIME` of the scrape",
                )
            )
            lost.refuse(code, reason, where, said)
            continue
        key = (sample.metric, repr(sorted(sample.labels.items())))
        found.setdefault(key, (sample, Samples()))[1].add(time, sample.value)
    if not read_:
        yield Filtered("no-samples")
        return
    said_: list[Fact | Problem] = []
    for sample, samples in found.values():
        said_.extend(_said(sample, samples, family, origin, assumed=assumed is not None and not sample.time))
    yield from kept_or_lost([*said_, *lost.problems()])


def _text(raw: bytes) -> str:
    try:
        return decode(raw)
    except MalformedError:
        return raw.decode("utf-8", "replace")


def _joined(raw: bytes, held: Sequence[Record], family: _Family) -> Record:
    """Return consecutive lines as one record, with the very bytes between them."""
    first, last = held[0], held[-1]
    body = raw[first.offset : last.offset + len(last.raw)]
    return Record(body, first.offset, first.line, parsed=_Block(family))


def _family_of(text: str, known: dict[str, _Family]) -> str:
    """Return the metric family that a line belongs to, empty for a comment."""
    meta = _META.fullmatch(text.strip())
    if meta is not None:
        return _unquoted(meta[2])
    if text.lstrip().startswith("#"):
        return ""
    sample = _sample(text.strip())
    if sample is None:
        return ""
    return sample.metric if sample.metric in known else _SUFFIX.sub("", sample.metric)


def _told(text: str, family: _Family) -> _Family:
    meta = _META.fullmatch(text.strip())
    if meta is None:
        return family
    if _unquoted(meta[2]) != family.name:
        family = _Family(_unquoted(meta[2]))
    said = meta[3] or ""
    if meta[1] == "TYPE":
        return family._replace(type=said.strip().lower())
    return family._replace(unit=said.strip()) if meta[1] == "UNIT" else family._replace(help=said)


def _is_sample(line: str) -> bool:
    return _sample(line.strip()) is not None


def _sample(text: str) -> _Read | None:
    """Return what one line says, None when it is no sample; exemplars are left out."""
    start = _NAME.match(text)
    metric = (start[1] or "") if start else ""
    position = start.end() if start else 0
    labels: dict[str, str] = {}
    if text[position : position + 1] == "{":
        position += 1
        while not re.match(r"[ \t]*\}", text[position:]):
            part = _LABEL.match(text, position)
            if part is None:
                return None
            if part[1] is None:
                # Prometheus 3: a name with letters that PromQL does not allow stands in quotes within the braces.
                if metric:
                    return None
                metric = _unescaped(part[2])
            elif _unquoted(part[1]) in labels:
                return None
            else:
                labels[_unquoted(part[1])] = _unescaped(part[2])
            position = part.end()
        position = text.index("}", position) + 1
    rest = _REST.fullmatch(text, position)
    if rest is None or not metric:
        return None
    try:
        value = float(rest[1])
    except ValueError:
        return None
    return _Read(metric, {name: said for name, said in labels.items() if said}, value, rest[2] or "")


def _unquoted(text: str) -> str:
    return _unescaped(text[1:-1]) if text[:1] == '"' and len(text) > 1 else text


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)


def _time(text: str, assumed: int | None) -> int | None:
    if not text:
        return assumed
    try:
        said = float(text)
        return (from_milliseconds(said) if abs(said) >= _MILLISECONDS else from_seconds(said)).lo
    except (ValueError, OverflowError):
        return None


def _observed(origin: Origin) -> tuple[int | None, Problem | None]:
    """Return the time that the label `observed_at` gives to samples without one."""
    said = origin.label("observed_at")
    if not said:
        return None, None
    try:
        moment = parse(said, origin.label("timezone"))
    except (ValueError, OverflowError) as error:
        return None, Problem("bad-time", f"the label is no time: {error}", "observed_at", clip(said))
    if not moment.exact:
        reason = "the label lies in the hour of a clock change; write it with its offset"
        return None, Problem("ambiguous-time", reason, "observed_at", clip(said))
    return moment.lo, None


def _is_created(metric: str, family: _Family) -> bool:
    """Tell whether a sample only says since when a total is counted (OpenMetrics 1.0, `_created`)."""
    return metric.endswith("_created") and family.type in _COUNTERS and metric != family.name


def _said(
    sample: _Read, samples: Samples, family: _Family, origin: Origin, *, assumed: bool
) -> Iterator[Fact | Problem]:
    metric, labels = sample.metric, sample.labels
    of = family.name and (metric == family.name or _SUFFIX.sub("", metric) == family.name)
    unit = unit_of(metric)
    if of and family.unit and not metric.endswith(("_count", "_bucket")):
        unit = "s" if family.unit == "seconds" else family.unit
    quantile = "quantile" in labels
    typed = bool(of) and family.type in _COUNTERS and not quantile
    known = bool(of) and family.type not in ("", "unknown", "untyped")
    yield from facts(
        monitor(origin, "prometheus", metric, labels),
        metric,
        samples,
        labels,
        unit=unit,
        counter=typed if known else is_counter(metric, labels),
        detail={"time": "label observed_at"} if assumed else {},
        said={"help": family.help if of else "", "type": family.type if of else ""},
    )
