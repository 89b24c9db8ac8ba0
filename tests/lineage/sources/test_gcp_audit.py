"""What do Google Cloud's audit logs prove about what Vertex AI serves, and what do they not?"""

import json
from collections import Counter
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened, Hop, Key
from lineage.model.moment import parse
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import gcp_audit
from lineage.workspace import Workspace

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "gcp_audit"
STORY, EXPORT, PARTLY = SAMPLES / "story.jsonl", SAMPLES / "bigquery.json", SAMPLES / "partly.jsonl"
PLACE = "vertex://projects/halden/locations/europe-west4"
SERVICE = "google.cloud.aiplatform.v1.EndpointService"
ENDPOINT = "projects/halden/locations/europe-west4/endpoints/5678901234567890123"


def outcomes(path):
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), {}, path.parent.name)
    found = []
    for record in gcp_audit.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else list(gcp_audit.read(record, origin))
        assert said, "a record must end as something"
        found.append((record, said))
    return found


def facts(path, kind):
    """What a file states, of one kind."""
    return [fact for _, said in outcomes(path) for fact in said if isinstance(fact, kind)]


def register(tmp_path, *paths):
    """The items of the register after an import of `paths`, oldest first."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_(list(paths))
        return list(workspace.deployments().items)


def shares(item):
    """The models of an item of the register with their shares."""
    return [(one["model"], one["version"], one["weight"]) for one in item["models"]]


def entry(method="DeployModel", **fields):
    """An entry of one call that was done at once, some fields otherwise."""
    payload = {
        "serviceName": "aiplatform.googleapis.com",
        "methodName": f"{SERVICE}.{method}",
        "resourceName": ENDPOINT,
        "authenticationInfo": {"principalEmail": "ann@example.com"},
        "request": {"endpoint": ENDPOINT, "deployedModel": {"model": "projects/p/locations/l/models/2@3"}},
    }
    whole = {"insertId": "e", "timestamp": "2026-06-01T09:00:00Z", **fields}
    return {**whole, "protoPayload": {**payload, **fields.get("protoPayload", {})}}


def read(**fields):
    """What one such entry says."""
    return list(gcp_audit.read(Record(json.dumps(entry(**fields)).encode()), Origin("x")))


def story(tmp_path, *ids):
    """A file with some entries of the story."""
    path = tmp_path / "some.jsonl"
    lines = [line for line in STORY.read_text().splitlines() if json.loads(line)["insertId"] in ids]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("path", [STORY, EXPORT, PARTLY], ids=lambda path: path.name)
def test_every_form_is_recognised(path):
    """Lines of a sink and rows of an export to BigQuery are known by their payload."""
    source, confidence = recognise(sample_of(file_input(path)))

    assert (source.NAME, confidence > 0.8) == ("gcp-audit", True)


def test_the_log_of_a_cluster_is_another_sources():
    """GKE's API server writes audit log entries, too."""
    payload = {"serviceName": "k8s.io", "methodName": "io.k8s.core.v1.pods.get", "authenticationInfo": {}}
    sample = Sample(
        "log.jsonl", json.dumps({"protoPayload": payload, "logName": "cloudaudit.googleapis.com"}).encode()
    )

    assert recognise(sample)[0].NAME == "kubernetes-audit"


def test_what_is_no_step_is_left_out_with_a_reason():
    """The story's other entries: a prediction, a reading call, a pipeline, another service."""
    reasons = Counter(one.reason for one in facts(STORY, Filtered))

    assert reasons == {"invocation": 1, "read-only": 1, "not-about-serving": 1, "not-vertex": 1}


def test_the_register_tells_the_story(tmp_path):
    """Ann deploys 77@1 (op3), ben through a service account 77@2 beside it at 10 % (op7), ann gives it all (a14).

    What has no share any more is taken away (op8) without a step; the last is undeployed (op9), which ends it; op4 was
    never ended, op5 failed, mallory was denied. The times are those of the entries in which the calls were asked. Some
    entries name the project by its number (4711); the endpoint's own number says that it is the same one.
    """
    items = register(tmp_path, STORY)

    assert [(item["action"], item["deployed_at"], shares(item)) for item in items] == [
        ("deploy", "2026-06-01T10:00:00Z", [("77", "1", 1.0)]),
        ("canary", "2026-06-03T10:00:00Z", [("77", "1", 0.9), ("77", "2", 0.1)]),
        ("promote", "2026-06-04T10:00:00Z", [("77", "1", 0.0), ("77", "2", 1.0)]),
        ("delete", "2026-06-06T10:00:00Z", []),
    ]
    assert {(item["target"], item["platform"], item["endpoint"]) for item in items} == {
        (ENDPOINT.replace("halden", "4711"), "vertex", "5678901234567890123")
    }
    assert [item["deployed_by"] for item in items] == [
        "ann@example.com", "ben@example.com", "ann@example.com", "ann@example.com",
    ]  # fmt: skip
    assert items[1]["actor"] == "deployer@halden.iam.gserviceaccount.com"
    assert {one["link_rule"] for item in items for one in item["models"]} == {"cloud-registry-id"}
    assert items[0]["resources"] == {"900.machineType": "n1-standard-2", "900.minReplicaCount": "1"}


def test_the_evidence_of_a_long_call_is_both_its_entries(tmp_path):
    """op3 was taken up with a05 and ended with a06."""
    first = register(tmp_path, STORY)[0]

    lines = STORY.read_text().splitlines()
    assert {json.loads(lines[one["line"] - 1])["insertId"] for one in first["evidence"]} == {"a05", "a06"}


@pytest.mark.parametrize("ids", [("a07",), ("a08", "a09"), ("a10",), ("a09",), ("a15",), ("a03", "a04")])
def test_attempts_and_other_changes_are_no_deployments(tmp_path, ids):
    """A call that never ended, one that failed, one that was denied, a new display name, an upload."""
    assert register(tmp_path, story(tmp_path, *ids)) == []


def test_attempts_are_events(tmp_path):
    """op5 failed and mallory was denied: both are told, with their outcome."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([STORY])
        attempts = [one for one in workspace.events().items if one["outcome"] != "done"]

    assert [
        (one["outcome"], one["person"] or one["actor"], one["detail"]["message"]) for one in attempts
    ] == [
        ("failed", "ann@example.com", "Machine type is not supported"),
        ("denied", "mallory@example.com", "Permission denied"),
    ]


def test_an_end_without_its_beginning_is_a_change_of_unknown_content(tmp_path):
    """a06 alone says that a deployment of 900 was done, not of which model."""
    (item,) = register(tmp_path, story(tmp_path, "a06"))

    assert (item["models"], item["flags"]) == ([], ["model-not-evidenced"])


def test_rows_of_bigquery_say_the_same(tmp_path):
    """The two entries of op3 as BigQuery exports them (bodies as text, times with UTC) give the same item."""
    (tmp_path / "log").mkdir()
    (tmp_path / "export").mkdir()
    (one,) = register(tmp_path / "log", story(tmp_path, "a05", "a06"))
    (other,) = register(tmp_path / "export", EXPORT)

    assert [(item["id"], item["deployed_at"], shares(item)) for item in (one, other)] == [
        (one["id"], "2026-06-01T10:00:00Z", [("77", "1", 1.0)])
    ] * 2


def test_the_order_of_import_does_not_matter(tmp_path):
    """One entry a file in either order, imported again and rebuilt: one digest, and no step more."""
    lines = STORY.read_text().splitlines()
    digests = set()
    for number, order in enumerate([lines, lines[::-1]]):
        with Workspace.open(tmp_path / f"{number}.trail") as workspace:
            for half in (order[:11], order[11:]):
                path = tmp_path / f"{number}.jsonl"
                path.write_text("\n".join(half) + "\n")
                workspace.import_([path])
            digests.add(workspace.digest().items[0]["digest"])
            workspace.import_([STORY])
            assert workspace.deployments().total == 4
            digests.add(workspace.rebuild().items[0]["digest"])
    assert len(digests) == 1


def test_who_is_behind_a_service_account():
    """The delegation list begins with the real authority; the nearest step comes first in the chain."""
    (found,) = (one for one in facts(STORY, Happened) if one.id == "op7" and one.type == "begin")

    where = "authenticationInfo.serviceAccountDelegationInfo"
    assert (found.actor, found.actor_kind) == (
        Key(Kind.ACTOR, "gcp", "deployer@halden.iam.gserviceaccount.com"), "service-account",
    )  # fmt: skip
    assert found.chain == (
        Hop("ci@halden.iam.gserviceaccount.com", "service-account-delegation", f"{where}[1]"),
        Hop("ben@example.com", "service-account-delegation", f"{where}[0]"),
    )


def test_a_workforce_identity_names_its_subject():
    """People of another identity provider have no e-mail in the entry."""
    subject = "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/ann@example.com"
    (found,) = (
        one
        for one in read(protoPayload={"authenticationInfo": {"principalSubject": subject}})
        if isinstance(one, Happened)
    )

    assert (found.actor.name, [hop.principal for hop in found.chain]) == (subject, ["ann@example.com"])


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({"code": 7}, Outcome.DENIED), ({"code": "16"}, Outcome.DENIED), ({"code": 3}, Outcome.FAILED),
        ({"code": 0}, Outcome.DONE), ({}, Outcome.DONE), (None, Outcome.DONE), ({"code": 1}, Outcome.FAILED),
    ],
)  # fmt: skip
def test_the_status_decides(status, outcome):
    """google.rpc.Code: 0 is OK, 7 permission denied, 16 unauthenticated, 1 cancelled."""
    assert {one.outcome for one in read(protoPayload={"status": status}) if isinstance(one, Happened)} == {
        outcome
    }


def test_a_version_is_registered_where_the_upload_ends():
    """UploadModel's request has no number; the response of a04 says 77 version 1, made at gs://models/churn/1."""
    versions = {one.key.name: one for one in facts(STORY, Entity) if one.key.kind is Kind.MODEL_VERSION}

    assert versions.keys() == {"77/1", "77/2"}
    assert versions["77/1"].attributes["storage_location"] == "gs://models/churn/1"
    assert versions["77/1"].created == parse("2026-06-01T09:00:30Z")


def test_what_cannot_be_used_is_named():
    """partly.jsonl: a time in words, no endpoint, no audit entry, a cut line."""
    found = [one.code for _, said in outcomes(PARTLY) for one in said if isinstance(one, Problem)]

    assert found == ["bad-time", "missing-field", "not-gcp-audit", "malformed-json"]


@pytest.mark.parametrize(
    "fields",
    [
        {"protoPayload": {"request": "{"}}, {"protoPayload": {"request": {"deployedModel": [], "trafficSplit": "x"}}},
        {"protoPayload": {"authenticationInfo": [], "status": "bad"}}, {"operation": {"id": {}, "first": 3}},
        {"protoPayload": {"request": {"trafficSplit": {"0": -1, "1": {}}, "endpoint": {"a": 1}}}},
        {"method": "UpdateEndpoint", "protoPayload": {"request": {"endpoint": 3, "updateMask": {"paths": 1}}}},
        {"method": "UndeployModel", "protoPayload": {"request": None}}, {"resource": [], "severity": {}},
        {"method": "CreateEndpoint", "protoPayload": {"request": {"endpoint": {"labels": [1]}}, "response": 3}},
    ],
    ids=repr,
)  # fmt: skip
def test_nothing_that_is_malformed_raises(fields, tmp_path):
    """Whatever stands in a field, the entry ends as facts or problems, and the register can be made."""
    assert read(**fields)
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(entry(**fields)) + "\n" + json.dumps(entry()) + "\n")
    register(tmp_path, path)


def test_the_entries_of_the_corpus(corpus, tmp_path):
    """One DeployModel of models/2@3 by dev@example.com is composed; panther-gcp.jsonl has no entry of Vertex.

    Counted by hand: grep -c aiplatform panther-gcp.jsonl = 0 of 60 lines.
    """
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        done = {
            Path(one["file"]).name: one for one in workspace.import_([corpus / "ops" / "gcp-audit"]).items
        }
        (item,) = workspace.deployments().items
        assert workspace.problems().total == 0

    assert {name: (one["read"], one["accepted"], one["filtered"]) for name, one in done.items()} == {
        "composed-vertex.jsonl": (1, 1, 0), "panther-gcp.jsonl": (60, 0, 60),
    }  # fmt: skip
    assert done["panther-gcp.jsonl"]["reasons"] == {"not-vertex": 60}
    assert (item["target"], item["deployed_at"], item["deployed_by"], shares(item)) == (
        "projects/p/locations/l/endpoints/1", "2026-06-01T09:00:00Z", "dev@example.com", [("2", "3", 1.0)],
    )  # fmt: skip
