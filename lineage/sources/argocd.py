"""Which commit did Argo CD bring to which cluster, when, and who began it?

Applications as `kubectl get applications -o yaml|json`, a GitOps repository, or `argocd app get|list -o json` show
them. Projects and application sets are left out: they synchronise nothing themselves.

An application is no target: what it applied serves, and the audit log or export of the cluster says what that is. Its
history is evidence for these: a change that Argo CD's own account made to one of the application's resources, in the
course of a synchronisation, was begun by who began that (`sync-initiator`; the local account `admin` may be anybody),
and else leads to the author of the synchronised commit. What the controller does between two synchronisations
(healing) is explained by none. An application of a cluster that only an address names is taken for a target whose name
is found in one cluster alone, or that is marked with the application's name (`argocd.argoproj.io/tracking-id`).

`events` shows every synchronisation with its commit, and of the last operation that it failed or was a dry run; an
entry that returns to an earlier revision says which (`rolled_back_to`). sources-ops 5.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lineage import framing
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._gitops_application import GROUP, KINDS, application, is_application
from lineage.sources._model_claims import items, mapping, scalar
from lineage.sources._said import parsed
from lineage.sources._workload_kinds import resource_of
from lineage.text import MalformedError, clip

NAME = "argocd"
PLACED = True
FORMAT = "Argo CD applications in YAML or JSON (argoproj.io/v1alpha1; kubectl, argocd CLI, repositories)"
PROVES = ("who", "when", "what")

_YAML_KINDS = re.compile(r"""^(?:- |  )?kind:[ \t]*["']?(\w+)""", re.MULTILINE)
_JSON_KINDS = re.compile(r'"kind"\s*:\s*"(\w+)"')
_GROUPS = re.compile(r"""apiVersion["']?\s*:\s*["']?([\w.-]+)/v\d""")


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are objects of Argo CD, and no serving objects beside them."""
    text = sample.text
    if sample.listing or sample.tables:
        return 0.0
    value = sample.first_json if text.lstrip()[:1] in {"{", "["} else None
    if value is not None:
        bodies = value if isinstance(value, list) else [value, *items(mapping(value).get("items"))]
        if not mapping(value).get("kind") and any(is_application(mapping(body)) for body in bodies):
            return 0.9
    if GROUP not in text or "auditID" in text:
        return 0.0
    kinds = set((_JSON_KINDS if text.lstrip()[:1] in {"{", "["} else _YAML_KINDS).findall(text))
    if not kinds & KINDS.keys():
        return 0.0
    if value is not None:
        kinds = {scalar(mapping(body).get("kind")) for body in bodies}
    served = any(resource_of(group, kind) for group in set(_GROUPS.findall(text)) for kind in kinds)
    return 0.5 if served else 0.92 if kinds & KINDS.keys() else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into objects: the items of a JSON list, a line, or a YAML document (which may be a List as a whole)."""
    yield from framing.documents(given, "items")


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say how an application, or each of a List, was synchronised."""
    try:
        value = parsed(record)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)
        return
    listed = mapping(value).get("items")
    told = False
    reason = Filtered("empty")
    for number, body in enumerate(listed if isinstance(listed, list) else [value]):
        row = f"/items/{number}" if isinstance(listed, list) else record.row
        if not isinstance(body, dict) or not body:
            told = True
            yield Problem("not-an-object", "this is no object of Argo CD", value=clip(body), row=row)
            continue
        if not is_application(body):
            reason = Filtered(KINDS.get(scalar(body.get("kind")), "") or "kind")
            continue
        told = True
        yield from application(body, origin)
    if not told:
        yield reason
