"""On what grounds was something changed, as the labels, annotations or tags on it and the session's name say?

They are known by the last segment of their names, so that any prefix (`example.com/`) will do (sources-ops 5.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineage.model.facts import Hop
from lineage.sources._model_claims import COMMIT_NOTES, words

_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_PIPELINE = re.compile(r"GitHubActions[-_](\d+)")
_CI_WORDS = frozenset(
    {"ci", "github", "gitlab", "jenkins", "actions", "pipeline", "workflow", "build", "buildkite"}
)
_RUN_NOTE = re.compile(r"(?:[a-z]+[-_])*(?:run|pipeline|build|job|workflow)(?:[-_](?:id|url|number|run))*")
_CHANGE_NOTES = {
    "ticket": ("change-ticket", "ticket", "jira", "jira-ticket", "change-request", "change-id"),
    "reason": ("change-cause", "reason", "change-reason"),
    "approved_by": ("approved-by", "approver"),
    "approved_at": ("approved-at",),
}
_MEANING = {name: field for field, names in _CHANGE_NOTES.items() for name in names}
_DEPLOYER_NOTES = frozenset({"deployed-by", "deployer"})


def pipeline_of(hops: tuple[Hop, ...]) -> str:
    """Return the run of a CI pipeline that a session is named after; empty when none is."""
    return next((found[1] for hop in hops if (found := _PIPELINE.fullmatch(hop.principal))), "")


def change_in(notes: Mapping[str, str]) -> tuple[dict[str, str], tuple[Hop, ...]]:
    """Return what labels and annotations say of a change (`Happened.change`), and whom they name as having made it.

    >>> said = {"example.com/git-commit": "4be1c0de", "github.com/run-id": "77", "x/deployed-by": "ann"}
    >>> change, (hop,) = change_in(said)
    >>> change, hop.principal, hop.rule, hop.field
    ({'commit': '4be1c0de', 'ci_run': '77'}, 'ann', 'deployed-by', 'x/deployed-by')
    """
    change: dict[str, str] = {}
    hops = []
    for name, text in notes.items():
        last = name.rpartition("/")[2].lower()
        if not text.strip():
            continue
        if last in COMMIT_NOTES:
            if _COMMIT.fullmatch(text):
                change.setdefault("commit", text)
        elif last in _MEANING:
            change.setdefault(_MEANING[last], text)
        elif words(name) & _CI_WORDS and _RUN_NOTE.fullmatch(last):
            change.setdefault("ci_run", text)
        elif last in _DEPLOYER_NOTES:
            hops.append(Hop(text, "deployed-by", name))
    return change, tuple(hops)
