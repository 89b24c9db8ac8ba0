"""What do the InferenceService objects look like, from request to request?

Each change of the story is turned into the object that stands in the cluster after it, with what the API server and the
KServe controller add. How a version is written into an object is what ties it to the registry, or fails to.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

from resources.sample.changes import Change
from resources.sample.drawn import number, second, uuid4
from resources.sample.story import BOT, BY_KEY, IMAGES, MODEL_STORE, MODELS, REPLICA, Version

Json = dict[str, Any]

API = "serving.kserve.io/v1beta1"
NOTES = "deploy.skarn.example"
MODEL_URI = "mlflow.org/model-uri"
_RESOURCES = ("2", "4Gi")


def _requests(resources: tuple[str, str]) -> Json:
    cpu, memory = resources
    return {"limits": {"cpu": cpu, "memory": memory}, "requests": {"cpu": cpu, "memory": memory}}


def replica(version: Version) -> str:
    """Return where the copy of a version lies that the US cluster reads."""
    return f"{REPLICA}/{version.logged_model or version.run_id}/model"


def _model_spec(model: str, uri: str) -> Json:
    framework = MODELS[model].framework
    return {
        "modelFormat": {"name": framework},
        "resources": _requests(_RESOURCES),
        "runtime": "kserve-xgbserver" if framework == "xgboost" else "kserve-sklearnserver",
        "storageUri": uri,
    }


def _container(image: str, env: Json | None = None) -> Json:
    made: Json = {"name": "kserve-container", "image": image, "resources": _requests(_RESOURCES)}
    if env:
        made["env"] = [{"name": name, "value": value} for name, value in env.items()]
    return made


def predictor(change: Change, link: str) -> Json:
    """Return the predictor that runs the version of `change`, written in the way that `link` names."""
    model = change.model
    version = BY_KEY[model, change.version] if change.version else None
    made: Json = {"minReplicas": 2}
    if model == "address-match" and version and link in {"image-digest", "model-uri"}:
        made["containers"] = [_container(f"{IMAGES}/{model}@{version.image}")]
    elif version and link in {"artifact-uri", "model-uri"}:
        made["model"] = _model_spec(
            model, version.location if change.cluster == "prod-eu" else replica(version)
        )
    elif version and link == "artifact-uri-below":
        made["model"] = _model_spec(model, f"{version.location}/model.ubj")
    elif version and link == "run-or-logged-model-id":
        made["model"] = _model_spec(model, replica(version))
    elif version and link == "path-convention":
        made["model"] = _model_spec(model, f"{MODEL_STORE}/release/{model}/{version.number}")
    elif version and link == "template-annotation":
        made["model"] = _model_spec(model, f"pvc://model-cache/{model}")
    elif version and link == "image-tag":
        made["containers"] = [_container(f"{IMAGES}/{model}:{version.number}")]
    elif link == "alias":
        tracking = "https://mlflow.skarn.example"
        env = {"MLFLOW_TRACKING_URI": tracking, "MLFLOW_MODEL_URI": f"models:/{model}@champion"}
        made["containers"] = [_container(f"{IMAGES}/mlserver:1.7.1", env)]
    elif link == "unresolved":
        made["containers"] = [_container(f"{IMAGES}/{model}:latest")]
    else:
        raise ValueError(f"the story does not say how {change.target} was written at {change.at}")
    if change.weight < 100:
        made["canaryTrafficPercent"] = change.weight
    return made


def notes(change: Change) -> dict[str, str]:
    """Return the annotations that the author of a change writes."""
    said = {}
    if change.link == "model-uri":
        said[MODEL_URI] = f"models:/{change.model}/{change.version}"
    if change.by == BOT:
        said[f"{NOTES}/git-commit"] = change.git_commit
        said[f"{NOTES}/github-run-id"] = change.ci_run
        said[f"{NOTES}/change-ticket"] = change.ticket
    if change.triggered_by:
        said[f"{NOTES}/deployed-by"] = change.triggered_by.email
    if change.approved_by:
        said[f"{NOTES}/approved-by"] = change.approved_by.email
    if change.reason:
        said[f"{NOTES}/reason"] = change.reason
    return said


def manifest(change: Change) -> Json:
    """Return the whole object as its author sends it."""
    labels = {"app.kubernetes.io/name": change.name, "team": "ml-platform"}
    if change.link == "template-annotation":
        labels["app.kubernetes.io/version"] = str(change.version)
    metadata: Json = {"labels": labels, "name": change.name, "namespace": change.namespace}
    said = notes(change)
    if said:
        metadata["annotations"] = said
    return {
        "apiVersion": API,
        "kind": "InferenceService",
        "metadata": metadata,
        "spec": {"predictor": predictor(change, change.link)},
    }


def patch(change: Change, before: Json) -> Json | list[Json]:
    """Return the body of a merge patch or JSON patch."""
    spec = before["spec"]["predictor"]
    if change.how == "json-patch":
        escaped = {name: name.replace("/", "~1") for name in (MODEL_URI, f"{NOTES}/reason")}
        uri = predictor(change, change.link)["model"]["storageUri"]
        said = notes(change)
        return [
            {"op": "replace", "path": "/spec/predictor/model/storageUri", "value": uri},
            *(
                {"op": "add", "path": f"/metadata/annotations/{escaped[name]}", "value": said[name]}
                for name in escaped
            ),
        ]
    if change.action == "traffic":
        return {"spec": {"predictor": {"canaryTrafficPercent": change.weight}}}
    if change.resources is None:
        raise ValueError(f"the story does not say what {change.target} was patched with at {change.at}")
    wanted = _requests(change.resources)
    if "model" in spec:
        inner: Json = {"model": {"resources": wanted}}
    else:
        inner = {"containers": [spec["containers"][0] | {"resources": wanted}]}
    body: Json = {"spec": {"predictor": inner}}
    if change.reason:
        body["metadata"] = {"annotations": {f"{NOTES}/reason": change.reason}}
    return body


def merged(before: Json, body: Json) -> Json:
    """Return `before` after a JSON merge patch (RFC 7396)."""
    made = copy.deepcopy(before)
    for name, value in body.items():
        made[name] = merged(made[name], value) if isinstance(value, dict) and name in made else value
    return made


def after(change: Change, before: Json | None) -> Json:
    """Return the object as it stands in the cluster after `change`."""
    if change.how == "merge-patch" and before:
        body = patch(change, before)
        made = merged(before, body) if isinstance(body, dict) else before
    elif change.how == "json-patch" and before:
        made = copy.deepcopy(before)
        made["spec"]["predictor"]["model"]["storageUri"] = predictor(change, change.link)["model"][
            "storageUri"
        ]
        made["metadata"]["annotations"] |= notes(change)
    else:
        made = manifest(change)
        if "model" in made["spec"]["predictor"]:
            made["spec"]["predictor"]["model"] |= {"name": "", "protocolVersion": "v1"}
    return _stored(made, change.cluster, change.at, before, change.by)


def _stored(made: Json, cluster: str, when: datetime, before: Json | None, by: str) -> Json:
    """Add what the API server keeps in an object's metadata."""
    old: Json = before["metadata"] if before else {}
    name, namespace = made["metadata"]["name"], made["metadata"]["namespace"]
    created = old.get("creationTimestamp") or second(when)
    generation = old.get("generation", 0) + 1
    uid = old.get("uid") or uuid4("uid", cluster, namespace, name, when)
    manager = "release-bot" if by == BOT else "kubectl-client-side-apply"
    kept = {name: made["metadata"][name] for name in ("annotations", "labels") if name in made["metadata"]}
    return {
        "apiVersion": API,
        "kind": "InferenceService",
        "metadata": kept
        | {
            "creationTimestamp": created,
            "finalizers": ["inferenceservice.finalizers"],
            "generation": generation,
            "managedFields": [
                {
                    "apiVersion": API,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:spec": {".": {}, "f:predictor": {}}},
                    "manager": manager,
                    "operation": "Apply" if by == BOT else "Update",
                    "time": second(when),
                }
            ],
            "name": name,
            "namespace": namespace,
            "resourceVersion": str(number(40_000_000, 49_999_999, "rv", uid) + int(when.timestamp()) % 10**9),
            "uid": uid,
        },
        "spec": made["spec"],
        "status": status(before) if before else {},
    }


def ready_at(served: Json) -> datetime:
    """Return when the controller found an object ready: some seconds after it was last changed."""
    metadata = served["metadata"]
    changed = datetime.fromisoformat(metadata["managedFields"][0]["time"])
    return changed + timedelta(seconds=number(14, 55, "ready", metadata["uid"], metadata["generation"]))


def shown(served: Json) -> Json:
    """Return an object as `kubectl get --show-managed-fields` prints it once it is ready."""
    field = {
        "apiVersion": API,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:status": {"f:components": {}, "f:conditions": {}}},
        "manager": "manager",
        "operation": "Update",
        "subresource": "status",
        "time": second(ready_at(served)),
    }
    metadata = served["metadata"]
    fields = [*metadata["managedFields"], field]
    return served | {"metadata": metadata | {"managedFields": fields}, "status": status(served)}


def status(served: Json) -> Json:
    """Return the status that the controller has written once `served` is ready."""
    name, namespace = served["metadata"]["name"], served["metadata"]["namespace"]
    generation = served["metadata"]["generation"]
    percent = served["spec"]["predictor"].get("canaryTrafficPercent")
    latest, previous = (f"{name}-predictor-{max(1, generation - back):05d}" for back in (0, 1))
    traffic: list[Json] = [{"latestRevision": True, "percent": percent or 100, "revisionName": latest}]
    if percent:
        traffic.append(
            {"latestRevision": False, "percent": 100 - percent, "revisionName": previous, "tag": "prev"}
        )
    ready = second(ready_at(served))
    return {
        "components": {
            "predictor": {
                "latestCreatedRevision": latest,
                "latestReadyRevision": latest,
                "latestRolledoutRevision": previous if percent else latest,
                "traffic": traffic,
                "url": f"http://{name}-predictor-{namespace}.serving.skarn.example",
            }
        },
        "conditions": [
            {"lastTransitionTime": ready, "status": "True", "type": kind}
            for kind in ("IngressReady", "PredictorReady", "Ready")
        ],
        "modelStatus": {
            "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
            "transitionStatus": "UpToDate",
        },
        "observedGeneration": generation,
        "url": f"http://{name}-{namespace}.serving.skarn.example",
    }
