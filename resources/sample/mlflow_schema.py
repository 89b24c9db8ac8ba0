"""Which tables and columns does an MLflow 3.17 store have that the sample fills?

The names and types are those of the store's schema at the revision `REVISION`; tables of traces, prompts, gateways and
the like are left out, since the company uses none of them.
"""

from __future__ import annotations

REVISION = "dc11669786a5"

_WORKSPACE = "workspace VARCHAR(63) DEFAULT 'default' NOT NULL"
_OF_MODEL = "FOREIGN KEY (workspace, name) REFERENCES registered_models (workspace, name)"
_OF_VERSION = "FOREIGN KEY (workspace, name, version) REFERENCES model_versions (workspace, name, version)"

TABLES: dict[str, tuple[str, ...]] = {
    "alembic_version": ("version_num VARCHAR(32) NOT NULL", "PRIMARY KEY (version_num)"),
    "workspaces": (
        "name VARCHAR(63) NOT NULL",
        "description TEXT",
        "default_artifact_root TEXT",
        "trace_archival_location TEXT",
        "trace_archival_retention VARCHAR(32)",
        "PRIMARY KEY (name)",
    ),
    "experiments": (
        "experiment_id INTEGER NOT NULL",
        "name VARCHAR(256) NOT NULL",
        "artifact_location VARCHAR(256)",
        "lifecycle_stage VARCHAR(32) CHECK (lifecycle_stage IN ('active', 'deleted'))",
        "creation_time BIGINT",
        "last_update_time BIGINT",
        _WORKSPACE,
        "PRIMARY KEY (experiment_id)",
        "UNIQUE (workspace, name)",
    ),
    "experiment_tags": (
        '"key" VARCHAR(250) NOT NULL',
        "value TEXT",
        "experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id)",
        'PRIMARY KEY ("key", experiment_id)',
    ),
    "runs": (
        "run_uuid VARCHAR(32) NOT NULL",
        "name VARCHAR(250)",
        "source_type VARCHAR(20)",
        "source_name VARCHAR(500)",
        "entry_point_name VARCHAR(50)",
        "user_id VARCHAR(256)",
        "status VARCHAR(9) CHECK (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))",
        "start_time BIGINT",
        "end_time BIGINT",
        "source_version VARCHAR(50)",
        "lifecycle_stage VARCHAR(20) CHECK (lifecycle_stage IN ('active', 'deleted'))",
        "artifact_uri VARCHAR(200)",
        "experiment_id INTEGER REFERENCES experiments (experiment_id)",
        "deleted_time BIGINT",
        "PRIMARY KEY (run_uuid)",
    ),
    "tags": (
        '"key" VARCHAR(250) NOT NULL',
        "value VARCHAR(8000)",
        "run_uuid VARCHAR(32) NOT NULL REFERENCES runs (run_uuid)",
        'PRIMARY KEY ("key", run_uuid)',
    ),
    "params": (
        '"key" VARCHAR(250) NOT NULL',
        "value VARCHAR(8000) NOT NULL",
        "run_uuid VARCHAR(32) NOT NULL REFERENCES runs (run_uuid)",
        'PRIMARY KEY ("key", run_uuid)',
    ),
    "metrics": (
        '"key" VARCHAR(250) NOT NULL',
        "value FLOAT NOT NULL",
        "timestamp BIGINT NOT NULL",
        "run_uuid VARCHAR(32) NOT NULL REFERENCES runs (run_uuid)",
        "step BIGINT DEFAULT '0' NOT NULL",
        "is_nan BOOLEAN DEFAULT '0' NOT NULL CHECK (is_nan IN (0, 1))",
        'PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan)',
    ),
    "latest_metrics": (
        '"key" VARCHAR(250) NOT NULL',
        "value FLOAT NOT NULL",
        "timestamp BIGINT",
        "step BIGINT NOT NULL",
        "is_nan BOOLEAN NOT NULL CHECK (is_nan IN (0, 1))",
        "run_uuid VARCHAR(32) NOT NULL REFERENCES runs (run_uuid)",
        'PRIMARY KEY ("key", run_uuid)',
    ),
    "datasets": (
        "dataset_uuid VARCHAR(36) NOT NULL",
        "experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id) ON DELETE CASCADE",
        "name VARCHAR(500) NOT NULL",
        "digest VARCHAR(36) NOT NULL",
        "dataset_source_type VARCHAR(36) NOT NULL",
        "dataset_source TEXT NOT NULL",
        "dataset_schema TEXT",
        "dataset_profile TEXT",
        "PRIMARY KEY (experiment_id, name, digest)",
    ),
    "inputs": (
        "input_uuid VARCHAR(36) NOT NULL",
        "source_type VARCHAR(36) NOT NULL",
        "source_id VARCHAR(36) NOT NULL",
        "destination_type VARCHAR(36) NOT NULL",
        "destination_id VARCHAR(36) NOT NULL",
        "step BIGINT DEFAULT '0' NOT NULL",
        "PRIMARY KEY (source_type, source_id, destination_type, destination_id)",
    ),
    "input_tags": (
        "input_uuid VARCHAR(36) NOT NULL",
        "name VARCHAR(255) NOT NULL",
        "value VARCHAR(500) NOT NULL",
        "PRIMARY KEY (input_uuid, name)",
    ),
    "logged_models": (
        "model_id VARCHAR(36) NOT NULL",
        "experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id) ON DELETE CASCADE",
        "name VARCHAR(500) NOT NULL",
        "artifact_location VARCHAR(1000) NOT NULL",
        "creation_timestamp_ms BIGINT NOT NULL",
        "last_updated_timestamp_ms BIGINT NOT NULL",
        "status INTEGER NOT NULL",
        "lifecycle_stage VARCHAR(32) CHECK (lifecycle_stage IN ('active', 'deleted'))",
        "model_type VARCHAR(500)",
        "source_run_id VARCHAR(32)",
        "status_message VARCHAR(1000)",
        "PRIMARY KEY (model_id)",
    ),
    "logged_model_tags": (
        "model_id VARCHAR(36) NOT NULL REFERENCES logged_models (model_id) ON DELETE CASCADE",
        "experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id)",
        "tag_key VARCHAR(255) NOT NULL",
        "tag_value TEXT NOT NULL",
        "PRIMARY KEY (model_id, tag_key)",
    ),
    "logged_model_params": (
        "model_id VARCHAR(36) NOT NULL REFERENCES logged_models (model_id) ON DELETE CASCADE",
        "experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id)",
        "param_key VARCHAR(255) NOT NULL",
        "param_value TEXT NOT NULL",
        "PRIMARY KEY (model_id, param_key)",
    ),
    "logged_model_metrics": (
        "model_id VARCHAR(36) NOT NULL REFERENCES logged_models (model_id) ON DELETE CASCADE",
        "metric_name VARCHAR(500) NOT NULL",
        "metric_timestamp_ms BIGINT NOT NULL",
        "metric_step BIGINT NOT NULL",
        "metric_value FLOAT",
        "experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id)",
        "run_id VARCHAR(32) NOT NULL REFERENCES runs (run_uuid) ON DELETE CASCADE",
        "dataset_uuid VARCHAR(36)",
        "dataset_name VARCHAR(500)",
        "dataset_digest VARCHAR(36)",
        "PRIMARY KEY (model_id, metric_name, metric_timestamp_ms, metric_step, run_id)",
    ),
    "registered_models": (
        "name VARCHAR(256) NOT NULL",
        "creation_time BIGINT",
        "last_updated_time BIGINT",
        "description VARCHAR(5000)",
        _WORKSPACE,
        "PRIMARY KEY (workspace, name)",
    ),
    "registered_model_tags": (
        '"key" VARCHAR(250) NOT NULL',
        "value VARCHAR(5000)",
        "name VARCHAR(256) NOT NULL",
        _WORKSPACE,
        'PRIMARY KEY (workspace, "key", name)',
        _OF_MODEL + " ON UPDATE CASCADE",
    ),
    "registered_model_aliases": (
        "alias VARCHAR(256) NOT NULL",
        "version INTEGER NOT NULL",
        "name VARCHAR(256) NOT NULL",
        _WORKSPACE,
        "PRIMARY KEY (workspace, name, alias)",
        _OF_MODEL + " ON DELETE CASCADE ON UPDATE CASCADE",
    ),
    "model_versions": (
        "name VARCHAR(256) NOT NULL",
        "version INTEGER NOT NULL",
        "creation_time BIGINT",
        "last_updated_time BIGINT",
        "description VARCHAR(5000)",
        "user_id VARCHAR(256)",
        "current_stage VARCHAR(20)",
        "source VARCHAR(500)",
        "run_id VARCHAR(32)",
        "status VARCHAR(20)",
        "status_message VARCHAR(500)",
        "run_link VARCHAR(500)",
        "storage_location VARCHAR(500)",
        _WORKSPACE,
        "PRIMARY KEY (workspace, name, version)",
        _OF_MODEL + " ON UPDATE CASCADE",
    ),
    "model_version_tags": (
        '"key" VARCHAR(250) NOT NULL',
        "value TEXT",
        "name VARCHAR(256) NOT NULL",
        "version INTEGER NOT NULL",
        _WORKSPACE,
        'PRIMARY KEY (workspace, "key", name, version)',
        _OF_VERSION + " ON UPDATE CASCADE",
    ),
    "evaluation_datasets": (
        "dataset_id VARCHAR(36) NOT NULL",
        "name VARCHAR(255) NOT NULL",
        "schema TEXT",
        "profile TEXT",
        "digest VARCHAR(64)",
        "created_time BIGINT",
        "last_update_time BIGINT",
        "created_by VARCHAR(255)",
        "last_updated_by VARCHAR(255)",
        _WORKSPACE,
        "PRIMARY KEY (dataset_id)",
    ),
    "entity_associations": (
        "association_id VARCHAR(36) NOT NULL",
        "source_type VARCHAR(36) NOT NULL",
        "source_id VARCHAR(36) NOT NULL",
        "destination_type VARCHAR(36) NOT NULL",
        "destination_id VARCHAR(36) NOT NULL",
        "created_time BIGINT",
        "PRIMARY KEY (source_type, source_id, destination_type, destination_id)",
    ),
}

INDEXES = (
    "CREATE INDEX index_inputs_input_uuid ON inputs (input_uuid)",
    "CREATE INDEX index_datasets_dataset_uuid ON datasets (dataset_uuid)",
    "CREATE INDEX idx_experiments_workspace ON experiments (workspace)",
    "CREATE INDEX idx_registered_models_workspace ON registered_models (workspace)",
)


def statements() -> tuple[str, ...]:
    """Return the statements that make the empty store."""
    made = tuple(
        f"CREATE TABLE {name} (\n\t" + ",\n\t".join(columns) + "\n)" for name, columns in TABLES.items()
    )
    return (*made, *INDEXES)
