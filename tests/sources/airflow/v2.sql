-- Airflow 2.6: execution_date, datasets, no history of tries, audit log without run ids (columns of its first migration).
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
INSERT INTO alembic_version VALUES ('98ae134e6fff');
CREATE TABLE log_template (id INTEGER PRIMARY KEY, filename TEXT, elasticsearch_id TEXT, created_at TIMESTAMP);
INSERT INTO log_template VALUES (1, 'a', 'b', '2023-01-02 03:04:05.000006');
CREATE TABLE dag (dag_id VARCHAR(250) PRIMARY KEY, is_paused BOOLEAN, is_active BOOLEAN, last_parsed_time TIMESTAMP,
  fileloc VARCHAR(2000), owners VARCHAR(2000), description TEXT, schedule_interval TEXT, timetable_description VARCHAR(1000));
INSERT INTO dag VALUES ('train', 0, 1, '2023-06-02 00:00:00.000000', '/dags/train.py', 'ml, data', 'Trains churn', '"@daily"', 'At 00:00');
INSERT INTO dag VALUES ('report', 1, 0, '2023-06-02 00:00:00.000000', '/dags/report.py', 'bi', NULL, 'null', NULL);
CREATE TABLE dag_tag (name VARCHAR(100), dag_id VARCHAR(250));
INSERT INTO dag_tag VALUES ('ml', 'train');
CREATE TABLE dag_run (id INTEGER PRIMARY KEY, dag_id VARCHAR(250), queued_at TIMESTAMP, execution_date TIMESTAMP,
  start_date TIMESTAMP, end_date TIMESTAMP, state VARCHAR(50), run_id VARCHAR(250), creating_job_id INTEGER,
  external_trigger BOOLEAN, run_type VARCHAR(50), conf BLOB, data_interval_start TIMESTAMP, data_interval_end TIMESTAMP,
  last_scheduling_decision TIMESTAMP, dag_hash VARCHAR(32), updated_at TIMESTAMP);
INSERT INTO dag_run VALUES (1, 'train', NULL, '2023-06-01 00:00:00.000000', '2023-06-02 00:00:01.000000',
  '2023-06-02 00:10:00.000000', 'failed', 'scheduled__2023-06-01T00:00:00+00:00', 9, 0, 'scheduled', X'80059503',
  '2023-06-01 00:00:00.000000', '2023-06-02 00:00:00.000000', NULL, NULL, '2023-06-02 00:10:00.000000');
INSERT INTO dag_run VALUES (2, 'train', NULL, '2023-06-02 09:30:00.123456', '2023-06-02 09:30:01.000000',
  '2023-06-02 09:40:00.000000', 'success', 'manual__2023-06-02T09:30:00.123456+00:00', NULL, 1, 'manual', X'80059503',
  '2023-06-02 09:30:00.123456', '2023-06-02 09:30:00.123456', NULL, NULL, '2023-06-02 09:40:00.000000');
INSERT INTO dag_run VALUES (3, 'train', '2023-06-03 00:00:00.500000', '2023-06-02 00:00:00.000000', '2023-06-03 00:00:01.000000',
  NULL, 'running', 'scheduled__2023-06-02T00:00:00+00:00', 9, 0, 'scheduled', X'80059503',
  '2023-06-02 00:00:00.000000', '2023-06-03 00:00:00.000000', NULL, NULL, '2023-06-03 00:00:05.000000');
CREATE TABLE task_instance (task_id VARCHAR(250), dag_id VARCHAR(250), run_id VARCHAR(250), map_index INTEGER,
  start_date TIMESTAMP, end_date TIMESTAMP, duration FLOAT, state VARCHAR(20), try_number INTEGER, max_tries INTEGER,
  hostname VARCHAR(1000), unixname VARCHAR(1000), operator VARCHAR(1000), executor_config BLOB, updated_at TIMESTAMP);
INSERT INTO task_instance VALUES ('prepare', 'train', 'scheduled__2023-06-01T00:00:00+00:00', -1, '2023-06-02 00:00:02.000000',
  '2023-06-02 00:05:00.000000', 298, 'success', 1, 2, 'w1', 'airflow', 'PythonOperator', X'80057D942E', '2023-06-02 00:05:00.000000');
INSERT INTO task_instance VALUES ('fit', 'train', 'scheduled__2023-06-01T00:00:00+00:00', -1, '2023-06-02 00:06:00.000000',
  '2023-06-02 00:09:59.000000', 239, 'failed', 3, 2, 'w1', 'airflow', 'PythonOperator', X'80057D942E', '2023-06-02 00:10:00.000000');
INSERT INTO task_instance VALUES ('publish', 'train', 'scheduled__2023-06-01T00:00:00+00:00', -1, '2023-06-02 00:10:00.000000',
  '2023-06-02 00:10:00.000000', 0, 'upstream_failed', 0, 0, '', 'airflow', 'PythonOperator', X'80057D942E', '2023-06-02 00:10:00.000000');
INSERT INTO task_instance VALUES ('prepare', 'train', 'manual__2023-06-02T09:30:00.123456+00:00', -1, '2023-06-02 09:30:02.000000',
  '2023-06-02 09:35:00.000000', 298, 'success', 1, 2, 'w2', 'airflow', 'PythonOperator', X'80057D942E', '2023-06-02 09:35:00.000000');
INSERT INTO task_instance VALUES ('fit', 'train', 'manual__2023-06-02T09:30:00.123456+00:00', -1, '2023-06-02 09:36:00.000000',
  '2023-06-02 09:39:00.000000', 180, 'success', 1, 2, 'w2', 'airflow', 'PythonOperator', X'80057D942E', '2023-06-02 09:39:00.000000');
INSERT INTO task_instance VALUES ('notify', 'train', 'manual__2023-06-02T09:30:00.123456+00:00', -1, '2023-06-02 09:39:30.000000',
  '2023-06-02 09:39:30.000000', 0, 'skipped', 0, 0, '', 'airflow', 'EmailOperator', X'80057D942E', '2023-06-02 09:39:30.000000');
INSERT INTO task_instance VALUES ('prepare', 'train', 'scheduled__2023-06-02T00:00:00+00:00', -1, '2023-06-03 00:00:02.000000',
  NULL, NULL, 'running', 1, 2, 'w1', 'airflow', 'PythonOperator', X'80057D942E', '2023-06-03 00:00:05.000000');
INSERT INTO task_instance VALUES ('fit', 'train', 'scheduled__2023-06-02T00:00:00+00:00', -1, NULL,
  NULL, NULL, NULL, 0, 2, '', 'airflow', 'PythonOperator', X'80057D942E', '2023-06-03 00:00:05.000000');
CREATE TABLE dataset (id INTEGER PRIMARY KEY, uri VARCHAR(3000), extra JSON, created_at TIMESTAMP, updated_at TIMESTAMP, is_orphaned BOOLEAN);
INSERT INTO dataset VALUES (1, 's3://lake/churn/features', '{}', '2023-06-01 00:00:00', '2023-06-01 00:00:00', 0);
INSERT INTO dataset VALUES (2, 'postgres://db:5432/shop/public/orders', '{}', '2023-06-01 00:00:00', '2023-06-01 00:00:00', 0);
INSERT INTO dataset VALUES (3, 'gone', '{}', '2023-06-01 00:00:00', '2023-06-01 00:00:00', 1);
CREATE TABLE dataset_event (id INTEGER PRIMARY KEY, dataset_id INTEGER, extra JSON, timestamp TIMESTAMP,
  source_task_id VARCHAR(250), source_dag_id VARCHAR(250), source_run_id VARCHAR(250), source_map_index INTEGER);
INSERT INTO dataset_event VALUES (1, 1, '{"token": "hunter2"}', '2023-06-02 09:35:00.100000', 'prepare', 'train', 'manual__2023-06-02T09:30:00.123456+00:00', -1);
INSERT INTO dataset_event VALUES (2, 1, '{}', '2023-05-01 00:05:00.000000', 'prepare', 'train', 'scheduled__2023-04-30T00:00:00+00:00', -1);
INSERT INTO dataset_event VALUES (3, 2, '{"from_rest_api": true}', '2023-06-02 23:00:00.000000', NULL, NULL, NULL, -1);
CREATE TABLE dag_schedule_dataset_reference (dataset_id INTEGER, dag_id VARCHAR(250), created_at TIMESTAMP, updated_at TIMESTAMP);
INSERT INTO dag_schedule_dataset_reference VALUES (1, 'report', '2023-06-01 00:00:00', '2023-06-01 00:00:00');
CREATE TABLE task_outlet_dataset_reference (dataset_id INTEGER, dag_id VARCHAR(250), task_id VARCHAR(250), created_at TIMESTAMP, updated_at TIMESTAMP);
INSERT INTO task_outlet_dataset_reference VALUES (1, 'train', 'prepare', '2023-06-01 00:00:00', '2023-06-01 00:00:00');
CREATE TABLE dagrun_dataset_event (dag_run_id INTEGER, event_id INTEGER);
CREATE TABLE serialized_dag (dag_id VARCHAR(250) PRIMARY KEY, fileloc VARCHAR(2000), last_updated TIMESTAMP, dag_hash VARCHAR(32), data JSON, data_compressed BLOB);
INSERT INTO serialized_dag VALUES ('train', '/dags/train.py', '2023-06-01 00:00:00.000000', 'h',
 '{"__version": 1, "dag": {"_dag_id": "train", "tasks": [{"task_id": "prepare", "_task_type": "PythonOperator", "inlets": [{"__type": "dataset", "__var": {"uri": "postgres://db:5432/shop/public/orders", "extra": null}}], "outlets": [{"__type": "dataset", "__var": {"uri": "s3://lake/churn/features", "extra": null}}]}, {"task_id": "fit", "_task_type": "PythonOperator", "owner": "ml"}]}}', NULL);
INSERT INTO serialized_dag VALUES ('report', '/dags/report.py', '2023-06-01 00:00:00.000000', 'h', NULL, X'789C0000');
CREATE TABLE log (id INTEGER PRIMARY KEY, dttm TIMESTAMP, dag_id VARCHAR(250), task_id VARCHAR(250), map_index INTEGER,
  event VARCHAR(30), execution_date TIMESTAMP, owner VARCHAR(500), extra TEXT);
INSERT INTO log VALUES (1, '2023-06-02 00:09:59.000000', 'train', 'fit', -1, 'failed', '2023-06-01 00:00:00.000000', 'ml', NULL);
INSERT INTO log VALUES (2, '2023-06-02 09:29:00.000000', 'train', NULL, NULL, 'graph', NULL, 'nina', '[("dag_id", "train")]');
INSERT INTO log VALUES (3, '2023-06-02 09:30:00.200000', 'train', NULL, NULL, 'trigger', '2023-06-02 09:30:00.123456', 'nina',
 '[("dag_id", "train"), ("conf", "{\"password\": \"hunter2\"}")]');
INSERT INTO log VALUES (4, '2023-06-02 10:00:00.000000', 'train', 'fit', NULL, 'success', '2023-06-01 00:00:00.000000', 'omar', '[("confirmed", "true")]');
INSERT INTO log VALUES (5, '2023-06-02 10:05:00.000000', NULL, NULL, NULL, 'cli_scheduler', NULL, 'airflow', '{"full_command": "hunter2"}');
INSERT INTO log VALUES (6, '2023-06-02 10:06:00.000000', 'train', NULL, NULL, 'cli_dags_pause', NULL, 'root', '{}');
INSERT INTO log VALUES (7, 'soon', 'train', NULL, NULL, 'clear', NULL, 'omar', NULL);
CREATE TABLE ab_user (id INTEGER PRIMARY KEY, first_name VARCHAR(256), last_name VARCHAR(256), username VARCHAR(512), password VARCHAR(256), active BOOLEAN, email VARCHAR(512));
INSERT INTO ab_user VALUES (1, 'Nina', 'Berg', 'nina', 'pbkdf2:hunter2', 1, 'nina@example.com');
CREATE TABLE connection (id INTEGER PRIMARY KEY, conn_id VARCHAR(250), password VARCHAR(5000));
INSERT INTO connection VALUES (1, 'lake', 'hunter2');
