-- Airflow 3: logical_date, assets with names, versions of a DAG, a history of tries, who triggered.
CREATE TABLE log_template (id INTEGER PRIMARY KEY, filename TEXT, elasticsearch_id TEXT, created_at TIMESTAMP);
INSERT INTO log_template VALUES (1, 'a', 'b', '2026-01-02 03:04:05.000006');
CREATE TABLE dag (dag_id VARCHAR(250) PRIMARY KEY, is_paused BOOLEAN, is_stale BOOLEAN, last_parsed_time TIMESTAMP,
  fileloc VARCHAR(2000), relative_fileloc VARCHAR(2000), bundle_name VARCHAR(250), bundle_version VARCHAR(200), owners VARCHAR(2000),
  timetable_summary TEXT, timetable_description VARCHAR(1000));
INSERT INTO dag VALUES ('score', 0, 0, '2026-03-03 00:00:00.000000', '/dags/score.py', 'score.py', 'git', 'abc1234', 'ml', 'Asset', 'Triggered by assets');
CREATE TABLE dag_run (id INTEGER PRIMARY KEY, dag_id VARCHAR(250), logical_date TIMESTAMP, run_after TIMESTAMP, start_date TIMESTAMP,
  end_date TIMESTAMP, state VARCHAR(50), run_id VARCHAR(250), run_type VARCHAR(50), triggered_by VARCHAR(50), triggering_user_name VARCHAR(512),
  conf JSON, data_interval_start TIMESTAMP, data_interval_end TIMESTAMP, clear_number INTEGER, updated_at TIMESTAMP);
INSERT INTO dag_run VALUES (1, 'score', NULL, '2026-03-01 00:00:00.000000', '2026-03-01 00:00:01.000000', '2026-03-01 00:03:00.000000', 'success',
  'manual__2026-03-01T00:00:00+00:00', 'manual', 'UI', 'nina', '{"mlflow_run_id": "0123456789abcdef0123456789abcdef", "token": "hunter2"}', NULL, NULL, 0, '2026-03-01 00:03:00.000000');
INSERT INTO dag_run VALUES (2, 'score', '2026-03-02 00:00:00.000000', '2026-03-02 00:00:00.000000', '2026-03-02 00:00:01.000000', '2026-03-02 00:03:00.000000', 'success',
  'asset_triggered__x', 'asset_triggered', 'ASSET', NULL, '{}', NULL, NULL, 1, '2026-03-02 00:03:00.000000');
INSERT INTO dag_run VALUES (3, 'score', '2026-03-03 00:00:00.000000', '2026-03-03 00:00:00.000000', '2026-03-03 00:00:00.000000', '2026-03-03 00:03:00.000000', 'success',
  'manual__test', 'manual', 'TEST', 'dag_test', '{}', NULL, NULL, 0, '2026-03-03 00:03:00.000000');
CREATE TABLE task_instance (id CHAR(32), task_id VARCHAR(250), dag_id VARCHAR(250), run_id VARCHAR(250), map_index INTEGER, start_date TIMESTAMP,
  end_date TIMESTAMP, state VARCHAR(20), try_number INTEGER, max_tries INTEGER, hostname VARCHAR(1000), operator VARCHAR(1000), dag_version_id CHAR(32), updated_at TIMESTAMP);
INSERT INTO task_instance VALUES ('a', 'predict', 'score', 'manual__2026-03-01T00:00:00+00:00', 0, '2026-03-01 00:01:00.000000', '2026-03-01 00:02:00.000000', 'success', 2, 3, 'w', 'PythonOperator', 'v1', '2026-03-01 00:02:00.000000');
INSERT INTO task_instance VALUES ('b', 'predict', 'score', 'asset_triggered__x', 0, '2026-03-02 00:01:00.000000', '2026-03-02 00:02:00.000000', 'up_for_retry', 1, 3, 'w', 'PythonOperator', 'v2', '2026-03-02 00:02:00.000000');
INSERT INTO task_instance VALUES ('c', 'predict', 'score', 'purged_run', 0, '2026-02-02 00:01:00.000000', '2026-02-02 00:02:00.000000', 'success', 1, 3, 'w', 'PythonOperator', 'v1', '2026-02-02 00:02:00.000000');
CREATE TABLE task_instance_history (id CHAR(32), task_id VARCHAR(250), dag_id VARCHAR(250), run_id VARCHAR(250), map_index INTEGER, start_date TIMESTAMP,
  end_date TIMESTAMP, state VARCHAR(20), try_number INTEGER, hostname VARCHAR(1000), operator VARCHAR(1000), dag_version_id CHAR(32));
INSERT INTO task_instance_history VALUES ('z', 'predict', 'score', 'manual__2026-03-01T00:00:00+00:00', 0, '2026-03-01 00:00:10.000000', '2026-03-01 00:00:50.000000', 'failed', 1, 'w', 'PythonOperator', 'v1');
CREATE TABLE asset (id INTEGER PRIMARY KEY, name VARCHAR(1500), uri VARCHAR(1500), "group" VARCHAR(1500), extra JSON);
INSERT INTO asset VALUES (1, 'customers', 's3a://Lake/customers/', 'asset', '{}'), (2, 'scores', 's3://lake/scores', 'asset', '{}');
CREATE TABLE asset_event (id INTEGER PRIMARY KEY, asset_id INTEGER, extra JSON, source_task_id VARCHAR(250), source_dag_id VARCHAR(250),
  source_run_id VARCHAR(250), source_map_index INTEGER, timestamp TIMESTAMP);
INSERT INTO asset_event VALUES (1, 2, '{}', 'predict', 'score', 'manual__2026-03-01T00:00:00+00:00', 0, '2026-03-01 00:02:00.000000');
INSERT INTO asset_event VALUES (2, 1, '{}', NULL, NULL, NULL, -1, '2026-03-02 00:00:00.000000');
CREATE TABLE dagrun_asset_event (dag_run_id INTEGER, event_id INTEGER);
INSERT INTO dagrun_asset_event VALUES (2, 2);
CREATE TABLE dag_schedule_asset_reference (asset_id INTEGER, dag_id VARCHAR(250));
INSERT INTO dag_schedule_asset_reference VALUES (1, 'score');
CREATE TABLE task_inlet_asset_reference (asset_id INTEGER, dag_id VARCHAR(250), task_id VARCHAR(250));
INSERT INTO task_inlet_asset_reference VALUES (1, 'score', 'predict');
CREATE TABLE task_outlet_asset_reference (asset_id INTEGER, dag_id VARCHAR(250), task_id VARCHAR(250));
INSERT INTO task_outlet_asset_reference VALUES (2, 'score', 'predict');
CREATE TABLE serialized_dag (id CHAR(32), dag_id VARCHAR(250), data JSON, data_compressed BLOB, last_updated TIMESTAMP, dag_hash VARCHAR(32), dag_version_id CHAR(32));
INSERT INTO serialized_dag VALUES ('s1', 'score', '{"__version": 3, "dag": {"dag_id": "score", "tasks": [{"__type": "operator", "__var": {"task_id": "predict", "task_type": "PythonOperator", "owner": "ml", "inlets": [{"__type": "asset", "__var": {"name": "old", "uri": "s3://lake/old", "group": "asset", "extra": {}}}]}}]}}', NULL, '2026-03-01 00:00:00.000000', 'h1', 'v1');
INSERT INTO serialized_dag VALUES ('s2', 'score', '{"__version": 3, "dag": {"dag_id": "score", "tasks": [{"__type": "operator", "__var": {"task_id": "predict", "task_type": "PythonOperator", "owner": "ml", "inlets": [{"__type": "asset", "__var": {"name": "customers", "uri": "s3a://Lake/customers/", "group": "asset", "extra": {}}}, {"__type": "asset_alias", "__var": {"name": "later", "group": ""}}]}}]}}', NULL, '2026-03-02 00:00:00.000000', 'h2', 'v2');
CREATE TABLE log (id INTEGER PRIMARY KEY, dttm TIMESTAMP, dag_id VARCHAR(250), task_id VARCHAR(250), map_index INTEGER, event VARCHAR(60),
  logical_date TIMESTAMP, run_id VARCHAR(250), owner VARCHAR(500), owner_display_name VARCHAR(500), extra TEXT, try_number INTEGER);
INSERT INTO log VALUES (1, '2026-03-01 00:00:00.000000', 'score', NULL, NULL, 'trigger_dag_run', NULL, NULL, 'nina', 'Nina Berg', '{"method": "POST"}', NULL);
INSERT INTO log VALUES (2, '2026-03-01 00:05:00.000000', 'score', NULL, NULL, 'clear_dag_run', NULL, 'asset_triggered__x', 'omar', 'Omar', '{}', NULL);
