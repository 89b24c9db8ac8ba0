"""What kinds of things, relations and grounds are there? The closed lists that every other module speaks in."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of entities (CONTRACT.md)."""

    DATASET = "dataset"
    FEATURE_VIEW = "feature-view"
    FEATURE = "feature"
    COLUMN = "column"
    JOB = "job"
    RUN = "run"
    MODEL = "model"
    MODEL_VERSION = "model-version"
    TARGET = "target"
    ENVIRONMENT = "environment"
    ACTOR = "actor"
    SLA = "sla"
    MONITOR = "monitor"
    INCIDENT = "incident"


class Basis(StrEnum):
    """Why an edge is believed (DESIGN 2.6)."""

    DECLARED = "declared"
    OBSERVED = "observed"
    COLUMN_EXACT = "column-exact"
    JOB_IO = "inferred-from-job-io"
    BY_NAME = "inferred-by-name"
    MANUAL = "manual"


class Relation(StrEnum):
    """What an edge says. `FLOW` lists those that carry lineage, source first."""

    INPUT = "input"
    OUTPUT = "output"
    DERIVED = "derived"
    COLUMN = "column"
    PRODUCED = "produced"
    REGISTERED = "registered"
    COPIED = "copied"
    SERVES = "serves"
    PART_OF = "part-of"
    VERSION_OF = "version-of"
    PARENT = "parent"
    EVALUATED = "evaluated"


FLOW = frozenset(
    {
        Relation.INPUT,
        Relation.OUTPUT,
        Relation.DERIVED,
        Relation.COLUMN,
        Relation.PRODUCED,
        Relation.REGISTERED,
        Relation.COPIED,
        Relation.SERVES,
        Relation.PART_OF,
    }
)


class Outcome(StrEnum):
    """How a happening ended (CONTRACT.md, `events`)."""

    DONE = "done"
    DENIED = "denied"
    FAILED = "failed"
    DRY_RUN = "dry-run"


class RunState(StrEnum):
    """The states of a run, after OpenLineage's eventType; terminal ones outrank the others."""

    OTHER = "other"
    START = "start"
    RUNNING = "running"
    COMPLETE = "complete"
    ABORT = "abort"
    FAIL = "fail"


TERMINAL = frozenset({RunState.COMPLETE, RunState.ABORT, RunState.FAIL})


class LinkRule(StrEnum):
    """How a served workload was tied to a model version, strongest first (sources-ops 7, CONTRACT.md)."""

    CONFIRMED = "confirmed"
    MODEL_URI = "model-uri"
    REGISTRY_LABEL = "registry-label"
    MODEL_PACKAGE = "model-package"
    IMAGE_DIGEST = "image-digest"
    ARTIFACT_URI = "artifact-uri"
    ARTIFACT_URI_BELOW = "artifact-uri-below"
    RUN_OR_LOGGED_MODEL_ID = "run-or-logged-model-id"
    CLOUD_REGISTRY_ID = "cloud-registry-id"
    ALIAS = "alias"
    PATH_CONVENTION = "path-convention"
    TEMPLATE_ANNOTATION = "template-annotation"
    IMAGE_TAG = "image-tag"
    GIT_COMMIT = "git-commit"
    UNRESOLVED = "unresolved"
