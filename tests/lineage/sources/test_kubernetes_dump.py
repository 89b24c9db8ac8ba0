"""What do exported Kubernetes objects prove about what ran, and what do they leave open?"""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Claim, Coverage, Entity, Happened
from lineage.model.moment import parse
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import kubernetes_dump
from lineage.sources._model_claims import is_model_server
from lineage.sources._workload import read_workload

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "kubernetes_dump"
NAMES = ["live-list.json", "knative.yaml", "declared.yaml", "list.yaml"]


def outcomes(path: Path, **labels: str) -> list[tuple[Record | None, list]]:
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in kubernetes_dump.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else list(kubernetes_dump.read(record, origin))
        assert said, "a record must end as something"
        found.append((record if isinstance(record, Record) else None, said))
    return found


def facts(path: Path, kind: type, **labels: str) -> list:
    """The facts of one kind in a file."""
    return [fact for _, said in outcomes(path, **labels) for fact in said if isinstance(fact, kind)]


@pytest.mark.parametrize("name", NAMES)
def test_exports_and_manifests_are_recognised(name):
    """JSON and YAML, single, list and several documents are known by kind and API group at the top of an object."""
    source, confidence = recognise(sample_of(file_input(SAMPLES / name)))

    assert (source.NAME, confidence > 0.8) == ("kubernetes-dump", True)


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  ignore:\n  - kind: Deployment\n",
        "apiVersion: openslo/v1\nkind: SLO\nspec: {}\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n",
        '{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","responseObject":{"kind":"InferenceService"}}',
        '{"eventType":"START","run":{}}',
    ],
)
def test_what_belongs_to_other_sources_is_left_to_them(text):
    """An Argo application, an SLO, a role, an audit event: none is an object that serves models."""
    assert kubernetes_dump.recognises(Sample("x", text.encode())) == 0


def test_a_stored_object_is_seen_running_at_its_greatest_time():
    """live-list.json: created 1 May, spec written 1 June 09:30, ready 09:32; nobody is named."""
    path = SAMPLES / "live-list.json"
    (entity,), (seen,) = facts(path, Entity), facts(path, Happened)

    assert seen.type == "observe"
    assert (
        seen.subject
        == entity.key
        == ("target", "kubernetes://kubernetes_dump", "prod/inferenceservices/fraud")
    )
    assert seen.at == parse("2026-06-01T09:32:00.999999Z"), "the end of the second that the object names"
    assert seen.detail["spec_changed"] == "2026-06-01T09:30:00Z"
    assert entity.created == parse("2026-05-01T08:00:00Z")
    assert (entity.attributes["url"], entity.attributes["environment"]) == (
        "http://fraud.prod.example.com",
        "prod",
    )
    assert seen.actor is None
    assert seen.change == {"ticket": "CHG-1"}


def test_a_workload_has_its_parts_shares_resources_and_claims():
    """live-list.json: 10 % to fraud/3 with two to four replicas and a GPU, features pinned by digest."""
    (seen,) = facts(SAMPLES / "live-list.json", Happened)
    predictor, transformer = seen.workload.components

    assert (predictor.name, predictor.uri, predictor.weight) == ("predictor", "s3://models/fraud/3", 0.1)
    assert predictor.claims == (
        Claim("registry-label", "7/12", "metadata.labels[modelregistry.kubeflow.org/model-version-id]"),
        Claim("artifact-uri", "s3://models/fraud/3", "spec.predictor.model.storageUri"),
        Claim("name", "fraud", "metadata.name"),
    )
    assert transformer.image.startswith("example/features@sha256:")
    assert seen.workload.resources == {
        "min_replicas": "2",
        "max_replicas": "4",
        "cpu": "2",
        "memory": "4Gi",
        "gpu": "1",
        "gpu_type": "nvidia.com/gpu",
        "image_digest": "sha256:" + "a" * 64,
    }
    assert "kubectl.kubernetes.io/last-applied-configuration" not in seen.workload.annotations


def test_a_list_is_complete_only_at_a_time_that_a_person_gave():
    """The objects say when each changed, not when they were listed: without the label nothing can be missing."""
    path = SAMPLES / "live-list.json"
    (without,) = facts(path, Coverage)
    (given,) = facts(path, Coverage, observed_at="2026-06-05T00:00:00Z", cluster="prod-eu")

    assert not without.complete
    assert given.complete
    assert given.since == given.until == parse("2026-06-05T00:00:00Z")
    assert given.listing == "kubernetes-dump:prod-eu/prod/inferenceservices"


def test_items_of_a_json_list_are_records_and_other_kinds_are_left_out():
    """The ConfigMap is its own record with its own bytes, filtered by kind."""
    (first, _), (second, said) = outcomes(SAMPLES / "live-list.json")

    assert (first.row, second.row) == ("/items/0", "/items/1")
    assert json.loads(second.raw)["kind"] == "ConfigMap"
    assert said == [Filtered("kind")]


def test_knative_names_its_modifier_and_shares_traffic_by_revision():
    """knative.yaml: 20 % to the newest revision, 80 % to the first; a website and KServe's copy are left out."""
    found = outcomes(SAMPLES / "knative.yaml")
    (seen,) = (fact for fact in found[0][1] if isinstance(fact, Happened))

    assert [(part.name, part.weight) for part in seen.workload.components] == [
        ("user-container", 0.2),
        ("revision/score-00001", 0.8),
    ]
    assert seen.workload.components[0].uri == "s3://models/score/2"
    assert (seen.actor.name, seen.actor_kind) == ("system:serviceaccount:ci:deployer", "service-account")
    assert seen.detail["creator"] == "ann@example.com"
    assert [said for _, said in found[1:]] == [[Filtered("no-model-evidence")], [Filtered("owned-by")]]


def test_a_manifest_is_declared_and_never_a_deployment():
    """declared.yaml carries no uid, time or status anywhere: five targets, no happening, a template that is none."""
    path = SAMPLES / "declared.yaml"
    found = outcomes(path)

    assert facts(path, Happened) == facts(path, Coverage) == []
    targets = {entity.key.name: entity.attributes for entity in facts(path, Entity)}
    assert {name: said["declared_uris"] for name, said in targets.items()} == {
        "prod/seldondeployments/churn": [
            "s3://mlflow/1/0123456789abcdef0123456789abcdef/artifacts/model",
            "s3://mlflow/1/models/m-fedcba9876543210fedcba9876543210/artifacts",
        ],
        "default/models/income": ["gs://models/income/4"],
        "prod/rollouts/rank": [],
        "prod/bentodeployments/quote": [],
        "prod/inferenceservices/flowers": ["gs://models/flowers/1", "gs://models/flowers/2"],
    }
    assert all(said["declared"] is True for said in targets.values())
    assert targets["default/models/income"]["namespace_assumed"] is True
    assert found[5][1] == [Filtered("kind")]
    ((problem,),) = [said for _, said in found[6:]]
    text = path.read_text("utf-8").splitlines()
    assert (problem.code, "{{" in text[problem.line - 1]) == ("malformed-yaml", True)


@pytest.mark.parametrize(
    ("number", "resource", "parts"),
    [
        (
            0,
            "seldondeployments",
            [("main/classifier", 0.75, "run-id"), ("next/classifier", 0.25, "logged-model-id")],
        ),
        (1, "models", [("model", None, "artifact-uri")]),
        (2, "rollouts", [("server", 0.2, "template-annotation")]),
        (3, "bentodeployments", [("bento", None, "version-label")]),
        (4, "inferenceservices", [("predictor", 0.9, "artifact-uri"), ("canary", 0.1, "artifact-uri")]),
    ],
)
def test_each_platform_keeps_its_model_elsewhere(number, resource, parts):
    """Seldon's graph, its second version's Model, a rollout's first step, a bento's tag, KServe's first form."""
    documents = list(yaml.safe_load_all((SAMPLES / "declared.yaml").read_text("utf-8").rpartition("---")[0]))
    components = read_workload(resource, documents[number]).workload.components

    assert [(part.name, part.weight) for part in components] == [part[:2] for part in parts]
    for component, (_, _, kind) in zip(components, parts, strict=True):
        assert kind in {claim.kind for claim in component.claims}


def test_a_model_server_is_told_from_its_neighbours_in_a_yaml_list():
    """list.yaml: vLLM serves a model; MLflow's own server, with a bucket and a checksum, serves none."""
    path = SAMPLES / "list.yaml"
    (seen,) = facts(path, Happened)

    assert seen.subject.name == "chat/deployments/llm"
    assert [(claim.kind, claim.value) for claim in seen.workload.components[0].claims] == [
        ("image", "vllm/vllm-openai:v0.9.0"),
        ("version-label", "4"),
        ("name", "org/chat-7b"),
        ("name", "llm"),
    ]
    assert seen.workload.resources["gpu"] == "2"


def test_two_forms_of_one_object_have_one_fingerprint_and_scaling_does_not_change_it():
    """JSON numbers and YAML text agree; replicas belong to autoscalers, but none at all serves nothing."""
    spec = {
        "replicas": 2,
        "template": {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80}]}]}},
    }
    as_text = json.loads(json.dumps(spec).replace("80", '"80"').replace('"replicas": 2', '"replicas": "7"'))

    def mark(spec):
        body = {"metadata": {"name": "x", "resourceVersion": "1"}, "spec": spec, "status": {"a": 1}}
        return read_workload("deployments", body).workload.fingerprint

    assert mark(spec) == mark(as_text)
    assert mark({**spec, "replicas": 0}) != mark(spec)


def test_labels_of_a_change_are_no_part_of_the_fingerprint_but_those_of_the_model_are():
    """A new ticket serves nothing new; another model URI in an annotation does."""

    def mark(**notes):
        body = {"metadata": {"name": "x", "annotations": notes}, "spec": {"predictor": {"sklearn": {}}}}
        return read_workload("inferenceservices", body).workload.fingerprint

    assert mark(ticket="A") == mark(ticket="B") == mark()
    assert mark(**{"mlflow.org/model-uri": "models:/a/1"}) != mark(**{"mlflow.org/model-uri": "models:/a/2"})


@pytest.mark.parametrize(
    "image",
    [
        "kserve/kserve-controller:v0.15",
        "kserve/storage-initializer:v0.15",
        "seldonio/seldon-core-operator:1.18",
        "ghcr.io/open-webui/open-webui:main",
        "postgres:17",
        "ghcr.io/mlflow/mlflow:v3.4.0",
        "kubeflow/model-registry:v0.3",
        "quay.io/argoproj/argo-rollouts:v1.8",
    ],
)
def test_what_stands_beside_model_servers_is_none(image):
    """Controllers, registries and user interfaces run in Deployments too and serve no model."""
    assert not is_model_server(image)


def test_malformed_values_are_problems_with_their_field():
    """A share of 150 % and a URI that is a list are named; the rest is read."""
    body = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "a", "uid": "1", "creationTimestamp": "soon"},
        "spec": {"predictor": {"canaryTrafficPercent": 150, "sklearn": {"storageUri": ["s3://a"]}}},
    }
    said = list(kubernetes_dump.read(Record(json.dumps(body).encode()), Origin("x")))

    assert [(one.code, one.field) for one in said if isinstance(one, Problem)] == [
        ("bad-value", "spec.predictor.canaryTrafficPercent"),
        ("bad-value", "spec.predictor.sklearn.storageUri"),
        ("bad-time", "metadata.creationTimestamp"),
        ("missing-field", "metadata.creationTimestamp"),
    ]
    assert any(isinstance(one, Entity) for one in said)


@pytest.mark.parametrize("junk", [None, 0, "x", [], [1], {}, {"a": []}, True])
def test_no_wrong_value_anywhere_raises(junk):
    """Whatever stands in a field, the record ends as facts, a reason or a problem."""

    def spoil(value):
        if isinstance(value, dict):
            for name in value:
                yield {**value, name: junk}
                for inner in spoil(value[name]):
                    yield {**value, name: inner}
        elif isinstance(value, list):
            for number, one in enumerate(value):
                for inner in spoil(one):
                    yield [*value[:number], inner, *value[number + 1 :]]

    bodies = list(yaml.safe_load_all((SAMPLES / "declared.yaml").read_text("utf-8").rpartition("---")[0]))
    bodies += [next(yaml.safe_load_all((SAMPLES / "knative.yaml").read_text("utf-8")))]
    bodies += json.loads((SAMPLES / "live-list.json").read_bytes())["items"]
    for whole in bodies:
        for spoilt in spoil(json.loads(json.dumps(whole, default=str))):
            assert list(kubernetes_dump.read(Record(json.dumps(spoilt).encode()), Origin("x")))


def places(corpus: Path) -> Counter:
    """Where the corpus holds model URIs, found by our own reading of every object."""
    found: Counter = Counter()
    for path in sorted((corpus / "ops" / "kserve").rglob("*.yaml")):
        for record, _ in outcomes(path):
            try:
                body = yaml.load(record.raw, yaml.BaseLoader)  # noqa: S506 - strings only, nothing is built
            except yaml.YAMLError:
                continue
            if body["kind"] == "LLMInferenceServiceConfig":
                continue
            resource = body["kind"].lower() + "s"
            components = read_workload(resource, body).workload.components
            said = [
                claim.where
                for component in components
                for claim in component.claims
                if claim.kind == "artifact-uri" and claim.where.endswith(("storageUri", ".uri"))
            ]
            found.update(map(_place, said) if said else ["none"])
    return found


def _place(where: str) -> str:
    if where.startswith("spec.default."):
        return "v1alpha2 default"
    if "adapters" in where:
        return "adapter"
    if where.startswith("spec.explainer."):
        return "explainer"
    known = {
        "spec.model.uri": "llm",
        "spec.model.storageUri": "trained model",
        "spec.predictor.model.storageUri": "model",
    }
    return known.get(where, "framework")


def test_every_object_of_the_kserve_samples_is_read_where_its_model_lies(corpus):
    """129 objects, counted apart from the program: by PyYAML, walking every mapping for storageUri and uri.

    Framework 66, LLM 26 with 4 adapters, model 13, trained model 4, explainer 2, first form 1, none 19.
    """
    assert places(corpus) == {
        "framework": 66,
        "llm": 26,
        "adapter": 4,
        "model": 13,
        "trained model": 4,
        "explainer": 2,
        "v1alpha2 default": 1,
        "none": 19,
    }


def test_the_kserve_samples_are_declared_only_and_their_templates_are_reported(corpus):
    """No sample carries a uid, a time or a status; nine hold `{username}` and are no YAML; three are configurations."""
    ends: Counter = Counter()
    for path in sorted((corpus / "ops" / "kserve").rglob("*.yaml")):
        for _, said in outcomes(path):
            for one in said:
                name = one.reason if isinstance(one, Filtered) else getattr(one, "code", type(one).__name__)
                ends[name] += 1
                if isinstance(one, Problem):
                    assert "{" in path.read_text("utf-8").splitlines()[one.line - 1]

    assert ends == {"Entity": 129, "malformed-yaml": 9, "kind": 3}


def test_three_objects_by_hand(corpus):
    """Read in the files: rollout__canary 10 %; collocation's STORAGE_URI variable; the lora adapters of 02."""
    folder = corpus / "ops" / "kserve"

    def only(name, resource):
        return read_workload(resource, yaml.safe_load((folder / name).read_bytes())).workload

    canary = only("v1beta1__rollout__canary.yaml", "inferenceservices").components[0]
    assert (canary.uri, canary.weight) == ("gs://kfserving-examples/models/tensorflow/flowers-2", 0.1)
    first, second = only(
        "v1beta1__transformer__collocation__collocation.yaml", "inferenceservices"
    ).components
    assert first.uri == "gs://kfserving-examples/models/torchserve/image_classifier/v1"
    assert first.claims[1].where == "spec.predictor.containers[0].env[1].value"
    assert (second.name, second.image) == (
        "predictor/transformer-container",
        "kserve/image-transformer:latest",
    )
    lora = only("llmisvc__lora-adapters__test-examples__02-lora-multi-hf-cpu.yaml", "llminferenceservices")
    assert [part.name for part in lora.components] == ["model", "adapter/adapter-1", "adapter/adapter-2"]
    assert lora.resources == {"replicas": "1", "cpu": "2", "memory": "7Gi"}
