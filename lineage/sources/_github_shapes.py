"""Which of GitHub's payloads and answers is this, by its fields alone?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lineage.source import Sample
from lineage.sources._said import Said

_CUT = re.compile(
    r'"deployment_url"\s*:\s*"https?://[^"]+/repos/|"statuses_url"\s*:\s*"https?://[^"]+/deployments/\d+/statuses"'
    r'|"workflow_runs"\s*:\s*\[|"triggering_actor"\s*:\s*\{|"workflow_run"\s*:\s*\{'
)
_ENVELOPES = ("payload", "body", "event", "request")


def looks(body: Mapping[str, Any]) -> str:
    """Return the name of the shape of a payload or answer; empty for what GitHub did not write.

    >>> looks({"sha": "a", "environment": "prod", "statuses_url": "https://api.github.com/..."})
    'rest-deployment'
    """

    def has(*names: str) -> bool:
        return all(name in body for name in names)

    def part(name: str) -> bool:
        return isinstance(body.get(name), dict)

    hook = part("repository") and ("sender" in body or "action" in body)
    if part("deployment_status") and part("deployment"):
        return "status"
    if part("deployment") and hook:
        return "deployment"
    if part("workflow_run") and (
        has("since", "environment") or has("reviewers") or has("approver") or has("workflow_job_runs")
    ):
        return "review"
    if part("workflow_run") and hook:
        return "run"
    if part("workflow_job") and hook:
        return "job"
    if has("inputs", "ref", "workflow") and hook:
        return "dispatch"
    if has("ref", "before", "after", "commits") and part("repository") and "object_kind" not in body:
        return "push"
    if has("sha", "environment", "statuses_url"):
        return "rest-deployment"
    if has("state", "deployment_url"):
        return "rest-status"
    if has("head_sha", "run_number", "workflow_id"):
        return "rest-run"
    if has("databaseId", "headSha"):
        return "gh-run"
    if has("state", "environments", "user"):
        return "approval"
    if has("action", "actor", "@timestamp") and (has("_document_id") or has("org")):
        return "audit"
    if hook and "object_kind" not in body and has("sender"):
        return "event"
    return ""


def unwrapped(said: Said) -> tuple[Said, Said]:
    """Return the payload in the envelope that a delivery was kept in, and the envelope; both the same without one."""
    inner = said
    for _ in range(3):
        if looks(inner.body):
            break
        name = next((name for name in _ENVELOPES if isinstance(inner.body.get(name), dict)), "")
        if not name:
            break
        inner = inner.part(name)
    return inner, said


def recognised(sample: Sample) -> float:
    """Return how sure it is that GitHub wrote this."""
    if sample.listing or sample.tables or sample.text.lstrip()[:1] not in {"{", "["}:
        return 0.0
    value = sample.first_json
    if value is None:
        return 0.85 if _CUT.search(sample.text) and "github" in sample.text else 0.0
    while isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return 0.0
    runs = value.get("workflow_runs")
    if isinstance(runs, list) and "total_count" in value:
        return 0.9
    shape = looks(unwrapped(Said(value))[0].body)
    if shape in {"event", "approval", "job"}:
        return 0.6 if "github" in sample.text else 0.2
    return 0.93 if shape else 0.0
