"""What does an API server's audit log prove about deployments, and what does it not?"""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Claim, Happened, Hop
from lineage.model.moment import parse
from lineage.model.vocabulary import Outcome
from lineage.source import Filtered, Origin, Problem, Record, recognise
from lineage.sources import kubernetes_audit

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "kubernetes_audit"
FORMS = ["plain.log", "eks.jsonl", "aks.jsonl", "gke.json", "eventlist.json"]


def outcomes(path: Path, **labels: str) -> list[tuple[Record | None, list]]:
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), labels, path.parent.name)
    found = []
    for record in kubernetes_audit.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else list(kubernetes_audit.read(record, origin))
        assert said, "a record must end as something"
        found.append((record if isinstance(record, Record) else None, said))
    return found


def happenings(path: Path, **labels: str) -> list[Happened]:
    """What happened, according to a file."""
    return [fact for _, said in outcomes(path, **labels) for fact in said if isinstance(fact, Happened)]


def of_line(line: int) -> list:
    """What was read from one line of plain.log."""
    return next(said for record, said in outcomes(SAMPLES / "plain.log") if record.line == line)


def happened_at(line: int) -> Happened:
    """The one happening on a line of plain.log."""
    (fact,) = (fact for fact in of_line(line) if isinstance(fact, Happened))
    return fact


def reason_at(line: int) -> str:
    """Why a line of plain.log was left out."""
    (only,) = of_line(line)
    assert isinstance(only, Filtered)
    return only.reason


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_recognised(name):
    """The log itself and the wrappings of three clouds are known by their content."""
    source, confidence = recognise(sample_of(file_input(SAMPLES / name)))

    assert (source.NAME, confidence > 0.8) == ("kubernetes-audit", True)


def test_a_create_says_who_what_when_and_on_what_grounds():
    """Line 1 of plain.log: ann creates prod/fraud with models:/fraud/3 under CHG-1, approved by bob."""
    fact = happened_at(1)

    assert (fact.type, fact.outcome, fact.id) == ("apply", Outcome.DONE, "call-01")
    assert fact.subject == (
        "target",
        "kubernetes://kubernetes_audit",
        "prod/inferenceservices/fraud",
    )
    assert fact.at == parse("2026-06-01T08:00:00.000001Z")
    assert fact.actor == ("actor", "kubernetes", "oidc:ann@example.com")
    assert fact.actor_kind == "person"
    assert fact.change == {
        "commit": "4be1c0de77",
        "ticket": "CHG-1",
        "approved_by": "bob@example.com",
        "approved_at": "2026-05-31T16:00:00Z",
        "ci_run": "9001",
        "reason": "better recall",
    }
    (predictor,) = fact.workload.components
    assert (fact.workload.platform, predictor.name, predictor.uri) == (
        "kserve",
        "predictor",
        "s3://models/fraud/3",
    )
    assert predictor.claims == (
        Claim("model-uri", "models:/fraud/3", "metadata.annotations[mlflow.org/model-uri]"),
        Claim("artifact-uri", "s3://models/fraud/3", "spec.predictor.model.storageUri"),
        Claim("git-commit", "4be1c0de77", "metadata.annotations[example.com/git-commit]"),
        Claim("name", "fraud", "metadata.name"),
    )
    assert fact.detail["environment"] == "production"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (2, "stage"),
        (3, "verb"),
        (8, "by-controller"),
        (9, "subresource"),
        (19, "no-model-evidence"),
        (21, "owned-by"),
        (22, "by-controller"),
        (23, "resource"),
        (24, "no-model-evidence"),
    ],
)
def test_what_is_no_deployment_is_left_out_with_its_reason(line, reason):
    """Other stages, reads, controllers, status writes, ordinary Deployments and copies are no deployments."""
    assert reason_at(line) == reason


def test_a_patch_does_not_inherit_the_grounds_of_an_earlier_change():
    """Line 4 changes only the URI; ticket, commit and approval on the object belong to the change of line 1."""
    fact = happened_at(4)

    assert fact.change == {}
    assert fact.actor_kind == "service-account"
    assert fact.workload.components[0].uri == "s3://models/fraud/4"
    assert fact.workload.annotations["example.com/change-ticket"] == "CHG-1"


@pytest.mark.parametrize(
    ("line", "outcome"),
    [(5, Outcome.DENIED), (6, Outcome.FAILED), (7, Outcome.DRY_RUN), (13, Outcome.FAILED)],
)
def test_attempts_that_changed_nothing_are_kept_as_such(line, outcome):
    """Refused, conflicting, dry-run and crashed calls are happenings, never deployments."""
    assert happened_at(line).outcome is outcome


def test_a_dry_run_and_a_failed_update_show_what_was_meant():
    """Line 6 is refused as a conflict, line 7 is a rehearsal: both hold the object they were about."""
    assert happened_at(6).workload.components[0].uri == "s3://models/fraud/5"
    assert happened_at(7).workload.components[0].weight == pytest.approx(0.1)


def test_the_model_is_unknown_where_the_record_does_not_hold_the_object():
    """Level Metadata (10), and a record whose objects were cut by the server (14)."""
    assert happened_at(10).workload is None
    assert happened_at(14).workload is None
    assert happened_at(14).detail["truncated"] is True


def test_a_patch_alone_tells_the_changed_fields():
    """A merge patch (11) and a JSON patch (12) without the object after them: partial, with what they set."""
    merge, operations = happened_at(11).workload, happened_at(12).workload

    assert (merge.partial, merge.fingerprint, merge.components[0].uri) == (True, "", "s3://models/fraud/6")
    assert (operations.partial, operations.components[0].uri) == (True, "s3://models/fraud/7")
    assert happened_at(12).change == {"ticket": "CHG-7"}


def test_an_impersonated_call_keeps_both_identities():
    """Line 15: ops acts as the deployer account; ops is the actor, the account what it ran as."""
    fact = happened_at(15)

    assert fact.actor.name == "oidc:ops@example.com"
    assert fact.effective == "system:serviceaccount:ci:deployer"
    assert fact.chain[0] == Hop(fact.effective, "impersonated-user", "impersonatedUser.username")


def test_equal_specs_have_equal_fingerprints():
    """The dry run of line 7 differs in traffic from line 4; the create of line 1 was repeated in nothing since."""
    assert happened_at(4).workload.fingerprint != happened_at(7).workload.fingerprint
    assert happened_at(4).workload.fingerprint != happened_at(1).workload.fingerprint


def test_deletions_are_told_one_by_one():
    """Line 16 deletes fraud; line 17 a collection of two, listed in the response; line 18 does not say which."""
    assert (happened_at(16).type, happened_at(16).workload) == ("delete", None)
    assert [fact.subject.name for fact in of_line(17) if isinstance(fact, Happened)] == [
        "prod/inferenceservices/churn",
        "prod/inferenceservices/iris",
    ]
    (problem,) = of_line(18)
    assert (problem.code, problem.fatal) == ("names-unknown", False)


def test_an_ordinary_deployment_counts_once_it_names_a_model_and_keeps_no_secret():
    """Line 20: a Deployment with MODEL_URI=models:/fraud/3 and a password in its variables."""
    fact = happened_at(20)

    (container,) = fact.workload.components
    assert (fact.workload.platform, container.name, container.uri) == (
        "kubernetes",
        "score",
        "models:/fraud/3",
    )
    assert container.claims[0] == Claim(
        "model-uri", "models:/fraud/3", "spec.template.spec.containers[0].env[0].value"
    )
    assert container.env == {"MODEL_URI": "models:/fraud/3"}
    assert fact.workload.resources == {"replicas": "2"}


def test_eks_names_the_cluster_and_the_person_behind_the_session():
    """A CloudWatch batch: the log group holds the cluster, `user.extra` the session; text of other logs is skipped."""
    (first, second), rest = happenings(SAMPLES / "eks.jsonl"), outcomes(SAMPLES / "eks.jsonl")[1][1]

    assert first.subject.namespace == "kubernetes://risk-eu"
    assert first.chain == (Hop("ann@example.com", "sso-session", "user.extra.arn"),)
    assert (first.actor.name, first.actor_kind) == ("kubernetes-admin", "unknown")
    assert first.detail["access_key"] == "ASIAEXAMPLE"
    assert second.chain == (Hop("GitHubActions-9002", "session-name", "user.extra.arn"),)
    assert second.change == {"ci_run": "9002"}
    assert rest == [Filtered("not-audit")]


def test_aks_records_are_unwrapped_and_their_damage_is_named():
    """AKS keeps the event as text; the time of the wrapper serves when the event has none (100 ns are cut)."""
    found = [said for _, said in outcomes(SAMPLES / "aks.jsonl")]

    (fact,) = found[0]
    assert fact.subject.namespace == "kubernetes://risk-aks"
    assert (fact.at.lo, fact.at.text) == (
        parse("2026-06-09T08:00:00.123456Z").lo,
        "2026-06-09T08:00:00.1234567Z",
    )
    assert found[1] == [Filtered("not-audit")]
    assert [(one.code, one.field) for one in found[2]] == [("malformed-json", "properties.log")]


def test_gke_names_cluster_resource_and_the_person_a_service_account_acted_for():
    """The entry's `resourceName` tells group and kind; google.rpc codes 7 and 10 are refused and conflict."""
    done, denied, failed = happenings(SAMPLES / "gke.json")

    assert done.subject == ("target", "kubernetes://risk-gke", "prod/inferenceservices/fraud")
    assert done.actor_kind == "service-account"
    assert done.chain[0][:2] == ("ann@example.com", "service-account-delegation")
    assert done.workload.components[0].uri == "gs://models/fraud/3"
    assert done.at.text == "2026-06-10T08:00:00.123456789Z"
    assert (denied.outcome, failed.outcome) == (Outcome.DENIED, Outcome.FAILED)
    reasons = [said[0].reason for _, said in outcomes(SAMPLES / "gke.json")[3:]]
    assert reasons == ["verb", "not-kubernetes"]


def test_a_label_names_the_cluster_before_anything_else():
    """Two clusters with equal names are usual, so what a person says at import wins."""
    assert {fact.subject.namespace for fact in happenings(SAMPLES / "eks.jsonl", cluster="prod-eu")} == {
        "kubernetes://prod-eu"
    }


def test_an_event_list_is_cut_into_its_events():
    """Each item is a record of its own, with its bytes and its place in the list."""
    found = outcomes(SAMPLES / "eventlist.json")

    assert [record.row for record, _ in found] == ["/items/0", "/items/1"]
    assert json.loads(found[1][0].raw)["auditID"] == "call-72"
    assert [said[0].subject.name for _, said in found] == [
        "prod/inferenceservices/a",
        "prod/inferenceservices/b",
    ]


def test_damaged_lines_cost_only_themselves():
    """The first line was cut by log rotation, the third breaks off, the fourth says `verb` twice."""
    found = outcomes(SAMPLES / "broken-first-line.log")

    assert [record.line for record, _ in found] == [1, 2, 3, 4]
    codes = [getattr(said[0], "code", "fact") for _, said in found]
    assert codes == ["malformed-json", "fact", "malformed-json", "duplicate-key"]


def test_other_ways_of_exporting_one_log_give_the_same_happening(tmp_path):
    """Lines with a time before them (an S3 export), a saved filter-log-events answer, an EventList a line."""
    event = json.loads((SAMPLES / "plain.log").read_bytes().splitlines()[0])
    text = json.dumps(event)
    answer = {"events": [{"timestamp": 1, "message": text}], "searchedLogStreams": []}
    forms = {
        "s3.log": f"2026-06-01T08:00:00.000Z {text}\n" * 2,
        "filtered.json": json.dumps(answer, indent=1),
        "batches.jsonl": (json.dumps({"kind": "EventList", "items": [event]}) + "\n") * 2,
        "azure.json": json.dumps({"records": [{"category": "kube-audit", "properties": {"log": text}}]}),
    }
    for name, content in forms.items():
        (tmp_path / name).write_text(content, "utf-8")
        found = happenings(tmp_path / name, cluster="kubernetes_audit")
        assert set(map(repr, found)) == {repr(happened_at(1))}, name
        assert kubernetes_audit.recognises(sample_of(file_input(tmp_path / name))) > 0.8


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("requestReceivedTimestamp", "yesterday", "bad-time"),
        ("requestReceivedTimestamp", 1e300, "bad-time"),
        ("stage", None, "missing-field"),
        ("responseStatus", None, "missing-field"),
        ("objectRef", {"resource": "inferenceservices", "apiGroup": "serving.kserve.io"}, "missing-field"),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_a_problem_and_no_guess(field, value, code):
    """Without a stage, a status, a time or a name there is no deployment."""
    event = json.loads((SAMPLES / "plain.log").read_bytes().splitlines()[9])
    event[field] = value
    (only,) = kubernetes_audit.read(Record(json.dumps(event).encode()), Origin("x"))

    assert isinstance(only, Problem)
    assert only.code == code


@pytest.mark.parametrize("junk", [None, 0, "x", [], [1], {}, {"a": []}, True])
def test_no_wrong_value_anywhere_raises(junk):
    """Whatever stands in a field, the record ends as facts, a reason or a problem."""

    def spoil(value):
        if isinstance(value, dict):
            for name in value:
                yield {**value, name: junk}
                for inner in spoil(value[name]):
                    yield {**value, name: inner}
        elif isinstance(value, list) and value:
            for inner in spoil(value[0]):
                yield [inner, *value[1:]]

    lines = (SAMPLES / "plain.log").read_bytes().splitlines()
    entries = json.loads((SAMPLES / "gke.json").read_bytes())
    for whole in (json.loads(lines[0]), json.loads(lines[11]), json.loads(lines[19]), entries[0]):
        for spoilt in spoil(whole):
            assert list(kubernetes_audit.read(Record(json.dumps(spoilt).encode()), Origin("x")))


def test_the_real_log_has_no_deployment_and_every_record_is_accounted_for(corpus):
    """2,971 events of a cluster at rest: of 1,376 that are complete, 1,016 read and 360 write.

    26 of these write the status of Deployments and StatefulSets (counted by a script over stage, verb and objectRef).
    """
    path = corpus / "ops" / "k8s-audit" / "k8s-2971-events.log.gz"
    reasons = Counter(said[0].reason for _, said in outcomes(path))

    assert reasons == {"stage": 1595, "verb": 1016, "resource": 334, "subresource": 26}
    with gzip.open(path) as stream:
        events = [json.loads(line) for line in stream]
    assert sum(event["stage"] != "ResponseComplete" for event in events) == 1595


@pytest.mark.parametrize("cloud", ["aks", "eks", "gke"])
def test_the_rules_of_other_peoples_detections_hold_no_deployment_of_a_model(corpus, cloud):
    """Pods, secrets, daemon sets: nothing that serves models, by eye over each record's resource and verb.

    Six calls a cloud are about roles and bindings; these fragments hold no stage or no time, so they prove nothing.
    """
    found = outcomes(corpus / "ops" / "k8s-audit" / f"panther-{cloud}.jsonl")

    assert all(len(said) == 1 for _, said in found)
    named = [said[0] for _, said in found if not isinstance(said[0], Filtered)]
    assert [problem.code for problem in named] == ["bad-time" if cloud == "gke" else "missing-field"] * 6
    assert len(found) == {"aks": 34, "eks": 49, "gke": 41}[cloud]


def test_the_composed_log_tells_the_story_of_iris(corpus):
    """By eye: dev deploys 1, CI deploys 2, dev (as admin) goes back to 1, dev deletes; 1 and 3 run the same."""
    first, second, third, last = happenings(corpus / "ops" / "k8s-audit" / "composed-isvc.log")

    assert [one.workload.components[0].uri for one in (first, second, third)] == [
        "s3://dev/iris/1",
        "s3://dev/iris/2",
        "s3://dev/iris/1",
    ]
    assert first.workload.fingerprint == third.workload.fingerprint != second.workload.fingerprint
    assert (third.effective, last.type) == ("system:admin", "delete")
    assert [one.actor_kind for one in (first, second, third)] == ["person", "service-account", "person"]
