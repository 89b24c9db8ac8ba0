"""What does a line of Airflow's audit log state: who did what to which DAG?

Airflow writes the changes of tasks' states into the same table, under the owner of the DAG, who did nothing
(sources-ops 3); only what a person or a program asked for is a happening.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage.model.facts import Happened, Json, Key
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Problem
from lineage.sources._airflow_values import (
    Body,
    Said,
    Times,
    table,
    text,
)

_BY_THE_TASK: Final = frozenset(
    {
        *(
            "running",
            "success",
            "failed",
            "skipped",
            "up_for_retry",
            "up_for_reschedule",
            "queued",
            "deferred",
        ),
        *("restarting", "removed", "upstream_failed", "scheduled", "shutdown", "cli_task_run", "cli_run"),
        *(
            "stuck in queued reschedule",
            "stuck in queued tries exceeded",
            "state mismatch",
            "heartbeat timeout",
        ),
    }
)
_LOOKED: Final = frozenset(
    {
        *(
            "graph",
            "tree",
            "grid",
            "calendar",
            "gantt",
            "duration",
            "tries",
            "landing_times",
            "code",
            "task",
            "log",
        ),
        *(
            "dag_details",
            "rendered_templates",
            "rendered-templates",
            "rendered_k8s",
            "rendered-k8s",
            "rendered",
        ),
        *(
            "xcom",
            "get_logs_with_metadata",
            "extra_links",
            "redirect_to_external_log",
            "confirm",
            "dag_stats",
        ),
        *(
            "legacy_graph",
            "legacy_tree",
            "grid_data",
            "graph_data",
            "mapped_instances",
            "dag_dependencies",
            "elasticsearch",
        ),
    }
)
_DONE: Final = {
    "trigger": "trigger dagrun_trigger trigger_dag_run post_dag_run cli_dags_trigger cli_trigger_dag cli_dag_test"
    " cli_dags_test",
    "clear": "clear dagrun_clear post_clear_task_instances clear_dag_run cli_task_clear cli_tasks_clear cli_clear",
    "set-state": "success failed dagrun_success dagrun_failed dagrun_queued patch_task_instance patch_dag_run"
    " update_dag_run_state post_set_task_instances_state set_task_instance_state bulk_task_instances",
    "pause": "cli_dags_pause cli_pause",
    "unpause": "cli_dags_unpause cli_unpause",
    "change": "paused patch_dag patch_dags",
    "delete": "delete delete_dag cli_dags_delete cli_delete_dag",
    "delete-run": "delete_dag_run",
    "backfill": "create_backfill cli_dags_backfill cli_backfill",
}
_TYPES: Final = {event: kind for kind, events in _DONE.items() for event in events.split()}


def read(body: Body, namespace: str, times: Times) -> Iterator[Said]:
    """Say what a line of the audit log states."""
    row = table(body, "row")
    event, owner, dag_id = text(row, "event"), text(row, "owner"), text(row, "dag_id")
    word = event.lower().removeprefix("api.").removeprefix("ui.")
    if word in _BY_THE_TASK and not row.get("by_person"):
        yield Filtered("task-state-by-airflow")
        return
    if word in _LOOKED or word.startswith("get_"):
        yield Filtered("only-looked-at")
        return
    if not dag_id:
        yield Filtered("not-about-a-dag")
        return
    at = times.of("dttm")
    if at is None or not event:
        yield Problem(
            "missing-field", "a line of the audit log has a time and an event", "event" if at else "dttm"
        )
        return
    task_id = text(row, "task_id")
    job = Key(Kind.JOB, namespace, f"{dag_id}.{task_id}" if task_id else dag_id)
    detail: dict[str, Json] = {"event": event}
    for name in ("run_id", "logical_date", "execution_date", "map_index", "try_number", "owner_display_name"):
        if row.get(name) not in (None, "", -1) and isinstance(row.get(name), (str, int)):
            detail["logical_date" if name == "execution_date" else name] = row[name]
    kind = _TYPES.get(word, word.replace("_", "-").replace(" ", "-"))
    actor = actor_of(event, owner) if owner else None
    yield Happened(kind, job, at, f"{namespace}/log/{row.get('id')}/{at.lo}", actor=actor, detail=detail)


def actor_of(event: str, owner: str) -> Key:
    """Return who did it; on the command line Airflow writes down the user of the operating system."""
    return Key(Kind.ACTOR, "airflow-cli" if event.startswith("cli_") else "airflow", owner)
