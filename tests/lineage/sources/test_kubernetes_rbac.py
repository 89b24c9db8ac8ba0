import json
from io import BytesIO
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Coverage, Entity, Grant, Happened, Key
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import kubernetes_audit, kubernetes_rbac

SAMPLES = Path(__file__).parents[2] / "sources" / "kubernetes_rbac"
RIGHTS = Path(__file__).parents[2] / "sources" / "kubernetes_audit" / "rights.log"


class Bytes:
    """An input in memory."""

    name, path = "rbac.json", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given, reader=kubernetes_rbac, **labels):
    """Everything the file says."""
    origin = Origin("prod-eu/rbac.json", labels, folder="prod-eu")
    given = file_input(given) if isinstance(given, Path) else Bytes(given)
    found = []
    for item in reader.records(given, origin):
        found.extend(reader.read(item, origin) if isinstance(item, Record) else [item])
    return found


def of(facts, kind):
    """The facts of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def test_a_binding_gives_a_role_to_its_subjects():
    """Users, groups and service accounts as the API server calls them; what is none of these is named."""
    facts = said(SAMPLES / "rbac.json")
    given = [fact for fact in of(facts, Grant) if fact.via == "RoleBinding/fraud/owners"]
    assert [fact.grantee for fact in given] == [
        Key(Kind.ACTOR, "kubernetes", "oidc:mira.holm@skarn.example"),
        Key(Kind.ACTOR, "kubernetes-group", "ml-oncall"),
        Key(Kind.ACTOR, "kubernetes", "system:serviceaccount:ci:deployer"),
    ]
    assert {(fact.role, fact.where, fact.place, fact.permissions) for fact in given} == {
        ("Role/fraud/scorer-owner", "fraud", "kubernetes://prod-eu", ())
    }
    assert [(fact.code, fact.fatal) for fact in of(facts, Problem)] == [("unknown-subject", False)]


def test_when_a_right_began_lies_between_creation_and_last_change():
    """The binding `owners` is of February 1 and was changed on May 1: its subjects may be of any day between."""
    facts = said(SAMPLES / "rbac.json")
    since = {fact.via: fact.since for fact in of(facts, Grant)}
    owners, ops = since["RoleBinding/fraud/owners"], since["ClusterRoleBinding/ops"]
    assert (to_iso(owners.lo), to_iso(owners.hi)) == ("2026-02-01T00:00:00Z", "2026-05-01T12:00:00Z")
    assert (to_iso(ops.lo), ops.exact) == ("2026-01-11T00:00:00Z", True)


def test_a_role_allows_what_its_rules_say_wildcards_as_written():
    """Each rule is a right of the role; an aggregated one says so; a name in a rule is a target of that namespace."""
    facts = said(SAMPLES / "rbac.json")
    rules = {}
    for fact in of(facts, Grant):
        if fact.grantee.name == fact.role:
            rules.setdefault(fact.role, []).append(fact)
    assert [fact.permissions for fact in rules["ClusterRole/kserve-edit"]] == [
        (
            "create,update,patch,delete inferenceservices.serving.kserve.io",
            "create,update,patch,delete trainedmodels.serving.kserve.io",
        ),
        ("get secrets",),
    ]
    (edit,) = rules["ClusterRole/edit"]
    assert (edit.permissions, edit.where, edit.detail["aggregated"]) == (
        ("* *.serving.kserve.io",),
        "*",
        True,
    )
    owner, metrics = rules["Role/fraud/scorer-owner"]
    assert owner.things == (Key(Kind.TARGET, "kubernetes://prod-eu", "fraud/inferenceservices/scorer"),)
    assert owner.detail["resource_names"] == ["scorer"]
    assert metrics.permissions == ("get /metrics",)


def test_a_manifest_is_a_declared_right():
    """Nothing shows that it was applied, or when; a binding without a role is named."""
    facts = said(SAMPLES / "declared.yaml")
    (found,) = of(facts, Grant)
    assert (found.grantee.name, found.role, found.where) == ("sre", "ClusterRole/cluster-admin", "*")
    assert (found.detail["declared"], found.since, found.at) == (True, None, None)
    assert [(fact.code, fact.field) for fact in of(facts, Problem)] == [("missing-field", "roleRef.name")]


def test_a_list_that_is_all_there_is_says_so():
    """With the label `observed_at` each listing is complete as of then."""
    facts = said(SAMPLES / "rbac.json", observed_at="2026-06-01T00:00:00Z", cluster="prod")
    assert {(fact.listing, fact.complete) for fact in of(facts, Coverage)} == {
        ("kubernetes-rbac:prod/*/clusterroles", True),
        ("kubernetes-rbac:prod/fraud/roles", True),
        ("kubernetes-rbac:prod/fraud/rolebindings", True),
        ("kubernetes-rbac:prod/*/clusterrolebindings", True),
    }
    assert {to_iso(fact.at.lo) for fact in of(facts, Grant)} == {"2026-06-01T00:00:00Z"}
    assert not any(fact.complete for fact in of(said(SAMPLES / "rbac.json"), Coverage))


def test_a_mixed_dump_tells_rights_and_workloads(tmp_path):
    """What serves and who may change it stand in one List: one reader, both told; the rest is left out as its kind."""
    path = SAMPLES / "mixed.yaml"
    assert recognise(sample_of(file_input(path)))[0].NAME == "kubernetes-dump"
    facts = said(path)
    assert [fact.subject.name for fact in of(facts, Happened)] == ["fraud/inferenceservices/scorer"]
    assert [fact.via for fact in of(facts, Grant)] == ["RoleBinding/fraud/devs"]
    assert [fact.reason for fact in of(said(SAMPLES / "rbac.json"), Filtered)] == ["kind"]
    for name in ("rbac.json", "declared.yaml"):
        assert recognise(sample_of(file_input(SAMPLES / name)))[0].NAME == "kubernetes-rbac"


def happenings():
    """What the log of calls on bindings tells, by the call's id."""
    facts = said(RIGHTS, kubernetes_audit)
    assert of(facts, Problem) == []
    return facts, {fact.id.partition("/")[0]: fact for fact in of(facts, Happened)}


def test_calls_on_bindings_grant_and_revoke():
    """Created: a grant to each subject; deleted without the object: a revoke of the binding; refused: denied."""
    facts, calls = happenings()
    first = [fact for fact in of(facts, Happened) if fact.id.startswith("r-1/")]
    assert [(fact.type, fact.subject.name, fact.actor.name) for fact in first] == [
        ("grant", "oidc:kai.lind@skarn.example", "oidc:admin@skarn.example"),
        ("grant", "system:serviceaccount:fraud:deployer", "oidc:admin@skarn.example"),
    ]
    assert (first[0].detail["role"], first[0].detail["where"]) == ("ClusterRole/edit", "fraud")
    assert first[0].change == {"ticket": "ACC-9"}
    assert (calls["r-3"].type, calls["r-3"].subject.name) == ("revoke", "RoleBinding/fraud/temp")
    assert (calls["r-4"].outcome, calls["r-4"].detail["role"]) == (
        Outcome.DENIED,
        "ClusterRole/cluster-admin",
    )
    assert (calls["r-5"].type, calls["r-5"].subject.name) == ("role-change", "ClusterRole/edit")


def test_a_call_states_what_holds_after_it():
    """Both subjects of the creation, the one left after the patch, each since the call, by its caller; none refused."""
    facts, _ = happenings()
    assert [(fact.grantee.name, to_iso(fact.since.lo), fact.by.name) for fact in of(facts, Grant)] == [
        ("oidc:kai.lind@skarn.example", "2026-06-01T10:00:00.100000Z", "oidc:admin@skarn.example"),
        ("system:serviceaccount:fraud:deployer", "2026-06-01T10:00:00.100000Z", "oidc:admin@skarn.example"),
        ("oidc:kai.lind@skarn.example", "2026-06-02T10:00:00Z", "oidc:admin@skarn.example"),
    ]


def test_calls_on_rights_are_no_deployments(tmp_path):
    """They are events about people and roles; the register stays empty, and a rebuild gives the same digest."""
    with lineage.open(tmp_path / "rights.trail") as workspace:
        workspace.import_([RIGHTS, SAMPLES / "rbac.json"], labels={"cluster": "prod-eu"})
        assert workspace.deployments().items == []
        assert {item["type"] for item in workspace.events().items} == {"grant", "revoke", "role-change"}
        digest = workspace.digest().items[0]["digest"]
        assert workspace.rebuild().items[0]["digest"] == digest
    with lineage.open(tmp_path / "other.trail") as workspace:
        workspace.import_([SAMPLES / "rbac.json"], labels={"cluster": "prod-eu"})
        before = workspace.digest().items[0]["digest"]
        workspace.import_([RIGHTS], labels={"cluster": "prod-eu"})
        assert workspace.digest().items[0]["digest"] == digest != before


@pytest.mark.parametrize("odd", [None, 5, [], {}, "x", [5], [None], [{}], {"a": []}, [[]], [{"name": 5}]])
def test_odd_values_cost_their_record_at_most(odd):
    """Whatever stands where something else is expected: every object is told of, nothing raises."""
    made = []
    for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"):
        for field in ("metadata", "rules", "subjects", "roleRef", "aggregationRule"):
            whole = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": "x", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"},
                "roleRef": {"kind": "Role", "name": "r"},
            }
            made.append({**whole, field: odd})
    made.append(
        {**whole, "rules": [{"verbs": odd, "resources": odd, "apiGroups": odd, "resourceNames": odd}]}
    )
    assert said(json.dumps({"apiVersion": "v1", "kind": "List", "items": made}).encode())


def test_other_objects_are_not_taken():
    """Config maps, audit logs and JSON that is no object of Kubernetes."""
    for text in (
        '{"kind":"ConfigMap","apiVersion":"v1"}',
        '{"kind":"Role"}',
        "[]",
        "kind: Role\n",
        RIGHTS.read_text(),
    ):
        assert kubernetes_rbac.recognises(Sample("a", text.encode())) == 0


def test_the_real_binding(corpus):
    """A manifest: RoleBinding devs in dev gives ClusterRole edit to oidc:dev@example.com (read in the file)."""
    path = corpus / "ops" / "access" / "rolebinding.yaml"
    assert recognise(sample_of(file_input(path)))[0].NAME == "kubernetes-rbac"
    facts = said(path, cluster="prod")
    assert facts == [
        Grant(
            Key(Kind.ACTOR, "kubernetes", "oidc:dev@example.com"),
            "ClusterRole/edit",
            where="dev",
            place="kubernetes://prod",
            via="RoleBinding/dev/devs",
            detail={"declared": True, "subject": "user"},
        )
    ]
    assert of(facts, Entity) == []
