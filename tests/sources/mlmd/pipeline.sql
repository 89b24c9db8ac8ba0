-- A TFX-like pipeline "grades" with one run, 2026-02-01 06:00 to 06:40 UTC (1769925600000 ms), with every kind of event
-- and state. What is not TFX's: execution 6 is of Kubeflow Pipelines 2.
INSERT INTO `Type` (`id`, `name`, `type_kind`) VALUES
  (1, 'mlmd.Dataset', 1), (2, 'mlmd.Model', 1), (3, 'mlmd.Train', 0), (10, 'Examples', 1), (11, 'Model', 1),
  (12, 'ModelBlessing', 1), (13, 'PushedModel', 1), (14, 'Gradebook', 1),
  (20, 'tfx.components.example_gen.csv_example_gen.component.CsvExampleGen', 0),
  (21, 'tfx.components.trainer.component.Trainer', 0), (22, 'tfx.components.evaluator.component.Evaluator', 0),
  (23, 'tfx.components.pusher.component.Pusher', 0), (24, 'system.ContainerExecution', 0),
  (30, 'pipeline', 2), (31, 'pipeline_run', 2), (32, 'node', 2), (33, 'system.Pipeline', 2), (34, 'system.PipelineRun', 2);
INSERT INTO `ParentType` VALUES (10, 1), (11, 2), (14, 2), (21, 3);
INSERT INTO `Context` VALUES
  (1, 30, 'grades', NULL, 1769925600000, 1769925600000),
  (2, 31, 'grades.2026-02-01', NULL, 1769925600000, 1769928000000),
  (3, 32, 'grades.Fitter', NULL, 1769925600000, 1769925600000),
  (4, 33, 'namespace/n1/pipeline/marks', NULL, 1769925600000, 1769925600000),
  (5, 34, '0c1d2e3f-0000-4000-8000-00000000000a', NULL, 1769925600000, 1769925600000);
INSERT INTO `ParentContext` VALUES (2, 1), (5, 4);
INSERT INTO `Artifact` VALUES
  (1, 10, 's3://school/grades/examples/1', 2, NULL, NULL, 1769925600000, 1769925600000),
  (2, 11, 's3://school/grades/model/2', 2, NULL, NULL, 1769926200000, 1769926200000),
  (3, 12, 's3://school/grades/blessing/3', 2, NULL, NULL, 1769926800000, 1769926800000),
  (4, 13, 's3://school/grades/pushed/4', 2, NULL, NULL, 1769927400000, 1769927400000),
  (5, 11, 's3://school/grades/model/0', 4, NULL, NULL, 1769839200000, 1769925000000),
  (6, 14, 's3://school/grades/book/6', 1, 'book', NULL, 1769926200000, 1769926200000),
  (7, 13, 's3://school/grades/pushed/7', 2, NULL, NULL, 1769927460000, 1769927460000),
  (8, 10, '', 2, NULL, NULL, 1769925600000, 1769925600000);
INSERT INTO `ArtifactProperty` (`artifact_id`, `name`, `is_custom_property`, `int_value`, `string_value`) VALUES
  (1, 'span', 0, 5, NULL), (1, 'input_fingerprint', 1, NULL, 'xor:17000'), (2, 'name', 1, NULL, 'model'),
  (2, 'api_key', 1, NULL, 'hunter2hunter2hunter2'), (3, 'blessed', 1, 1, NULL), (3, 'current_model_id', 1, 2, NULL),
  (4, 'pushed', 1, 1, NULL), (4, 'pushed_destination', 1, NULL, '/srv/serving/grades/1769925600');
INSERT INTO `Execution` VALUES
  (1, 20, 3, NULL, NULL, 1769925600000, 1769925660000),
  (2, 21, 3, 'grades.2026-02-01.Fitter', NULL, 1769925720000, 1769926200000),
  (3, 22, 5, NULL, NULL, 1769926260000, 1769926800000),
  (4, 23, 3, NULL, NULL, 1769926860000, 1769927400000),
  (5, 23, 4, NULL, NULL, 1769927430000, 1769927460000),
  (6, 24, 6, NULL, NULL, 1769927500000, 1769927600000),
  (7, 24, 2, NULL, NULL, 1769927500000, 1769927600000);
INSERT INTO `ExecutionProperty` (`execution_id`, `name`, `is_custom_property`, `int_value`, `string_value`) VALUES
  (1, 'component_id', 0, NULL, 'CsvExampleGen'), (2, 'user', 1, NULL, 'ida.frey'),
  (3, 'component_id', 0, NULL, 'Evaluator'), (4, 'component_id', 0, NULL, 'Pusher'),
  (5, 'component_id', 0, NULL, 'Pusher'), (6, 'task_name', 1, NULL, 'train'), (7, 'task_name', 1, NULL, 'score'),
  (7, 'parent_dag_id', 1, 6, NULL);
INSERT INTO `Association` (`context_id`, `execution_id`) VALUES
  (1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (1, 3), (2, 3), (1, 4), (2, 4), (1, 5), (2, 5), (4, 6), (5, 6), (4, 7), (5, 7);
INSERT INTO `Attribution` (`context_id`, `artifact_id`) VALUES (1, 1), (2, 1), (1, 2), (2, 2), (2, 3), (2, 4), (1, 5), (2, 6);
INSERT INTO `Event` (`id`, `artifact_id`, `execution_id`, `type`, `milliseconds_since_epoch`) VALUES
  (1, 1, 1, 4, 1769925660000),
  (2, 1, 2, 3, 1769925720000), (3, 5, 2, 5, 1769925720000), (4, 2, 2, 4, 1769926200000), (5, 6, 2, 7, 1769926200000),
  (6, 2, 3, 3, 1769926260000), (7, 1, 3, 2, 1769926260000), (8, 3, 3, 4, 1769926800000),
  (9, 2, 4, 3, 1769926860000), (10, 4, 4, 4, 1769927400000),
  (11, 2, 5, 3, 1769927430000), (12, 7, 5, 4, 1769927460000),
  (13, 99, 6, 3, 1769927500000), (14, 8, 7, 3, 1769927500000);
INSERT INTO `EventPath` VALUES (4, 0, NULL, 'model'), (4, 1, 0, NULL);
INSERT INTO `ArtifactProperty` (`artifact_id`, `name`, `is_custom_property`, `string_value`) VALUES
  (7, 'pushed_destination', 1, '/srv/serving/grades/1769925700');
