"""What do CloudTrail's records prove about what SageMaker serves, and what do they not?"""

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened, Hop, Key
from lineage.model.moment import parse
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import cloudtrail
from lineage.workspace import Workspace

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "cloudtrail"
PLACE = "sagemaker://111122223333/eu-west-1"
PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/2"
VERSION = {
    "name": "churn",
    "version": "1",
    "creation_timestamp": 1767225600000,
    "last_updated_timestamp": 1767225600000,
    "current_stage": "None",
    "source": "s3://elsewhere/churn/1",
    "run_id": "",
    "status": "READY",
}


def outcomes(path, **labels):
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in cloudtrail.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else list(cloudtrail.read(record, origin))
        assert said, "a record must end as something"
        found.append((record if isinstance(record, Record) else None, said))
    return found


def facts(path, kind):
    """What a file states, of one kind."""
    return [fact for _, said in outcomes(path) for fact in said if isinstance(fact, kind)]


def happened(path, id_):
    """The one happening that an event id stands for."""
    (found,) = (fact for fact in facts(path, Happened) if fact.id == id_)
    return found


def register(tmp_path, *paths):
    """The items of the register after an import of `paths`, oldest first."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_(list(paths))
        return list(workspace.deployments().items)


def steps(items):
    """What a reader sees first of each item: the step, and the models with their shares."""
    return [
        (item["action"], [(one["model"], one["version"], one["weight"]) for one in item["models"]])
        for item in items
    ]


@pytest.fixture
def registry(tmp_path):
    """An MLflow registry's saved answer that knows churn 1, whose artifact lies where SageMaker's copy does not."""
    folder = tmp_path / "registry"
    folder.mkdir()
    file = folder / "model-versions.json"
    file.write_text(json.dumps({"model_versions": [VERSION]}))
    return file


STORY, WHO = SAMPLES / "story.json", SAMPLES / "who-lookup-events.json"
COMPONENTS, PARTLY = SAMPLES / "components.jsonl.gz", SAMPLES / "partly.jsonl"


@pytest.mark.parametrize("path", [STORY, WHO, COMPONENTS, PARTLY], ids=lambda path: path.name)
def test_every_form_is_recognised(path):
    """Log files, what lookup-events prints, and compressed JSON lines are known by their content."""
    source, confidence = recognise(sample_of(file_input(path)))

    assert (source.NAME, confidence > 0.8) == ("cloudtrail", True)


def test_a_log_file_longer_than_the_sample_is_recognised():
    """A head of 64 KiB that ends inside a record is enough."""
    raw = b'{"Records":[' + b",".join([json.dumps(record(), indent=1).encode()] * 100)

    assert recognise(Sample("log.json", raw[: 64 * 1024], whole=False))[0].NAME == "cloudtrail"


def test_notifications_of_a_bucket_are_none_of_it():
    """S3 calls its event notifications `Records` with an `eventSource`, too."""
    raw = b'{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "userIdentity": {}}]}'

    assert cloudtrail.recognises(Sample("event.json", raw)) == 0


def record(**fields):
    """A record of CreateEndpoint, some fields otherwise."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/dan"},
        "eventTime": "2026-06-01T08:00:00Z",
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": "CreateEndpoint",
        "awsRegion": "eu-west-1",
        "requestParameters": {"endpointName": "churn", "endpointConfigName": "live"},
        "eventID": "e",
        "recipientAccountId": "111122223333",
        **fields,
    }


def read(**fields):
    """What one such record says."""
    return list(cloudtrail.read(Record(json.dumps(record(**fields)).encode()), Origin("x")))


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda one: {"EventId": "e", "CloudTrailEvent": json.dumps(one)},
        lambda one: {"id": "1", "timestamp": 1, "message": json.dumps(one)},
        lambda one: {"detail-type": "AWS API Call via CloudTrail", "detail": one},
    ],
    ids=["lookup-events", "CloudWatch Logs", "EventBridge"],
)
def test_envelopes_change_nothing(wrapped):
    """A record says the same inside what another service put around it."""
    raw = json.dumps(wrapped(record())).encode()

    assert list(cloudtrail.read(Record(raw), Origin("x"))) == read()


def test_records_keep_their_place():
    """Record e16 is the first of story.json's list and stands on its third line."""
    first, said = outcomes(STORY)[0]

    assert (first.row, first.line, said[-1].id) == ("/Records/0", 3, "e16")
    assert STORY.read_bytes()[first.offset : first.offset + len(first.raw)] == first.raw


def test_a_creation_says_who_what_when_and_on_what_grounds():
    """Record e03: dan creates Churn from churn-live at 08:02, tagged prod and CHG-7."""
    fact = happened(STORY, "e03")

    assert (fact.type, fact.outcome, fact.subject) == (
        "apply", Outcome.DONE, Key(Kind.TARGET, PLACE, "Churn"),
    )  # fmt: skip
    assert fact.at == parse("2026-06-01T08:02:00Z")
    assert fact.actor == Key(Kind.ACTOR, "aws", "arn:aws:iam::111122223333:user/dan")
    assert fact.change == {"ticket": "CHG-7"}
    assert fact.workload.labels["environment"] == "prod"
    assert fact.detail["config"] == "churn-live"


def test_what_is_refused_or_fails_is_an_attempt():
    """e11 has a ValidationException; e12 an AccessDenied, which keeps AWS from naming the endpoint."""
    failed, denied = happened(STORY, "e11"), happened(STORY, "e12")

    assert (failed.outcome, failed.subject.name) == (Outcome.FAILED, "Churn")
    assert (denied.outcome, denied.subject) == (
        Outcome.DENIED, Key(Kind.ENVIRONMENT, "sagemaker", "111122223333/eu-west-1"),
    )  # fmt: skip


def test_other_calls_are_left_out_with_a_reason():
    """e17 reads; e18 and e20 bear names of SageMaker calls in other services; e19 is about no model."""
    reasons = {
        json.loads(record.raw)["eventID"]: said[0].reason
        for record, said in outcomes(STORY)
        if isinstance(said[0], Filtered)
    }

    assert reasons == {
        "e17": "read-only", "e18": "not-sagemaker", "e19": "not-about-serving", "e20": "not-sagemaker",
    }  # fmt: skip


def test_no_secret_is_kept():
    """Variables and tags that hold credentials, and session tokens, stay in the file."""
    for path in (STORY, WHO):
        assert "not-for-us" in path.read_text()
        assert b"not-for-us" not in msgspec.json.encode([said for _, said in outcomes(path) if said])


def test_a_model_package_is_a_registered_version():
    """e04 registers churn/2, made from commit 4be1c0de77aa; e05 approves it, because recall is up."""
    (version, *_) = (fact for fact in facts(STORY, Entity) if "model" in fact.attributes)

    assert version.key == Key(Kind.MODEL_VERSION, PLACE, "churn/2")
    assert version.attributes["storage_location"] == "s3://training/churn/2/model.tar.gz"
    assert version.attributes["git_commit"] == "4be1c0de77aa"
    approval = happened(STORY, "e05")
    assert (approval.type, approval.subject, approval.change) == (
        "approve", version.key, {"reason": "recall is up"},
    )  # fmt: skip


def test_a_package_that_is_registered_as_approved_is_both():
    """CreateModelPackage may carry the approval; two happenings need two ids."""
    said = read(
        eventName="CreateModelPackage",
        requestParameters={"modelPackageGroupName": "churn", "modelApprovalStatus": "Approved"},
        responseElements={"modelPackageArn": PACKAGE},
    )

    assert [(fact.type, fact.id) for fact in said if isinstance(fact, Happened)] == [
        ("register", "e"), ("approve", "e#approve"),
    ]  # fmt: skip


def test_what_cannot_be_used_is_named():
    """partly.jsonl, by line: 2 a weight in words, 5 a time in words, 6 no region, 7 no name, 8 cut off, 9 no call."""
    found = [
        (number, problem.field, problem.code, problem.fatal)
        for number, (_, said) in enumerate(outcomes(PARTLY), 1)
        for problem in said
        if isinstance(problem, Problem)
    ]

    assert found == [
        (2, "requestParameters.productionVariants[0].initialVariantWeight", "bad-number", False),
        (5, "eventTime", "bad-time", True),
        (6, "awsRegion", "missing-field", True),
        (7, "requestParameters.endpointName", "missing-field", False),
        (8, "", "malformed-json", True),
        (9, "eventSource", "not-cloudtrail", True),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"requestParameters": [1]},
        {"requestParameters": {"endpointName": {"a": 1}}},
        {"responseElements": "none", "userIdentity": None},
        {"userIdentity": {"type": 3, "sessionContext": "x", "onBehalfOf": []}},
        {"eventName": "CreateModel", "requestParameters": {"modelName": "m", "containers": "x", "tags": {}}},
        {"eventName": "CreateEndpointConfig", "requestParameters": {"productionVariants": [None, 1]}},
        {"eventName": "CreateInferenceComponent", "requestParameters": None},
        {"eventName": "CreateModelPackage", "requestParameters": None},
        {"eventName": "UpdateModelPackage", "requestParameters": None},
        {"eventName": "DeleteModelPackage", "requestParameters": None},
    ],
    ids=repr,
)
def test_nothing_that_is_malformed_raises(fields):
    """Whatever stands in a field, the record ends as facts or problems."""
    assert read(**fields)


def test_the_register_tells_the_story(tmp_path, registry):
    """story.json, whose records stand in no order: churn 1, a canary of churn 2 (0.1), half and half, churn 2, gone.

    The configuration churn-live means churn-a until e14 makes it anew; what auto-scaling did (e10) changed nothing that
    is served; what failed or was denied (e11, e12) is no step. The weights are 9:1 and 9:9.
    """
    items = register(tmp_path, STORY, registry)

    assert steps(items) == [
        ("deploy", [("churn", "1", 1.0)]),
        ("canary", [("churn", "1", 0.9), ("churn", "2", 0.1)]),
        ("traffic", [("churn", "1", 0.5), ("churn", "2", 0.5)]),
        ("promote", [("churn", "2", 1.0), ("churn", "1", 0.0)]),
        ("delete", []),
    ]
    assert [item["deployed_at"][5:16] for item in items] == [
        "06-01T08:02", "06-03T08:02", "06-03T12:00", "06-05T08:02", "06-06T08:00",
    ]  # fmt: skip
    assert {(item["target"], item["platform"], item["environment"]) for item in items} == {
        ("111122223333/eu-west-1/Churn", "sagemaker", "prod")
    }
    assert [one["link_rule"] for one in items[1]["models"]] == ["model-uri", "model-package"]
    assert [item["deployed_by"] for item in items] == ["dan", None, "dan", "dan", "dan"]
    assert (items[0]["change_ref"], items[1]["change_ref"]) == ("CHG-7", "9001")


def test_the_evidence_is_the_whole_chain(tmp_path):
    """The first deployment is shown by e03 (the call), e02 (the configuration) and e01 (the model)."""
    first = register(tmp_path, STORY)[0]

    rows = [reference["row"] for reference in first["evidence"]]
    ids = [json.loads(STORY.read_text())["Records"][int(row.rpartition("/")[2])]["eventID"] for row in rows]
    assert ids == ["e03", "e02", "e01"]


def test_who_approved_the_package_stands_at_its_deployment(tmp_path):
    """Bea approved churn/2 (e05) before it was deployed; churn-a is no package, so e03 was approved by nobody."""
    items = register(tmp_path, STORY)

    assert [item["approved_by"] for item in items[:2]] == [[], ["bea@example.com"]]
    assert items[1]["approved_at"] == "2026-06-02T10:00:00Z"


def test_attempts_are_events(tmp_path):
    """e11 and e12 are told with their outcome, and by whom."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([STORY])
        attempts = [one for one in workspace.events().items if one["outcome"] != "done"]

    assert [(one["type"], one["outcome"], one["actor"].rpartition("/")[2]) for one in attempts] == [
        ("apply", "failed", "dan"), ("delete", "denied", "mallory"),
    ]  # fmt: skip


def test_who_defined_and_approved_is_told(tmp_path):
    """Dan made the model (e01) and bea approved the package (e05)."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([STORY])
        persons = {(one["type"], one["at"][:10]): one["person"] for one in workspace.events().items}

    assert persons["define-model", "2026-06-01"] == "dan"
    assert persons["approve", "2026-06-02"] == "bea@example.com"


def test_a_package_that_is_deleted_while_it_serves_is_found(tmp_path):
    """Package churn/2 of the story is deleted on 4 June; it serves until the endpoint ends on 6 June."""
    gone = tmp_path / "gone.json"
    gone.write_text(
        json.dumps(
            record(
                eventName="DeleteModelPackage",
                eventID="gone",
                eventTime="2026-06-04T00:00:00Z",
                requestParameters={"modelPackageName": PACKAGE},
            )
        )
    )
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([STORY, gone])
        found = [one for one in workspace.findings().items if one["code"] == "deleted-version-served"]

    assert found
    assert all("churn 2" in one["text"] and "2026-06-04T00:00:00Z" in one["text"] for one in found)


def test_a_second_import_and_other_splits_change_nothing(tmp_path, registry):
    """One file, or every record in a file of its own in any order, some twice: one register."""
    whole = steps(register(tmp_path, STORY, registry))
    parts = tmp_path / "parts"
    parts.mkdir()
    for number, one in enumerate(json.loads(STORY.read_text())["Records"]):
        (parts / f"{number % 7}-{number}.json").write_text(json.dumps({"Records": [one]}))

    with Workspace.open(tmp_path / "again.trail") as workspace:
        for path in [*sorted(parts.iterdir()), STORY, registry]:
            workspace.import_([path])
        assert steps(workspace.deployments().items) == whole


def test_the_person_behind_a_session(tmp_path):
    """In who-lookup-events.json eve's key was handed on twice (w01, w02, w03).

    A pipeline, a plain session name, a service and the root user are nobody.
    """
    items = {item["endpoint"]: item for item in register(tmp_path, WHO)}

    assert {name: item["deployed_by"] for name, item in items.items()} == {
        "by-chain": "eve",
        "by-pipeline": None,
        "by-source-identity": "gil@example.com",
        "by-sso": "hal@example.com",
        "by-nobody": None,
        "by-service": None,
        "by-identity-center": "544894e8-80c1-707f-60e3-3ba6510dfac1",
        "by-root": None,
    }
    chain = [(hop["principal"], hop["rule"]) for hop in items["by-chain"]["identity_chain"]]
    assert chain[-1] == ("arn:aws:iam::111122223333:user/eve", "access-key-chain")
    assert items["by-pipeline"]["change_ref"] == "9002"
    assert ("repo:shop/churn:environment:prod", "assumed-by") in [
        (hop["principal"], hop["rule"]) for hop in items["by-pipeline"]["identity_chain"]
    ]


def test_a_source_identity_is_kept_with_its_field():
    """w06 carries the source identity of the session."""
    assert happened(WHO, "w06").chain == (
        Hop("gil@example.com", "source-identity", "userIdentity.sessionContext.sourceIdentity"),
    )


def test_an_inference_component_is_a_target_of_its_own(tmp_path):
    """components.jsonl.gz: llm serves s3://llm/1/, is scaled (c05), is told of s3://llm/2; its host serves nothing."""
    items = register(tmp_path, COMPONENTS)

    assert [(item["action"], [one["uri"] for one in item["models"]]) for item in items] == [
        ("deploy", ["s3://llm/1/"]), ("deploy", ["s3://llm/2/model.tar.gz"]), ("delete", []),
    ]  # fmt: skip
    assert {item["target"] for item in items} == {"111122223333/eu-west-1/inference-components/llm"}


def test_what_is_not_told_is_not_made_up(tmp_path):
    """partly.jsonl: no parameters (p01), a model older than the trail (p03), an endpoint older than the trail (p04)."""
    items = {item["endpoint"]: item for item in register(tmp_path, PARTLY)}

    assert {name: (item["action"], item["flags"]) for name, item in items.items()} == {
        "blank": ("change", ["model-not-evidenced"]),
        "half": ("deploy", []),
        "unseen": ("change", ["model-not-evidenced"]),
    }
    (model,) = items["half"]["models"]
    assert (model["model"], model["version"], model["id"]) == ("older-than-the-trail", None, None)


def test_mlflows_own_client_leaves_an_exact_link(tmp_path, registry, corpus):
    """CreateModel carries the tag model_uri = models:/churn/1 (lines 32 and 33), the user is dev (line 8).

    The artifact lies in another bucket than the registry's (line 23).
    """
    path = corpus / "ops" / "cloudtrail" / "mlflow-sagemaker-deploy.json"

    (item,) = register(tmp_path, path, registry)

    assert (item["action"], item["target"]) == ("deploy", "123456789012/eu-west-1/churn-ep")
    assert (item["model"], item["model_version"], item["link_rule"], item["link_confidence"]) == (
        "churn", "1", "model-uri", "exact",
    )  # fmt: skip
    assert (item["deployed_by"], item["deployed_at"]) == ("dev", "2026-06-01T12:00:02Z")


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("otrf-ec2-proxy-first60.jsonl", {"not-sagemaker": 55, "by-service": 5}),
        ("panther-assumed-role.jsonl", {"not-sagemaker": 60}),
    ],
)
def test_other_services_deploy_nothing(corpus, name, reasons):
    """Counted with grep: 60 records each, none of sagemaker.amazonaws.com; five AssumeRole calls, all by services."""
    found = outcomes(corpus / "ops" / "cloudtrail" / name)

    assert Counter(one.reason for _, said in found for one in said) == reasons
