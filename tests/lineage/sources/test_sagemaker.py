"""What do SageMaker's saved answers prove, alone and together with CloudTrail of the same account?"""

import json
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Happened, Hop, Key, Link, Run
from lineage.model.moment import parse
from lineage.model.vocabulary import Kind, Outcome, Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import sagemaker
from lineage.workspace import Workspace

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "sagemaker"
DESCRIBED, LISTED = SAMPLES / "described.json", SAMPLES / "listed.jsonl"
QUERIED, CALLS = SAMPLES / "query-lineage.json", SAMPLES / "cloudtrail.json"
PLACE = "sagemaker://111122223333/eu-west-1"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:"
FIT = Key(Kind.RUN, PLACE, "fit-2")


def outcomes(path, **labels):
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in sagemaker.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else list(sagemaker.read(record, origin))
        assert said, "a record must end as something"
        found.append((record, said))
    return found


def facts(path, kind, **labels):
    """What a file states, of one kind."""
    return [fact for _, said in outcomes(path, **labels) for fact in said if isinstance(fact, kind)]


def read(**members):
    """What one answer says."""
    return list(sagemaker.read(Record(json.dumps(members).encode()), Origin("x")))


def asked(tmp_path, ask, *paths):
    """The items of an answer after an import of `paths`."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_(list(paths))
        return list(getattr(workspace, ask)().items)


def shares(item):
    """The models of an item of the register with their shares."""
    return [(one["model"], one["version"], one["weight"]) for one in item["models"]]


@pytest.mark.parametrize("path", [DESCRIBED, LISTED, QUERIED], ids=lambda path: path.name)
def test_every_form_is_recognised(path):
    """One answer after another, one a line, and query-lineage are known by the ARNs they hold."""
    source, confidence = recognise(sample_of(file_input(path)))

    assert (source.NAME, confidence > 0.8) == ("sagemaker", True)


def test_cloudtrail_stays_cloudtrails():
    """CloudTrail's records of SageMaker hold the same ARNs."""
    assert recognise(sample_of(file_input(CALLS)))[0].NAME == "cloudtrail"
    assert sagemaker.recognises(Sample("a.json", CALLS.read_bytes())) == 0


def test_answers_that_follow_each_other_are_cut_at_their_bytes():
    """described.json holds 15 indented answers with nothing between; each record is exactly the bytes of one."""
    raw = DESCRIBED.read_bytes()
    cut = [record for record, _ in outcomes(DESCRIBED)]

    assert len(cut) == 15
    for record in cut:
        assert raw[record.offset : record.offset + len(record.raw)] == record.raw
        assert raw[: record.offset].count(b"\n") + 1 == record.line
        json.loads(record.raw)


def test_what_is_broken_between_answers_costs_only_itself(tmp_path):
    """A command that failed in the loop printed text: the answers around it are read."""
    path = tmp_path / "mixed.json"
    one = json.dumps({"EndpointArn": f"{ARN}endpoint/a", "x": 1}, indent=1)
    path.write_text(f"{one}\nAn error occurred (ValidationException)\n{one}\n")

    said = [first for _, (first, *_) in outcomes(path)]
    assert [type(one).__name__ for one in said] == ["Filtered", "Problem", "Filtered"]
    assert said[1].line == 5


def test_a_training_job_is_a_run_from_its_data_to_its_artifact():
    """fit-2 read s3://lake/claims of 1 May and a file system, and wrote its model; who started it is not said."""
    (run,) = (run for run in facts(DESCRIBED, Run) if run.key == FIT)

    assert [use.key[1:] for use in run.inputs] == [
        ("s3://lake", "claims/dt=2026-05-01/"),
        ("efs://fs-1", "side"),
    ]
    assert [use.key[1:] for use in run.outputs] == [("s3://made", "fit-2/output/model.tar.gz")]
    assert (run.state, run.started, run.ended) == (
        RunState.COMPLETE, parse("2026-05-02T08:01:00+00:00"), parse("2026-05-02T08:31:00+00:00"),
    )  # fmt: skip
    assert (run.actor, run.attributes["params"]) == (None, {"api_token": "(withheld)", "max_depth": "4"})
    assert run.attributes["metrics"] == {"auc": 0.91}


def test_a_failed_job_wrote_nothing():
    """prepare-9 failed; its times are seconds since 1970, and the training job it names does not make it one."""
    (run,) = (run for run in facts(DESCRIBED, Run) if run.key.name == "processing-job/prepare-9")

    assert (run.state, run.outputs, run.ended) == (RunState.FAIL, (), parse("2026-05-02T08:06:00Z"))
    assert [use.key[1:] for use in run.inputs] == [("s3://lake", "raw/")]


def test_a_version_tells_its_origin():
    """fraud/2 was generated by fit-2 from commit 4be1c0de77aa; the repository's password is not kept."""
    (version,) = (one for one in facts(DESCRIBED, Entity) if one.key.name == "fraud/2")

    assert (version.key.kind, version.key.namespace) == (Kind.MODEL_VERSION, PLACE)
    assert version.attributes["run_id"] == "fit-2"
    assert version.attributes["git_commit"] == "4be1c0de77aa"
    assert version.attributes["repository"] == "https://git.example.com/fraud.git"
    assert version.attributes["approval_status"] == "Approved"
    links = [one for one in facts(DESCRIBED, Link) if one.target == version.key]
    assert (FIT, Relation.PRODUCED) in {(link.source, link.type) for link in links}


def test_a_decision_is_dated_as_far_as_the_answer_goes():
    """What was never changed was approved when made, by its maker; bea changed fraud/1 last: rejected by then."""
    approved, rejected = (
        next(one for one in facts(DESCRIBED, Happened) if one.type == type_)
        for type_ in ("approve", "reject")
    )

    assert (approved.at, approved.actor.name) == (
        parse("2026-05-03T09:00:00+00:00"), "arn:aws:iam::111122223333:user/dan",
    )  # fmt: skip
    assert (rejected.at.lo, rejected.at.hi) == (
        parse("2026-05-02T09:00:00Z").lo, parse("2026-05-02T15:00:00Z").lo,
    )  # fmt: skip
    assert rejected.actor.name == "arn:aws:iam::111122223333:user/bea"
    assert rejected.detail["basis"] == "LastModifiedBy: who changed the package last"
    assert rejected.change == {"reason": "drifts on new regions"}


def test_a_listed_status_has_no_date_of_its_own():
    """A list leaves out the last modification: without the time of the listing, no decision can be dated."""
    summary = {
        "ModelPackageArn": f"{ARN}model-package/fraud/2", "ModelPackageGroupName": "fraud",
        "ModelPackageVersion": 2, "CreationTime": "2026-05-03T09:00:00Z", "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Rejected",
    }  # fmt: skip
    record = Record(json.dumps(summary).encode())

    assert [one.type for one in sagemaker.read(record, Origin("x")) if isinstance(one, Happened)] == [
        "register"
    ]
    labelled = sagemaker.read(record, Origin("x", {"observed_at": "2026-06-01T00:00:00Z"}))
    (rejected,) = (one for one in labelled if isinstance(one, Happened) and one.type == "reject")
    assert (rejected.at.hi, rejected.actor) == (parse("2026-06-01T00:00:00Z").lo, None)


def test_who_stands_behind_a_session_is_kept():
    """A source identity and a Studio profile are steps to a person."""
    said = read(
        ModelPackageArn=f"{ARN}model-package/fraud/9",
        CreationTime="2026-05-03T09:00:00Z",
        ModelPackageStatusDetails={},
        ModelApprovalStatus="Approved",
        CreatedBy={
            "UserProfileName": "ann",
            "IamIdentity": {
                "Arn": "arn:aws:sts::1:assumed-role/r/SageMaker",
                "SourceIdentity": "ann@example.com",
            },
        },
    )
    (approved,) = (one for one in said if isinstance(one, Happened) and one.type == "approve")

    assert approved.chain == (
        Hop("ann@example.com", "source-identity", "CreatedBy.IamIdentity.SourceIdentity"),
        Hop("ann", "user-profile", "CreatedBy.UserProfileName"),
    )


def test_lineage_entities_meet_the_jobs_and_data_they_stand_for():
    """An artifact is the place it lies at, a trial component its training job; images and contexts are no data."""
    aliases = {(one.key.name, one.other[1:]) for one in facts(LISTED, Alias)}
    links = [(link.source.name, link.target.name, link.type) for link in facts(QUERIED, Link)]

    assert aliases == {
        ("artifact/aa", ("s3://lake", "claims/dt=2026-05-01/")),
        ("artifact/cc", ("s3://made", "fit-2/output/model.tar.gz")),
        ("Fraud", (PLACE, "fraud")),
    }
    assert links == [
        ("artifact/aa", "fit-2", Relation.INPUT), ("fit-2", "artifact/cc", Relation.OUTPUT),
    ]  # fmt: skip


def test_what_is_left_out_has_a_reason():
    """listed.jsonl by record: what carries no data, echoes of changes, an app, a bad time, no answer, a cut line."""
    reasons = [
        first.reason if isinstance(first, Filtered) else (first.code, first.line)
        for _, (first, *_) in outcomes(LISTED)
        if isinstance(first, (Filtered, Problem))
    ]

    assert reasons == [
        "no-data-artifact", "association-without-lineage", "lineage-action", "lineage-context", "names-only", "kind",
        ("bad-time", 0), ("not-sagemaker", 0), ("malformed-json", 0),
    ]  # fmt: skip


def test_the_chain_ends_in_what_serves(tmp_path):
    """Fraud serves fraud/1 and fraud/2 at weights 3 to 1, by a package's ARN and by the place of an artifact."""
    items = {item["endpoint"]: item for item in asked(tmp_path, "deployments", DESCRIBED)}

    assert items.keys() == {"Fraud", "waiting", "unknown"}
    assert shares(items["Fraud"]) == [("fraud", "1", 0.75), ("fraud", "2", 0.25)]
    assert [one["link_rule"] for one in items["Fraud"]["models"]] == ["model-package", "artifact-uri"]
    assert [one["claim_at"] for one in items["Fraud"]["models"]] == [
        "PrimaryContainer.ModelPackageName", "PrimaryContainer.ModelDataUrl",
    ]  # fmt: skip
    assert items["Fraud"]["deployed_by"] is None
    assert (items["unknown"]["models"], items["unknown"]["flags"]) == (
        [], ["model-not-evidenced", "seen-in-listing-only"],
    )  # fmt: skip


def test_what_does_not_serve_is_no_deployment(tmp_path):
    """One endpoint failed, one is between two configurations: things, and no items of the register."""
    targets = {one["name"] for one in asked(tmp_path, "entities", DESCRIBED) if one["kind"] == "target"}

    assert targets >= {"Fraud", "broken", "moving", "waiting", "unknown"}


def test_calls_and_answers_of_one_endpoint_are_one_change(tmp_path):
    """CloudTrail: dan made Fraud (c2) and shifted weights to 3:1 (c3); the answer shows that and adds no step.

    Only CloudTrail has the person; only the answers have the configuration and fraud-b. c4 was accepted, but the
    answer says that `broken` failed to come up 40 minutes later: it was never deployed.
    """
    items = asked(tmp_path, "deployments", DESCRIBED, CALLS)
    fraud = [item for item in items if item["endpoint"] == "Fraud"]

    assert [(item["action"], item["deployed_at"], shares(item)) for item in fraud] == [
        ("deploy", "2026-05-05T08:02:00Z", [("fraud", "1", 0.5), ("fraud", "2", 0.5)]),
        ("traffic", "2026-05-05T08:07:00Z", [("fraud", "1", 0.75), ("fraud", "2", 0.25)]),
    ]
    assert [(item["deployed_by"], item["flags"]) for item in fraud] == [("dan", []), ("dan", [])]
    assert fraud[1]["confirmed_by"] == 1
    assert "broken" not in {item["endpoint"] for item in items}


def test_the_order_of_import_does_not_matter(tmp_path):
    """Answers first or CloudTrail first, again and rebuilt: one digest."""
    digests = set()
    for number, order in enumerate([(DESCRIBED, CALLS, LISTED), (LISTED, CALLS, DESCRIBED)]):
        with Workspace.open(tmp_path / f"{number}.trail") as workspace:
            for path in order:
                workspace.import_([path])
            digests.add(workspace.digest().items[0]["digest"])
            workspace.import_(list(order))
            digests.add(workspace.digest().items[0]["digest"])
            digests.add(workspace.rebuild().items[0]["digest"])
    assert len(digests) == 1


def test_a_rejected_version_that_serves_is_found(tmp_path):
    """Bea rejected fraud/1 on 2 May, Fraud serves it since 5 May: both records are named. fraud/3 nobody approved."""
    found = {one["code"]: one for one in asked(tmp_path, "findings", DESCRIBED, CALLS)}

    rejected = found["rejected-version-served"]
    assert (rejected["severity"], rejected["subject"]) == ("high", "111122223333/eu-west-1/Fraud")
    assert [side["says"] for side in rejected["sides"]] == ["serves fraud 1", "it was rejected (reject)"]
    assert {Path(one["file"]).name for one in rejected["evidence"]} == {"cloudtrail.json"}
    assert found["unapproved-version-served"]["subject"] == "111122223333/eu-west-1/waiting"


def test_a_rejection_is_evidenced_by_the_answer_alone(tmp_path):
    """Without CloudTrail the same finding stands on the two answers."""
    found = [
        one for one in asked(tmp_path, "findings", DESCRIBED) if one["code"] == "rejected-version-served"
    ]

    assert [{Path(side["file"]).name for side in one["evidence"]} for one in found] == [{"described.json"}]


def test_an_approved_version_is_no_finding_and_names_its_approver(tmp_path):
    """An endpoint that serves fraud/2 alone: dan made it as approved."""
    path = tmp_path / "one.json"
    answers = [json.loads(record.raw) for record, _ in outcomes(DESCRIBED)]
    config = next(
        one for one in answers if one.get("EndpointConfigName") == "fraud-cfg" and "ProductionVariants" in one
    )
    config = {**config, "ProductionVariants": config["ProductionVariants"][1:]}
    kept = [
        one
        for one in answers
        if "EndpointConfigArn" not in one and one.get("EndpointName") in {None, "Fraud"}
    ]
    path.write_text(json.dumps([*kept, config]))

    (item,) = asked(tmp_path, "deployments", path)
    assert (shares(item), item["approved_by"], item["approved_at"]) == (
        [("fraud", "2", 1.0)], ["dan"], "2026-05-03T09:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    "members",
    [
        {"EndpointName": "e", "EndpointArn": "arn:aws:sagemaker:x", "EndpointStatus": "InService"},
        {"EndpointName": "e", "EndpointArn": f"{ARN}endpoint/e", "LastModifiedTime": 1e300},
        {"EndpointName": "e", "EndpointArn": f"{ARN}endpoint/e", "LastModifiedTime": True, "EndpointStatus": []},
        {"TrainingJobName": "t", "TrainingJobArn": f"{ARN}training-job/t", "TrainingJobStatus": "Lost",
         "InputDataConfig": [None, {"DataSource": 1}], "CreationTime": -5, "HyperParameters": []},
        {"ModelPackageArn": f"{ARN}model-package/x", "ModelPackageStatus": 3, "CreationTime": "2026-05-03T09:00:00Z",
         "CreatedBy": [], "MetadataProperties": "x", "InferenceSpecification": {"Containers": [1]}},
        {"ModelName": "m", "ModelArn": f"{ARN}model/m", "PrimaryContainer": 1, "CreationTime": "2026-05-03T09:00:00Z"},
        {"EndpointConfigName": "c", "EndpointConfigArn": f"{ARN}endpoint-config/c", "ProductionVariants": [1, {}],
         "CreationTime": "2026-05-03T09:00:00Z"},
        {"Vertices": [1, {}], "Edges": [None, {"SourceArn": 1}]},
        {"SourceArn": "x", "DestinationArn": "y", "CreationTime": {}},
        {"ArtifactArn": f"{ARN}artifact/x", "Source": {"SourceUri": "::"}},
    ],
    ids=repr,
)  # fmt: skip
def test_nothing_that_is_malformed_raises(members):
    """Whatever stands in a member, the record ends as facts, a reason or problems."""
    said = read(**members)

    assert said
    assert not any(
        isinstance(one, Happened) and one.outcome is Outcome.DONE and one.workload for one in said
    ) or ("EndpointConfigName" in members or "ModelName" in members)


def test_the_stand_in_of_the_corpus(corpus, tmp_path):
    """churn-prod serves churn-classifier/1: its model data is that of describe-model-package-1.json and of job 1.

    Read off the files: describe-model.json PrimaryContainer.ModelDataUrl = s3://halden-models/churn/
    churn-train-2026-03-01/output/model.tar.gz = that of package 1; package 2 is Rejected, 3 PendingManualApproval;
    13 records in 11 files; training job 1 read s3://halden-lake/features/customer_daily, partition dt=2026-03-01.
    """
    folder = corpus / "ml" / "sagemaker-standin"
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        done = workspace.import_([folder]).items
        assert {(one["source"], one["rejected"], one["filtered"]) for one in done} == {("sagemaker", 0, 0)}
        assert sum(one["read"] for one in done) == 13
        (item,) = workspace.deployments().items
        assert (item["target"], shares(item)) == (
            "123456789012/eu-north-1/churn-prod", [("churn-classifier", "1", 1.0)],
        )  # fmt: skip
        assert item["models"][0]["run_id"] == "churn-train-2026-03-01"
        assert workspace.findings().items == []
        versions = [one for one in workspace.entities().items if one["kind"] == "model-version"]
        assert {one["name"]: one["attributes"]["approval_status"] for one in versions} == {
            "churn-classifier/1": "Approved",
            "churn-classifier/2": "Rejected",
            "churn-classifier/3": "PendingManualApproval",
        }
        run = next(run for run in workspace.runs().items if run["run_id"] == "churn-train-2026-03-01")
        assert [(one["display"], one["version"]) for one in run["inputs"]] == [
            ("s3://halden-lake/features/customer_daily", "dt=2026-03-01")
        ]
