-- A small MLflow store in the shape of 3.x, written by hand; every trap of sources-ml 2.4 stands in it once.
-- Ids are printf('%032x', n). Times are milliseconds: 1767225600000 is 2026-01-01T00:00:00Z, a day is 86400000.
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT,
  creation_time BIGINT, last_update_time BIGINT, workspace TEXT DEFAULT 'default' NOT NULL);
CREATE TABLE experiment_tags ("key" TEXT, value TEXT, experiment_id INTEGER);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT,
  lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER, deleted_time BIGINT);
CREATE TABLE tags ("key" TEXT, value TEXT, run_uuid TEXT, PRIMARY KEY ("key", run_uuid));
CREATE TABLE params ("key" TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE latest_metrics ("key" TEXT, value FLOAT, timestamp BIGINT, step BIGINT, is_nan BOOLEAN, run_uuid TEXT);
CREATE TABLE datasets (dataset_uuid TEXT, experiment_id INTEGER, name TEXT, digest TEXT, dataset_source_type TEXT,
  dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT,
  step BIGINT DEFAULT 0);
CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT);
CREATE TABLE logged_models (model_id TEXT, experiment_id INTEGER, name TEXT, artifact_location TEXT,
  creation_timestamp_ms BIGINT, last_updated_timestamp_ms BIGINT, status INTEGER, lifecycle_stage TEXT,
  model_type TEXT, source_run_id TEXT, status_message TEXT);
CREATE TABLE logged_model_tags (model_id TEXT, experiment_id INTEGER, tag_key TEXT, tag_value TEXT);
CREATE TABLE logged_model_params (model_id TEXT, experiment_id INTEGER, param_key TEXT, param_value TEXT);
CREATE TABLE logged_model_metrics (model_id TEXT, metric_name TEXT, metric_timestamp_ms BIGINT, metric_step BIGINT,
  metric_value FLOAT, experiment_id INTEGER, run_id TEXT, dataset_uuid TEXT, dataset_name TEXT, dataset_digest TEXT);
CREATE TABLE registered_models (name TEXT, creation_time BIGINT, last_updated_time BIGINT, description TEXT,
  workspace TEXT DEFAULT 'default' NOT NULL);
CREATE TABLE registered_model_tags ("key" TEXT, value TEXT, name TEXT, workspace TEXT DEFAULT 'default' NOT NULL);
CREATE TABLE registered_model_aliases (alias TEXT, version INTEGER, name TEXT, workspace TEXT DEFAULT 'default' NOT NULL);
CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time BIGINT, last_updated_time BIGINT,
  description TEXT, user_id TEXT, current_stage TEXT, source TEXT, run_id TEXT, status TEXT, status_message TEXT,
  run_link TEXT, storage_location TEXT, workspace TEXT DEFAULT 'default' NOT NULL);
CREATE TABLE model_version_tags ("key" TEXT, value TEXT, name TEXT, version INTEGER,
  workspace TEXT DEFAULT 'default' NOT NULL);
CREATE TABLE evaluation_datasets (dataset_id TEXT, name TEXT, schema TEXT, profile TEXT, digest TEXT,
  created_time BIGINT, last_update_time BIGINT, created_by TEXT, last_updated_by TEXT,
  workspace TEXT DEFAULT 'default' NOT NULL);
CREATE TABLE evaluation_dataset_tags (dataset_id TEXT, "key" TEXT, value TEXT);
CREATE TABLE entity_associations (association_id TEXT, source_type TEXT, source_id TEXT, destination_type TEXT,
  destination_id TEXT, created_time BIGINT);
-- Not MLflow's own: must not be read.
CREATE TABLE webhooks (webhook_id TEXT, url TEXT, secret TEXT);
INSERT INTO webhooks VALUES ('1', 'https://hooks.example/x', 'webhook-secret');

INSERT INTO experiments VALUES
  (0, 'Default', 'mlflow-artifacts:/0', 'active', 1767225600000, 1767225600000, 'default'),
  (1, 'fraud', 'mlflow-artifacts:/1', 'active', 1767225600000, 1767225600000, 'default'),
  (2, 'fraud', 'mlflow-artifacts:/2', 'active', 1767225600000, 1767225600000, 'risk'),
  (3, 'old', 'mlflow-artifacts:/3', 'deleted', 1767225600000, 1767398400000, 'default');
INSERT INTO experiment_tags VALUES ('team', 'ml', 1);

-- 1 trains; 2 is its child and has no start; 3 has seconds; 4 ends before it starts; 5 was never run; 6 reads a model;
-- 7 was imported from another server; 8 lies in the other workspace. 99 was removed by `mlflow gc`.
INSERT INTO runs VALUES
  (printf('%032x', 1), 'train', 'ana', 'FINISHED', 1767312000000, 1767315600000, 'active', 'mlflow-artifacts:/1/1', 1, NULL),
  (printf('%032x', 2), 'child', '', 'FAILED', 0, 1767315600000, 'active', '', 1, NULL),
  (printf('%032x', 3), 'seconds', 'unknown', 'FINISHED', 1767312000, 1767315600, 'active', '', 1, NULL),
  (printf('%032x', 4), 'backwards', 'ben', 'KILLED', 1767315600000, 1767312000000, 'deleted', '', 1, 1767400000000),
  (printf('%032x', 5), 'waiting', 'unknown', 'SCHEDULED', 1767312000000, NULL, 'active', '', 1, NULL),
  (printf('%032x', 6), 'score', 'svc-batch', 'RUNNING', 1767312000000, NULL, 'active', '', 1, NULL),
  (printf('%032x', 7), 'imported', 'ana', 'FINISHED', 1767312000000, 1767312100000, 'active', '', 1, NULL),
  (printf('%032x', 8), 'other', 'eve', 'FINISHED', 1767312000000, 4102444800000, 'active', '', 2, NULL);
INSERT INTO tags VALUES
  ('mlflow.user', 'ana.ops', printf('%032x', 1)),
  ('mlflow.source.git.commit', '1111111111111111111111111111111111111111', printf('%032x', 1)),
  ('mlflow.source.git.repoURL', 'https://ci:glpat-secret@git.example/fraud.git', printf('%032x', 1)),
  ('mlflow.source.name', 'train.py', printf('%032x', 1)),
  ('airflow_ctx_dag_id', 'fraud_training', printf('%032x', 1)),
  ('feast.project', 'fraud', printf('%032x', 1)),
  ('feast.feature_service', 'fraud_v2', printf('%032x', 1)),
  ('mlflow.parentRunId', printf('%032x', 1), printf('%032x', 2)),
  ('mlflow.parentRunId', printf('%032x', 99), printf('%032x', 5)),
  ('mlflow_export_import.metadata.run_id', printf('%032x', 777), printf('%032x', 7));
INSERT INTO params VALUES ('depth', '6', printf('%032x', 1)), ('db.password', 'hunter2', printf('%032x', 1)),
  ('max_tokens', '512', printf('%032x', 1));
INSERT INTO latest_metrics VALUES ('auc', 0.9, 1767315600000, 3, 0, printf('%032x', 1)),
  ('loss', 0, 1767315600000, 3, 1, printf('%032x', 1));

-- One name and digest in two experiments; one name for two places; places that only their own machine can resolve.
INSERT INTO datasets VALUES
  ('d1', 1, 'transactions', 'aaaa0001', 's3', '{"uri": "s3://lake/tx/dt=2026-01-01/part-0.parquet"}',
   '{"mlflow_colspec": [{"type": "long", "name": "id"}, {"type": "double", "name": "amount"}]}', '{"num_rows": 10}'),
  ('d2', 2, 'transactions', 'aaaa0001', 's3', '{"uri": "s3://lake/tx/dt=2026-01-01/part-0.parquet"}', NULL, NULL),
  ('d3', 2, 'customers', 'bbbb0001', 'local', '{"uri": "/home/eve/customers.csv"}', NULL, NULL),
  ('d4', 1, 'customers', 'bbbb0002', 'delta_table',
   '{"delta_table_name": "main.crm.customers", "delta_table_version": 7}', NULL, NULL),
  ('d5', 1, 'made', 'cccc0001', 'code', '{"tags": {"mlflow.source.name": "make.py"}}', NULL, NULL),
  ('d6', 2, 'made', 'cccc0001', 'code', '{"tags": {"mlflow.source.name": "make.py"}}', NULL, NULL),
  ('d7', 1, 'broken', 'dddd0001', 's3', '{"uri": "s3://lake/cut', NULL, NULL);
INSERT INTO inputs VALUES
  ('i1', 'DATASET', 'd1', 'RUN', printf('%032x', 1), 0),
  ('i2', 'DATASET', 'd4', 'RUN', printf('%032x', 1), 0),
  ('i3', 'RUN_OUTPUT', printf('%032x', 1), 'MODEL_OUTPUT', 'm-' || printf('%032x', 11), 2),
  ('i4', 'RUN_INPUT', printf('%032x', 6), 'MODEL_INPUT', 'm-' || printf('%032x', 11), 0),
  ('i5', 'DATASET', 'd5', 'RUN', printf('%032x', 6), 0),
  ('i6', 'DATASET', 'd2', 'RUN', printf('%032x', 8), 0),
  ('i7', 'DATASET', 'd3', 'RUN', printf('%032x', 8), 0),
  ('i8', 'DATASET', 'd1', 'RUN', printf('%032x', 99), 0);
INSERT INTO input_tags VALUES ('i1', 'mlflow.data.context', 'training'), ('i2', 'mlflow.data.context', 'validation');

INSERT INTO logged_models VALUES
  ('m-' || printf('%032x', 11), 1, 'net', 'mlflow-artifacts:/1/models/m-' || printf('%032x', 11) || '/artifacts',
   1767314000000, 1767314100000, 2, 'active', '', printf('%032x', 1), NULL),
  ('m-' || printf('%032x', 12), 1, 'net', 's3://models/x', 1767314000000, 1767350000000, 3, 'deleted', '',
   printf('%032x', 4), 'upload failed');
INSERT INTO logged_model_tags VALUES
  ('m-' || printf('%032x', 11), 1, 'mlflow.user', 'ana.ops'),
  ('m-' || printf('%032x', 11), 1, 'mlflow.modelVersions',
   '[{"name": "fraud", "version": 1}, {"name": "fraud", "version": "1"}]');
INSERT INTO logged_model_metrics VALUES
  ('m-' || printf('%032x', 11), 'auc', 1767315000000, 0, 0.9, 1, printf('%032x', 1), NULL, 'transactions', 'aaaa0001');

INSERT INTO registered_models VALUES
  ('fraud', 1767316000000, 1767402000000, 'card fraud', 'default'),
  ('fraud', 1767316000000, 1767316000000, NULL, 'risk'),
  ('fraud-prod', 1767400000000, 1767400000000, NULL, 'default'),
  ('greeting', 1767316000000, 1767316000000, NULL, 'default');
INSERT INTO registered_model_tags VALUES ('sla', 'gold', 'fraud', 'default'),
  ('mlflow.prompt.is_prompt', 'true', 'greeting', 'default');
INSERT INTO registered_model_aliases VALUES ('champion', 1, 'fraud', 'default'), ('blue', 1, 'fraud', 'default'),
  ('champion', 1, 'fraud', 'risk');
INSERT INTO model_versions VALUES
  ('fraud', 1, 1767316000000, 1767402000000, 'first', NULL, 'Production', 'models:/m-' || printf('%032x', 11),
   printf('%032x', 1), 'READY', NULL, NULL, 'mlflow-artifacts:/1/models/m-' || printf('%032x', 11) || '/artifacts', 'default'),
  ('fraud', 2, 1767320000000, 1767402000000, NULL, 'registrar', 'Production', 's3://models/two', printf('%032x', 99),
   'READY', NULL, NULL, 's3://models/two', 'default'),
  ('fraud', 3, 1767321000000, 1767403000000, NULL, NULL, 'Deleted_Internal', 'REDACTED-SOURCE-PATH', 'REDACTED-RUN-ID',
   'READY', NULL, 'REDACTED-RUN-LINK', 'runs:/' || printf('%032x', 4) || '/net', 'default'),
  ('fraud', 4, 1767321000000, 1767404000000, NULL, NULL, 'Deleted_Internal', 'REDACTED-SOURCE-PATH', 'REDACTED-RUN-ID',
   'READY', NULL, 'REDACTED-RUN-LINK', 'mlflow-artifacts:/1/models/m-' || printf('%032x', 11) || '/artifacts', 'default'),
  ('fraud', 5, 1767321000, 1767321000000, NULL, NULL, 'None', 's3://models/by-hand', '', 'READY', NULL, '',
   's3://models/by-hand', 'default'),
  ('fraud', 1, 1767316000000, 1767316000000, NULL, NULL, 'None', 's3://models/risk', printf('%032x', 8), 'READY', NULL,
   NULL, 's3://models/risk', 'risk'),
  ('fraud-prod', 1, 1767400000000, 1767400000000, NULL, NULL, 'None', 'models:/fraud/1', printf('%032x', 1), 'READY',
   NULL, NULL, 'mlflow-artifacts:/1/models/m-' || printf('%032x', 11) || '/artifacts', 'default'),
  ('greeting', 1, 1767316000000, 1767316000000, NULL, NULL, 'None', 'dummy-source', '', 'READY', NULL, NULL,
   'dummy-source', 'default');
INSERT INTO model_version_tags VALUES ('approved_by', 'carla', 'fraud', 1, 'default'),
  ('image_digest', 'sha256:00ff', 'fraud', 1, 'default');
INSERT INTO evaluation_datasets VALUES ('d-eval', 'golden', NULL, NULL, 'eeee0001', 1767316000000, 1767317000000,
  'carla', 'carla', 'default');
INSERT INTO entity_associations VALUES
  ('a1', 'evaluation_dataset', 'd-eval', 'experiment', '1', 1767316000000),
  ('a2', 'evaluation_dataset', 'd-eval', 'run', printf('%032x', 1), 1767316000000);
