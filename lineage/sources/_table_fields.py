"""What can a row of a table state, and which fields does each statement have?

The one list that the reader of a mapping, the builders of facts and the dialog of the window go by.
"""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """One field of a statement.

    Attributes:
        name: as in a mapping; title: for people.
        kind: `text`, `time`, `end` (a bare date is the whole of that day), `number`, `share` (0..1 or percent),
            `amount` (a number that may have a sign and a unit), `list` (several texts, separated by `;`), `word`.
        needed: a row without it states nothing.
        words: what a `word` may be.
    """

    name: str
    title: str
    kind: str = "text"
    needed: bool = False
    words: tuple[str, ...] = ()

    @property
    def decisive(self) -> bool:
        """True when a cell that cannot be read would make the rest of the row say something else.

        A deployment whose outcome is not understood is not done, and a right without its days would hold always.
        """
        return self.needed or self.kind in {"word", "end"} or self.name == "since"


class Statement(NamedTuple):
    """What a row may state: its name in a mapping, its title, its fields, and sets of which one field must be there."""

    name: str
    title: str
    fields: tuple[Field, ...]
    one_of: tuple[str, ...] = ()

    def field(self, name: str) -> Field | None:
        """Return the field called so, None when the statement has none."""
        return next((field for field in self.fields if field.name == name), None)


def _texts(*pairs: str) -> tuple[Field, ...]:
    """Return fields of text from `name: title`."""
    named = (pair.partition(":") for pair in pairs)
    return tuple(Field(name.strip(), title.strip()) for name, _, title in named)


_WHO = _texts("actor: Who did it", "actor_system: System that knows him")

STATEMENTS = (
    Statement(
        "deployment",
        "A deployment",
        (
            Field("target", "Where: endpoint or workload", needed=True),
            Field("at", "When", "time", needed=True),
            *_texts("model: Model", "version: Model version", "uri: Model URI", "image: Container image"),
            *_texts("environment: Environment", "place: System of the target", "service: Service"),
            Field("event", "What happened", "word", words=("apply", "delete", "observe")),
            Field("outcome", "How it ended", "word", words=("done", "denied", "failed", "dry-run")),
            Field("share", "Share of traffic", "share"),
            *_WHO,
            *_texts("approved_by: Approved by"),
            Field("approved_at", "Approved at", "time"),
            *_texts("ticket: Ticket", "commit: Commit", "ci_run: CI run", "reason: Reason", "id: Its own id"),
        ),
        ("model", "uri", "image"),
    ),
    Statement(
        "model-version",
        "A model version",
        (
            Field("model", "Model", needed=True),
            Field("version", "Version", needed=True),
            *_texts(
                "registry: Registry",
                "uri: Where the artifact lies",
                "run: Training run",
                "place: System of the run",
            ),
            Field("at", "Registered at", "time"),
            *_WHO,
            *_texts("stage: Stage", "git_commit: Commit", "description: Description"),
        ),
    ),
    Statement(
        "run",
        "A run",
        (
            Field("job", "Job", needed=True),
            Field("run", "Run id", needed=True),
            Field("started", "Started", "time"),
            Field("ended", "Ended", "time"),
            Field("at", "Seen at", "time"),
            Field("state", "State", "word", words=("start", "running", "complete", "fail", "abort", "other")),
            Field("inputs", "Datasets read", "list"),
            Field("outputs", "Datasets written", "list"),
            *_texts("place: System of the job"),
            *_WHO,
        ),
        ("started", "ended", "at"),
    ),
    Statement(
        "lineage",
        "One dataset comes from another",
        (
            Field("source", "Dataset read", needed=True),
            Field("target", "Dataset made of it", needed=True),
            Field("at", "Seen at", "time"),
            *_texts("job: Job", "place: System of the job", "description: Description"),
        ),
    ),
    Statement(
        "objective",
        "A service level objective",
        (
            *_texts("service: Service", "dataset: Dataset"),
            Field("metric", "Metric", needed=True),
            Field("target", "Promised value", "amount", needed=True),
            *_texts("unit: Unit", "comparator: Comparator", "percentile: Percentile", "window: Window"),
            Field("since", "In force from", "time"),
            Field("until", "In force to", "end"),
            *_texts("zone: Time zone of the window", "version: Version", "name: Name", "owner: Owner"),
            *_texts("document: Document", "text: Description"),
        ),
        ("service", "dataset"),
    ),
    Statement(
        "grant",
        "A right that somebody has",
        (
            Field("principal", "Who", needed=True),
            *_texts("role: Role", "permission: Permissions", "resource: What for", "system: System"),
            Field("since", "From", "time"),
            Field("until", "To", "end"),
            *_texts("by: Granted by", "ticket: Ticket"),
            Field("effect", "Allowed or denied", "word", words=("allow", "deny")),
            *_texts("condition: Condition", "status: Status", "note: Note"),
        ),
        ("role", "permission"),
    ),
    Statement(
        "person",
        "A person and his logins",
        (
            *_texts("name: Name", "email: E-mail", "principal: Logins", "system: System of the logins"),
            *_texts("kind: Kind of account", "team: Team"),
            Field("since", "From", "time"),
            Field("until", "To", "end"),
        ),
        ("name", "email"),
    ),
    Statement(
        "measurement",
        "A measurement or check",
        (
            *_texts("dataset: Dataset", "target: Endpoint or workload", "place: System of the target"),
            Field("metric", "Metric", needed=True),
            Field("at", "Measured at", "time", needed=True),
            Field("value", "Value", "number"),
            *_texts("unit: Unit"),
            Field("success", "Verdict", "word", words=("pass", "fail")),
            Field("severity", "Severity", "word", words=("error", "warn")),
            *_texts("description: Description"),
        ),
        ("dataset", "target"),
    ),
    Statement(
        "incident",
        "An incident",
        (
            Field("number", "Number", needed=True),
            Field("opened", "Opened", "time", needed=True),
            *_texts("title: Title"),
            Field("acknowledged", "Taken up", "time"),
            Field("resolved", "Resolved", "time"),
            Field("closed", "Closed", "time"),
            Field("services", "Services", "list"),
            *_texts("opened_by: Opened by", "acknowledged_by: Taken up by", "resolved_by: Resolved by"),
            *_texts("closed_by: Closed by", "priority: Priority", "severity: Severity", "status: Status"),
            *_texts("assignee: Assigned to", "cause: Cause", "system: System"),
        ),
    ),
)
BY_NAME = {statement.name: statement for statement in STATEMENTS}
