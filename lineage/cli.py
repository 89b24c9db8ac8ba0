"""What does one type? The verbs of CONTRACT.md, the same as the window's.

Exit status: 0 done; 1 done, but something needs a person; 2 wrong use or unreadable input, with one line on stderr that
says what, where, what to do. Answers go to stdout, progress to stderr.
"""

from __future__ import annotations

import importlib
import os
import sys
from argparse import Namespace as Arguments
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage import cliproofs
from lineage.cliargs import parser
from lineage.cliout import progress_on_stderr, write_answer
from lineage.errors import CancelledError, QuestionError, UserError
from lineage.text import display_text

if TYPE_CHECKING:
    from lineage.model.answer import Answer
    from lineage.workspace import Workspace

_BRINGS = frozenset({"import", "fetch", "listen"})
_NO_WORKSPACE = frozenset({"sources", "self-test", "bench"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status; without a verb the window opens."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = parser().parse_args(given)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 2
    try:
        if parsed.verb is None:
            return int(
                importlib.import_module("app.main").main([parsed.workspace] if parsed.workspace else [])
            )
        return _run(parsed)
    except UserError as error:
        print(f"modeltrail: {display_text(str(error), 4000)}", file=sys.stderr)
        return 2
    except (CancelledError, KeyboardInterrupt):
        print("modeltrail: stopped; what was complete has been kept", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has seen enough; what Python writes when it leaves must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(parsed: Arguments) -> int:
    ask = _ASK[parsed.verb]
    asks_none = (parsed.verb == "report" and (parsed.list or not parsed.kind)) or (
        parsed.verb == "verify" and parsed.file
    )
    if parsed.verb in _NO_WORKSPACE or asks_none:
        answer, status = ask(None, parsed)
    else:
        from lineage.workspace import Workspace

        path = parsed.workspace or os.environ.get("MODELTRAIL_WORKSPACE", "")
        if not path:
            raise QuestionError(
                "no workspace is named", remedy="give -w FILE.trail, or set MODELTRAIL_WORKSPACE"
            )
        if path.startswith(("postgresql", "postgres:")):
            raise QuestionError("team workspaces on PostgreSQL are not part of this version", where=path)
        with Workspace.open(Path(path), create=parsed.verb in _BRINGS) as workspace:
            answer, status = ask(workspace, parsed)
    chosen = parsed.format or ("table" if sys.stdout.isatty() else "json")
    write_answer(answer, chosen, sys.stdout, parsed.verb)
    return int(status)


def _import(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    labels = _labels(given)
    with progress_on_stderr(given.progress) as progress:
        answer = workspace.import_(
            given.paths, source=given.source or "", labels=labels, dry_run=given.dry_run, progress=progress
        )
    troubled = any(item["rejected"] or item["problems"] for item in answer.items)
    return answer, int(troubled)


def _labels(given: Arguments) -> dict[str, str]:
    labels = {}
    for label in given.label or ():
        name, equals, value = label.partition("=")
        if not equals or not name:
            raise QuestionError(
                "a label is written key=value", where=label, remedy="write --label cluster=prod-eu"
            )
        labels[name] = value
    return labels


def _fetch(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    from lineage.clilive import fetched

    return fetched(workspace, given, _labels(given))


def _listen(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    from lineage.clilive import listened

    return listened(workspace, given)


def _findings(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    answer = workspace.findings(known_at=given.known_at, limit=given.limit)
    return answer, int(bool(answer.total))


def _problems(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    answer = workspace.problems(limit=given.limit)
    return answer, int(bool(answer.total))


def _sources(workspace: None, given: Arguments) -> tuple[Answer, int]:
    del workspace, given
    from lineage.audit import formats

    return formats.known(), 0


def _report(workspace: Workspace | None, given: Arguments) -> tuple[Answer, int]:
    from lineage.model.answer import Answer

    if workspace is None:
        from lineage.reports import kinds

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
            seed=given.seed,
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


def _asked(verb: str, *words: str) -> Callable[[Workspace, Arguments], tuple[Answer, int]]:
    """Return what asks the workspace's method of that name with the options of that name."""

    def ask(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
        options = {word: getattr(given, word) for word in words}
        return getattr(workspace, verb)(**options), 0

    return ask


def _trace(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    answer = workspace.trace(
        given.selector,
        up=None if given.all else given.up,
        down=None if given.all else given.down,
        as_of=given.as_of,
        known_at=given.known_at,
        ever=given.ever,
    )
    return answer, 0


def _paths(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    limit = 10 if given.limit is None else given.limit
    answer = workspace.paths(
        given.begin, given.end, limit, as_of=given.as_of, known_at=given.known_at, ever=given.ever
    )
    return answer, 0


_WHEN = ("as_of", "known_at")
_ASK: dict[str, Callable[[Any, Arguments], tuple[Answer, int]]] = {
    "import": _import,
    "fetch": _fetch,
    "listen": _listen,
    "sources": _sources,
    "imports": _asked("imports"),
    "problems": _problems,
    "coverage": _asked("coverage", "known_at"),
    "entities": _asked("entities", "selector", *_WHEN, "limit"),
    "show": _asked("show", "selector", *_WHEN),
    "trace": _trace,
    "paths": _paths,
    "deployments": _asked("deployments", "selector", "since", "until", *_WHEN, "limit"),
    "live": _asked("live", "selector", *_WHEN, "limit"),
    "events": _asked("events", "selector", "since", "until", *_WHEN, "limit"),
    "runs": _asked("runs", "selector", "since", "until", *_WHEN, "limit"),
    "sla": _asked("sla", "selector", "since", "until", *_WHEN, "limit"),
    "access": _asked("access", "selector", "since", "until", *_WHEN, "limit"),
    "incidents": _asked("incidents", "selector", "since", "until", *_WHEN, "limit"),
    "checks": _asked("checks", "selector", "since", "until", *_WHEN, "limit"),
    "compare": _asked("compare", "as_of", "with_", "known_at", "known_with", "limit"),
    "exposure": _asked("exposure", "selector", "since", "until", "version", "known_at", "limit"),
    "suspects": _asked("suspects", "selector", "at", "window", "known_at", "limit"),
    "findings": _findings,
    "report": _report,
    "identity": _asked("identity", "action", "one", "other", "who", "why", "known_at", "limit"),
    "digest": _asked("digest", "known_at"),
    "rebuild": _rebuild,
    "self-test": _self_test,
    "bench": _bench,
    **cliproofs.ASK,
}
