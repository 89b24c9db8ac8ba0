-- A Kubeflow Model Registry with the model "grader", versions v1 and v2, an archived model, an environment "school" with
-- two inference services, 2026-03-01 09:00 UTC (1772355600000 ms) and later. Shapes: kubeflow/hub internal/db/service.
INSERT INTO `Type` (`id`, `name`, `type_kind`) VALUES
  (1, 'kf.RegisteredModel', 2), (2, 'kf.ModelVersion', 2), (3, 'kf.DocArtifact', 1), (4, 'kf.ModelArtifact', 1),
  (5, 'kf.ServingEnvironment', 2), (6, 'kf.InferenceService', 2), (7, 'kf.ServeModel', 0), (8, 'kf.Experiment', 2),
  (9, 'kf.ExperimentRun', 2), (10, 'kf.DataSet', 1), (11, 'kf.Metric', 1);
INSERT INTO `Context` VALUES
  (1, 1, 'grader', 'ext-1', 1772355600000, 1772355700000),
  (2, 2, '1:v1', NULL, 1772355660000, 1772355660000),
  (3, 2, '1:v2', NULL, 1772442000000, 1772442000000),
  (4, 5, 'school', NULL, 1772355600000, 1772355600000),
  (5, 6, '4:grader-api/0b0e3f52-0000-4000-8000-000000000001', NULL, 1772445600000, 1772445600000),
  (6, 6, '4:grader-batch', NULL, 1772445600000, 1772449200000),
  (7, 1, 'old-grader', NULL, 1772355600000, 1772355600000),
  (8, 8, 'grading', NULL, 1772355600000, 1772355600000),
  (9, 9, '8:run-a', NULL, 1772355600000, 1772355650000);
INSERT INTO `ContextProperty` (`context_id`, `name`, `is_custom_property`, `int_value`, `string_value`) VALUES
  (1, 'owner', 0, NULL, 'ida.frey'), (1, 'state', 0, NULL, 'LIVE'), (1, 'description', 0, NULL, 'Grades essays'),
  (2, 'registered_model_id', 0, 1, NULL), (2, 'author', 0, NULL, 'ida.frey'), (2, 'state', 0, NULL, 'ARCHIVED'),
  (3, 'registered_model_id', 0, 1, NULL), (3, 'author', 0, NULL, 'jon.aas'), (3, 'state', 0, NULL, 'LIVE'),
  (3, 'accuracy', 1, NULL, '0.93'),
  (5, 'registered_model_id', 0, 1, NULL), (5, 'model_version_id', 0, 3, NULL), (5, 'serving_environment_id', 0, 4, NULL),
  (5, 'desired_state', 0, NULL, 'DEPLOYED'), (5, 'runtime', 0, NULL, 'mlserver'),
  (6, 'registered_model_id', 0, 1, NULL), (6, 'serving_environment_id', 0, 4, NULL),
  (6, 'desired_state', 0, NULL, 'UNDEPLOYED'), (7, 'state', 0, NULL, 'ARCHIVED'),
  (9, 'experiment_id', 0, 8, NULL), (9, 'status', 0, NULL, 'FINISHED'), (9, 'owner', 0, NULL, 'jon.aas'),
  (9, 'start_time_since_epoch', 0, 1772355610000, NULL), (9, 'end_time_since_epoch', 0, 1772355650000, NULL);
INSERT INTO `Artifact` VALUES
  (1, 4, 's3://school/models/grader/1', 2, '2:grader', NULL, 1772355660000, 1772355660000),
  (2, 4, 's3://school/models/grader/2', 2, '3:grader', NULL, 1772442000000, 1772442000000),
  (3, 3, 'https://wiki.school.example/grader', 2, '3:card', NULL, 1772442000000, 1772442000000),
  (4, 10, 's3://school/essays/2026-02', 2, '9:essays', NULL, 1772355610000, 1772355610000),
  (5, 11, NULL, 2, '9:loss', NULL, 1772355610000, 1772355610000);
INSERT INTO `ArtifactProperty` (`artifact_id`, `name`, `is_custom_property`, `string_value`) VALUES
  (1, 'model_source_kind', 0, 'pipelines'), (1, 'model_source_class', 0, 'pipelinerun'),
  (1, 'model_source_group', 0, 'school'), (1, 'model_source_id', 0, '0c1d2e3f-0000-4000-8000-00000000000a'),
  (1, 'model_format_name', 0, 'onnx'), (4, 'digest', 0, 'd1'), (4, 'source_type', 0, 's3');
INSERT INTO `Attribution` (`context_id`, `artifact_id`) VALUES (2, 1), (3, 2), (3, 3), (9, 4), (9, 5);
INSERT INTO `Execution` VALUES
  (1, 7, 2, '6:first', NULL, 1772355720000, 1772355780000),
  (2, 7, 1, '5:planned', NULL, 1772445600000, 1772445600000);
INSERT INTO `ExecutionProperty` (`execution_id`, `name`, `is_custom_property`, `int_value`) VALUES
  (1, 'model_version_id', 0, 2), (2, 'model_version_id', 0, 3);
INSERT INTO `Association` (`context_id`, `execution_id`) VALUES (6, 1), (5, 2);
