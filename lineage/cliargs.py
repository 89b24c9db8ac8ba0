"""Which words may be typed after `modeltrail`? The verbs of CONTRACT.md with their options, each with an example."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from lineage import __version__, cliproofs
from lineage.text import display_text

_INVALID_VERB = re.compile(r"argument VERB: invalid choice: '(.*?)' \(choose from (.*)\)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the words in one line, as every other error is said."""

    def error(self, message: str) -> NoReturn:
        """Say it and leave with exit status 2."""
        remedy = f"{self.prog} --help shows an example"
        found = _INVALID_VERB.fullmatch(message)
        if found:
            verbs = re.findall(r"[\w-]+", found[2])
            alike = get_close_matches(found[1], verbs, 2)
            message = f"there is no such verb: {found[1]}"
            remedy = f"did you mean {' or '.join(alike)}" if alike else f"choose one of {', '.join(verbs)}"
        elif "expected one argument" in message or "unrecognized arguments: -" in message:
            remedy += "; a selector that begins with a dash comes after --"
        self.exit(2, f"modeltrail: {display_text(message, 2000)}. To go on: {remedy}.\n")


def _counted(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _common(
    parser: argparse.ArgumentParser,
    default: str | None,
    formats: Sequence[str] = ("table", "json", "csv"),
) -> None:
    parser.add_argument(
        "-w",
        "--workspace",
        default=default,
        metavar="FILE",
        help="the workspace (else $MODELTRAIL_WORKSPACE)",
    )
    parser.add_argument(
        "--format",
        choices=formats,
        default=default,
        help="how to write the answer: table on a terminal, else json"
        if "json" in formats
        else "of the file",
    )
    parser.add_argument(
        "--progress",
        choices=("bar", "json", "none"),
        default=default,
        help="how to say on stderr how far it is: bar on a terminal, else none",
    )


class _Verbs:
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._made = parser.add_subparsers(
            metavar="VERB", title="verbs", parser_class=Parser, description="modeltrail VERB --help says more"
        )

    def add(
        self,
        name: str,
        words: str,
        example: str,
        *positional: str,
        options: Sequence[str] = (),
        formats: Sequence[str] = ("table", "json", "csv"),
    ) -> argparse.ArgumentParser:
        made = self._made.add_parser(
            name,
            help=words,
            description=words[0].upper() + words[1:] + ".",
            epilog=f"example:\n  modeltrail {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made.set_defaults(verb=name, as_of=None, known_at=None, since=None, until=None, limit=None)
        for word in positional:
            if word == "[SELECTOR]":
                made.add_argument("selector", nargs="?", default="", metavar="SELECTOR", help=_SELECTOR)
            elif word == "SELECTOR":
                made.add_argument("selector", metavar="SELECTOR", help=_SELECTOR)
        for option in options:
            for word, into, meaning in _WORDS.get(option, ()):
                made.add_argument(word, dest=into, metavar="T", help=meaning)
        if "limit" in options:
            made.add_argument(
                "--limit", type=_counted, metavar="N", help="at most N items; the total is always said"
            )
        _common(made, argparse.SUPPRESS, formats)
        return made


_SELECTOR = "name, kind:model, env:prod-eu, +x, x+2, x..y, 'a, b', 'a & b', a -b; all when left out"
_PLACE = "where the token lies: env:NAME, file:PATH, or keyring"
_WORDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "as-of": (("--as-of", "as_of", "as it was then (valid time); now, when left out"),),
    "known-at": (("--known-at", "known_at", "as was known then (recorded time)"),),
    "span": (("--from", "since", "from this time on"), ("--to", "until", "before this time")),
}
_WHEN = ("as-of", "known-at")


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = Parser(
        prog="modeltrail",
        description="Lineage and audit of machine learning in production. Without a verb the window opens.",
        epilog="example:\n  modeltrail -w audit.trail deployments env:prod-eu --as-of 2026-06-01",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"modeltrail {__version__}")
    made.set_defaults(verb=None)
    _common(made, None)
    verbs = _Verbs(made)
    _of_input(verbs)
    _of_things(verbs)
    _of_happenings(verbs)
    _of_upkeep(verbs)
    return made


def _of_input(verbs: _Verbs) -> None:
    made = verbs.add(
        "import",
        "import files, folders and archives",
        "-w audit.trail import logs/ mlflow.db --label cluster=prod-eu",
    )
    made.add_argument("paths", nargs="+", metavar="PATH")
    made.add_argument("--source", metavar="NAME", help="read everything as this source")
    made.add_argument(
        "--label",
        action="append",
        metavar="K=V",
        help="say what a file does not: cluster=prod-eu, account=..., timezone=Europe/Berlin, dates=dmy,"
        " namespace=... (OpenLineage's, of Airflow or Spark), project=..., root=... (of Kedro)",
    )
    made.add_argument("--dry-run", action="store_true", help="read, report, keep nothing")
    made = verbs.add(
        "fetch",
        "ask MLflow, Prometheus or Marquez for what they show, and import the answers",
        "-w audit.trail fetch https://prometheus.example --source prometheus --query up --token-from env:TOKEN",
        options=("span",),
    )
    made.add_argument("address", metavar="URL", help="https://host[:port][/prefix]")
    made.add_argument("--source", required=True, choices=("mlflow-rest", "prometheus", "marquez"))
    made.add_argument("--token-from", default="", metavar="PLACE", help=_PLACE)
    made.add_argument("--user", default="", metavar="NAME", help="the token is this user's password")
    made.add_argument(
        "--query",
        action="append",
        metavar="QUERY",
        help="for Prometheus: METRIC or NAME=EXPRESSION; may be repeated",
    )
    made.add_argument("--step", type=_counted, default=60, metavar="S", help="seconds between samples; 60")
    made.add_argument(
        "--every", default="", metavar="SPAN", help="again and again until stopped: 30s, 5m, 1h"
    )
    made.add_argument(
        "--timeout", type=_counted, default=30, metavar="S", help="seconds to wait for a server; 30"
    )
    made.add_argument("--label", action="append", metavar="K=V", help="as for import")
    made = verbs.add(
        "listen",
        "take OpenLineage events that clients send over HTTP, until stopped",
        "-w audit.trail listen --port 5000\n  OPENLINEAGE_URL=http://127.0.0.1:5000 dbt-ol run",
    )
    made.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="this machine only, when left out"
    )
    made.add_argument(
        "--port", type=_counted, default=5000, metavar="N", help="5000 when left out, as Marquez"
    )
    made.add_argument("--token-from", default="", metavar="PLACE", help=_PLACE + "; clients must send it")
    made.add_argument(
        "--allow-network",
        action="store_true",
        help="let other machines send, to an address given with --host",
    )
    verbs.add("sources", "list the formats that can be read", "sources --format table")
    verbs.add("imports", "list what was imported", "-w audit.trail imports")
    verbs.add(
        "problems",
        "list what could not be read, with its place",
        "-w audit.trail problems --limit 20",
        options=("limit",),
    )
    verbs.add(
        "coverage",
        "say what was observed per source and span",
        "-w audit.trail coverage",
        options=("known-at",),
    )


def _of_things(verbs: _Verbs) -> None:
    verbs.add(
        "entities",
        "list things",
        "-w audit.trail entities kind:model-version",
        "[SELECTOR]",
        options=(*_WHEN, "limit"),
    )
    verbs.add(
        "show",
        "say everything about one thing",
        "-w audit.trail show features/customer_daily",
        "SELECTOR",
        options=_WHEN,
    )
    made = verbs.add(
        "trace",
        "follow lineage up and down",
        "-w audit.trail trace 'churn 12' --up 4 --as-of 2026-06-01",
        "SELECTOR",
        options=_WHEN,
    )
    made.add_argument(
        "--up", type=_counted, metavar="N", help="N hops upstream; downstream only if asked for"
    )
    made.add_argument(
        "--down", type=_counted, metavar="N", help="N hops downstream; upstream only if asked for"
    )
    made.add_argument(
        "--all", action="store_true", help="all the way both ways (so it is without --up and --down)"
    )
    made.add_argument("--ever", action="store_true", help="also what has ended")
    made = verbs.add(
        "paths",
        "count the paths between two things and list the first",
        "-w audit.trail paths raw/orders prod-eu/fraud/scorer --limit 5",
        options=(*_WHEN, "limit"),
    )
    made.add_argument("begin", metavar="FROM", help="a selector of one thing")
    made.add_argument("end", metavar="TO", help="a selector of one thing")
    made.add_argument("--ever", action="store_true", help="also what has ended")


def _of_happenings(verbs: _Verbs) -> None:
    verbs.add(
        "deployments",
        "the register: who deployed what, where, when, under which SLA",
        "-w audit.trail deployments env:prod-eu --from 2026-01-01 --to 2026-07-01 --format csv",
        "[SELECTOR]",
        options=(*_WHEN, "span", "limit"),
    )
    verbs.add(
        "live",
        "what was serving at a time",
        "-w audit.trail live --as-of 2026-06-01T12:00:00Z",
        "[SELECTOR]",
        options=(*_WHEN, "limit"),
    )
    verbs.add(
        "events",
        "list every happening, denied and failed attempts too",
        "-w audit.trail events prod-eu/fraud/scorer --from 2026-06-01",
        "[SELECTOR]",
        options=(*_WHEN, "span", "limit"),
    )
    verbs.add(
        "runs",
        "list job and training runs",
        "-w audit.trail runs features/customer_daily --limit 20",
        "[SELECTOR]",
        options=(*_WHEN, "span", "limit"),
    )
    verbs.add(
        "sla",
        "list SLA versions: what they bind, since when, and whether they were kept as far as it was measured",
        "-w audit.trail sla prod-eu/fraud/scorer --as-of 2026-06-01",
        "[SELECTOR]",
        options=(*_WHEN, "span", "limit"),
    )
    verbs.add(
        "access",
        "list who could change what serves, at a time, and who did",
        "-w audit.trail access prod-eu/fraud/scorer --as-of 2026-06-01",
        "[SELECTOR]",
        options=(*_WHEN, "span", "limit"),
    )
    verbs.add(
        "incidents",
        "list incidents with the deployments live then at the services they name",
        "-w audit.trail incidents prod-eu/fraud/scorer --from 2026-06-01",
        "[SELECTOR]",
        options=(*_WHEN, "span", "limit"),
    )
    verbs.add(
        "checks",
        "list data and drift checks with their verdicts; +THING for all upstream of it",
        "-w audit.trail checks '+kind:model' --from 2026-06-01 --format table",
        "[SELECTOR]",
        options=(*_WHEN, "span", "limit"),
    )
    _of_causes(verbs)
    verbs.add(
        "findings",
        "list what needs a person",
        "-w audit.trail findings --format table",
        options=("known-at", "limit"),
    )


def _of_causes(verbs: _Verbs) -> None:
    made = verbs.add(
        "compare",
        "list what is different between two times, with who made it so",
        "-w audit.trail compare --as-of 2026-05-12 --with 2026-05-14 --format table",
        options=(*_WHEN, "limit"),
    )
    made.add_argument("--with", dest="with_", metavar="T", help="the other time")
    made.add_argument(
        "--with-known",
        dest="known_with",
        metavar="T",
        help="the other time of what was known (with --known-at)",
    )
    made = verbs.add(
        "exposure",
        "list the models that learned from a bad dataset, and where and when they served",
        "-w audit.trail exposure raw/scans --version dt=2026-05-10 --to 2026-05-15",
        "SELECTOR",
        options=("span", "known-at", "limit"),
    )
    made.add_argument(
        "--version", default="", metavar="V", help="only this version or partition of it, as recorded"
    )
    made = verbs.add(
        "suspects",
        "rank what may have made a target misbehave, each reason with its weight",
        "-w audit.trail suspects prod-eu/fraud/scorer --at 2026-05-14T01:31:00Z --window 72h",
        "SELECTOR",
        options=("known-at", "limit"),
    )
    made.add_argument("--at", metavar="T", help="when it misbehaved; now, when left out")
    made.add_argument("--window", default="72h", metavar="SPAN", help="how far to look back: 72h, 3d, 90m")


def _of_upkeep(verbs: _Verbs) -> None:
    made = verbs.add(
        "report",
        "write a report",
        "-w audit.trail report deployments -o out --formats pdf,xlsx,csv,json",
        options=(*_WHEN, "span"),
    )
    made.add_argument("kind", nargs="?", default="", metavar="KIND", help="see --list")
    made.add_argument("-o", "--output", default=".", metavar="DIR", help="the folder to write into")
    made.add_argument(
        "--formats", default="", metavar="LIST", help="which of the kind's formats, with commas; else all"
    )
    made.add_argument(
        "--seed", default="", metavar="TEXT", help="what samples are drawn by; whoever audits gives it"
    )
    made.add_argument("--list", action="store_true", help="list the kinds of report")
    made = verbs.add(
        "identity",
        "list and make decisions about names: merge, split, confirm, undo",
        "-w audit.trail identity merge 'snowflake://MAIN.TICKETS' support/tickets --who 'Ada Berg' --why 'ticket 12'",
        options=("known-at", "limit"),
    )
    made.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", "merge", "split", "confirm", "undo"),
        help="list when left out",
    )
    made.add_argument(
        "one",
        nargs="?",
        default="",
        metavar="ONE",
        help="a name; what is served, to confirm; a decision's number, to undo",
    )
    made.add_argument(
        "other", nargs="?", default="", metavar="OTHER", help="the other name; the version that is served"
    )
    made.add_argument("--who", default="", metavar="PERSON", help="who decides; kept for good")
    made.add_argument("--why", default="", metavar="TEXT", help="for which reason; kept for good")
    verbs.add("digest", "SHA-256 of everything derived", "-w audit.trail digest", options=("known-at",))
    verbs.add(
        "rebuild",
        "throw away everything derived and make it again from the facts",
        "-w audit.trail rebuild",
    )
    cliproofs.add(verbs.add)
    verbs.add("self-test", "the installed product checks itself", "self-test")
    made = verbs.add("bench", "compare ourselves with a yardstick in one run", "bench ingest --size 20000")
    made.add_argument("name", nargs="?", default="", metavar="NAME", help="see --list")
    made.add_argument(
        "--size", type=_counted, default=0, metavar="N", help="how large (each bench says of what)"
    )
    made.add_argument("--list", action="store_true", help="list the benchmarks")
