"""What does one type? The verbs of CONTRACT.md, each with an example in its help; the same verbs as the window's.

Exit status: 0 done; 1 done, but something needs a person; 2 wrong use or unreadable input, with one line on stderr that
says what, where, what to do. Answers go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lineage import __version__
from lineage.cliout import progress_on_stderr, write_answer
from lineage.errors import CancelledError, QuestionError, UserError

if TYPE_CHECKING:
    from lineage.model.answer import Answer
    from lineage.workspace import Workspace

Arguments = argparse.Namespace
_NO_WORKSPACE = frozenset({"sources", "self-test", "bench"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status; without a verb the window opens."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    if not given:
        return int(importlib.import_module("app.main").main([]))
    parsed = parser.parse_args(given)
    if not hasattr(parsed, "ask"):
        return int(importlib.import_module("app.main").main([parsed.workspace] if parsed.workspace else []))
    try:
        return _run(parsed)
    except UserError as error:
        print(f"modeltrail: {error}", file=sys.stderr)
        return 2
    except (CancelledError, KeyboardInterrupt):
        print("modeltrail: stopped; what was complete has been kept", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(parsed: Arguments) -> int:
    if parsed.verb in _NO_WORKSPACE:
        answer, status = parsed.ask(None, parsed)
    else:
        from lineage.workspace import Workspace

        path = parsed.workspace or os.environ.get("MODELTRAIL_WORKSPACE", "")
        if not path:
            raise QuestionError(
                "no workspace is named", remedy="give -w FILE.trail, or set MODELTRAIL_WORKSPACE"
            )
        if path.startswith(("postgresql", "postgres:")):
            raise QuestionError("team workspaces on PostgreSQL are not part of this version", where=path)
        with Workspace.open(Path(path), create=parsed.verb == "import") as workspace:
            answer, status = parsed.ask(workspace, parsed)
    chosen = parsed.format or ("table" if sys.stdout.isatty() else "json")
    write_answer(answer, chosen, sys.stdout)
    return int(status)


def _done(answer: Answer) -> tuple[Answer, int]:
    return answer, 0


def _import(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    labels = {}
    for label in given.label or ():
        name, equals, value = label.partition("=")
        if not equals or not name:
            raise QuestionError(
                "a label is written key=value", where=label, remedy="write --label cluster=prod-eu"
            )
        labels[name] = value
    with progress_on_stderr(given.progress) as progress:
        answer = workspace.import_(
            given.paths, source=given.source or "", labels=labels, dry_run=given.dry_run, progress=progress
        )
    troubled = any(item["rejected"] or item["problems"] for item in answer.items)
    return answer, int(troubled)


def _findings(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    answer = workspace.findings(known_at=given.known_at)
    return answer, int(bool(answer.items))


def _problems(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    answer = workspace.problems(limit=given.limit)
    return answer, int(bool(answer.total))


def _sources(workspace: None, given: Arguments) -> tuple[Answer, int]:
    del workspace, given
    from lineage.audit import formats

    return formats.known(), 0


def _report(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    from lineage.model.answer import Answer
    from lineage.reports import kinds

    if given.list or not given.kind:
        items = [
            {"kind": kind.name, "title": kind.title, "formats": list(kind.formats), "evidence": []}
            for kind in kinds()
        ]
        return Answer(items, len(items)), 0
    with progress_on_stderr(given.progress) as progress:
        answer = workspace.report(
            given.kind,
            given.output,
            formats=[name.strip() for name in given.formats.split(",") if name.strip()],
            since=given.since,
            until=given.until,
            as_of=given.as_of,
            known_at=given.known_at,
            progress=progress,
        )
    return answer, 0


def _rebuild(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    with progress_on_stderr(given.progress) as progress:
        return workspace.rebuild(progress=progress), 0


def _self_test(workspace: None, given: Arguments) -> tuple[Answer, int]:
    del workspace, given
    answer = importlib.import_module("lineage.selftest").self_test()
    return answer, int(not all(item["passed"] for item in answer.items))


def _bench(workspace: None, given: Arguments) -> tuple[Answer, int]:
    del workspace
    bench = importlib.import_module("lineage.bench")
    answer = bench.run(given.name, given.size) if given.name and not given.list else bench.available()
    return answer, int(any(item.get("met") is False for item in answer.items))


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    words: str,
    example: str,
    ask: Callable[..., tuple[Answer, int]],
) -> argparse.ArgumentParser:
    made = verbs.add_parser(
        name,
        help=words,
        description=words[0].upper() + words[1:] + ".",
        epilog=f"example:\n  modeltrail {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _common(made, argparse.SUPPRESS)
    made.set_defaults(ask=ask, verb=name)
    return made


def _common(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "-w", "--workspace", default=default, help="the workspace file (else $MODELTRAIL_WORKSPACE)"
    )
    parser.add_argument(
        "--format", choices=("table", "json", "csv"), default=default, help="how to write the answer"
    )
    parser.add_argument(
        "--progress", choices=("bar", "json", "none"), default=default, help="how to say how far it is"
    )


def _times(
    parser: argparse.ArgumentParser, *, as_of: bool = True, span: bool = False, limit: bool = True
) -> None:
    if as_of:
        parser.add_argument("--as-of", metavar="T", help="as it was then (valid time); now, when left out")
    else:
        parser.set_defaults(as_of=None)
    parser.add_argument("--known-at", metavar="T", help="as was known then (recorded time)")
    if span:
        parser.add_argument("--from", dest="since", metavar="T", help="from this time on")
        parser.add_argument("--to", dest="until", metavar="T", help="before this time")
    if limit:
        parser.add_argument(
            "--limit", type=int, metavar="N", help="at most N items; the total is always said"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="modeltrail",
        description="Lineage and audit of machine learning in production. Without a verb the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"modeltrail {__version__}")
    _common(parser, None)
    verbs = parser.add_subparsers(metavar="VERB", title="verbs")

    made = _verb(
        verbs,
        "import",
        "import files, folders and archives",
        "-w audit.trail import logs/ mlflow.db",
        _import,
    )
    made.add_argument("paths", nargs="+", metavar="PATH")
    made.add_argument("--source", metavar="NAME", help="read everything as this source")
    made.add_argument(
        "--label", action="append", metavar="K=V", help="say what a file does not: cluster=, timezone=, ..."
    )
    made.add_argument("--dry-run", action="store_true", help="read, report, keep nothing")

    _verb(verbs, "sources", "list the formats that can be read", "sources", _sources)
    _verb(verbs, "imports", "list what was imported", "imports", lambda ws, _: _done(ws.imports()))
    made = _verb(verbs, "problems", "list what could not be read, with its place", "problems", _problems)
    made.add_argument("--limit", type=int, metavar="N")
    _verb(
        verbs,
        "coverage",
        "say what was observed per source and span",
        "coverage",
        lambda ws, _: _done(ws.coverage()),
    )

    made = _verb(
        verbs,
        "entities",
        "list things",
        "entities kind:model-version",
        lambda ws, given: _done(
            ws.entities(given.selector, as_of=given.as_of, known_at=given.known_at, limit=given.limit)
        ),
    )
    made.add_argument("selector", nargs="?", default="", metavar="SELECTOR")
    _times(made)
    made = _verb(
        verbs,
        "show",
        "say everything about one thing",
        "show features/customer_daily",
        lambda ws, given: _done(ws.show(given.selector, as_of=given.as_of, known_at=given.known_at)),
    )
    made.add_argument("selector", metavar="SELECTOR")
    _times(made, limit=False)
    made = _verb(
        verbs,
        "trace",
        "follow lineage up and down",
        "trace 'churn 12' --up 4 --as-of 2026-06-01",
        lambda ws, given: _done(
            ws.trace(
                given.selector,
                up=None if given.all else given.up,
                down=None if given.all else given.down,
                as_of=given.as_of,
                known_at=given.known_at,
                ever=given.ever,
            )
        ),
    )
    made.add_argument("selector", metavar="SELECTOR")
    made.add_argument(
        "--up", type=int, metavar="N", help="N hops upstream, nothing downstream unless asked for"
    )
    made.add_argument("--down", type=int, metavar="N", help="N hops downstream")
    made.add_argument("--all", action="store_true", help="all the way both ways (the default)")
    made.add_argument("--ever", action="store_true", help="also edges that have ended")
    _times(made, limit=False)
    made = _verb(
        verbs,
        "paths",
        "count the paths between two things",
        "paths raw/orders prod-eu/fraud/scorer --limit 5",
        lambda ws, given: _done(
            ws.paths(
                given.begin,
                given.end,
                given.limit or 10,
                as_of=given.as_of,
                known_at=given.known_at,
                ever=given.ever,
            )
        ),
    )
    made.add_argument("begin", metavar="FROM")
    made.add_argument("end", metavar="TO")
    made.add_argument("--ever", action="store_true", help="also edges that have ended")
    _times(made)

    made = _verb(
        verbs,
        "deployments",
        "the register: who deployed what, where, when, under which SLA",
        "deployments env:prod-eu --from 2026-01-01 --to 2026-07-01 --format csv",
        lambda ws, given: _done(
            ws.deployments(
                given.selector,
                given.since,
                given.until,
                as_of=given.as_of,
                known_at=given.known_at,
                limit=given.limit,
            )
        ),
    )
    made.add_argument("selector", nargs="?", default="", metavar="SELECTOR")
    _times(made, span=True)
    made = _verb(
        verbs,
        "live",
        "what was serving at a time",
        "live --as-of 2026-06-01T12:00:00Z",
        lambda ws, given: _done(ws.live(given.selector, as_of=given.as_of, known_at=given.known_at)),
    )
    made.add_argument("selector", nargs="?", default="", metavar="SELECTOR")
    _times(made, limit=False)
    made = _verb(
        verbs,
        "events",
        "every happening, denied and failed attempts too",
        "events prod-eu/fraud/scorer --from 2026-06-01",
        lambda ws, given: _done(
            ws.events(given.selector, given.since, given.until, known_at=given.known_at, limit=given.limit)
        ),
    )
    made.add_argument("selector", nargs="?", default="", metavar="SELECTOR")
    _times(made, as_of=False, span=True)
    made = _verb(
        verbs,
        "runs",
        "job and training runs",
        "runs features/customer_daily --limit 20",
        lambda ws, given: _done(
            ws.runs(given.selector, given.since, given.until, known_at=given.known_at, limit=given.limit)
        ),
    )
    made.add_argument("selector", nargs="?", default="", metavar="SELECTOR")
    _times(made, as_of=False, span=True)
    made = _verb(
        verbs,
        "sla",
        "SLA versions, what they bind, since when and on what ground",
        "sla prod-eu/fraud/scorer --as-of 2026-06-01",
        lambda ws, given: _done(ws.sla(given.selector, as_of=given.as_of, known_at=given.known_at)),
    )
    made.add_argument("selector", nargs="?", default="", metavar="SELECTOR")
    _times(made, limit=False)
    made = _verb(verbs, "findings", "what needs a person", "findings", _findings)
    _times(made, as_of=False, limit=False)

    made = _verb(
        verbs, "report", "write a report", "report deployments -o out --formats html,xlsx,csv,json", _report
    )
    made.add_argument("kind", nargs="?", default="", metavar="KIND")
    made.add_argument("-o", "--output", default=".", metavar="DIR", help="the folder to write into")
    made.add_argument(
        "--formats", default="", metavar="LIST", help="which of the kind's formats, with commas; else all"
    )
    made.add_argument("--list", action="store_true", help="list the kinds of report")
    _times(made, span=True, limit=False)

    made = _verb(
        verbs,
        "digest",
        "SHA-256 of everything derived",
        "digest",
        lambda ws, given: _done(ws.digest(known_at=given.known_at)),
    )
    made.add_argument("--known-at", metavar="T")
    _verb(
        verbs,
        "rebuild",
        "throw away everything derived and make it again from the facts",
        "rebuild",
        _rebuild,
    )
    _verb(verbs, "self-test", "the installed product checks itself", "self-test", _self_test)
    made = _verb(verbs, "bench", "compare ourselves with a yardstick in one run", "bench ingest", _bench)
    made.add_argument("name", nargs="?", default="", metavar="NAME")
    made.add_argument("--size", type=int, default=0, metavar="N", help="how large (each bench says of what)")
    made.add_argument("--list", action="store_true", help="list the benchmarks")
    return parser
