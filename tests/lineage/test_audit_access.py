"""Who could change what serves, at a time, and who did, with or without a listed right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.cli import main
from lineage.workspace import Workspace

RBAC = "rbac.authorization.k8s.io"
SCORER = "prod-eu/fraud/scorer"


def stored(kind: str, name: str, created: str, namespace: str = "", **body: Any) -> dict[str, Any]:
    """A role or binding as `kubectl get -o json` prints it."""
    metadata = {"name": name, "uid": f"{kind}-{name}", "creationTimestamp": created}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **body}


def user(name: str) -> dict[str, str]:
    """A user as a subject."""
    return {"kind": "User", "apiGroup": RBAC, "name": name}


def bound(
    name: str, role: str, *subjects: dict[str, str], namespace: str = "fraud", since: str
) -> dict[str, Any]:
    """A binding of a cluster role in a namespace."""
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return stored("RoleBinding", name, since, namespace, roleRef=reference, subjects=list(subjects))


EDIT = stored(
    "ClusterRole",
    "kserve-edit",
    "2026-01-01T00:00:00Z",
    rules=[
        {
            "apiGroups": ["serving.kserve.io"],
            "resources": ["inferenceservices"],
            "verbs": ["create", "update"],
        }
    ],
)
LOOK = stored(
    "ClusterRole",
    "kserve-look",
    "2026-01-01T00:00:00Z",
    rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}],
)


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Workspace]:
    """A function that imports objects of a cluster and calls on it, and files of other names."""

    def make(objects: list[Any], events: list[Any], **files: str) -> Workspace:
        folder = tmp_path / "prod-eu"
        folder.mkdir(exist_ok=True)
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        (folder / "rbac.json").write_text(json.dumps(listed), "utf-8")
        (folder / "audit.log").write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
        for name, text in files.items():
            (folder / name.replace("_", ".")).write_text(text, "utf-8")
        workspace = lineage.open(tmp_path / "asked.trail")
        workspace.import_([folder])
        return workspace

    return make


def who(workspace: Workspace, *words: str, **options: Any) -> dict[str, dict[str, Any]]:
    """The answer by principal."""
    return {item["principal"]: item for item in workspace.access(*words, **options).items}


def test_who_could_and_who_did(asked: Callable[..., Workspace], audit_event: Callable[..., Any]) -> None:
    """Mira could and did; Kai could and did not; Zoe did without a listed right; Ole may only look; Eve elsewhere."""
    objects = [
        EDIT,
        LOOK,
        bound(
            "owners",
            "kserve-edit",
            user("mira@x.example"),
            user("kai@x.example"),
            since="2026-02-01T00:00:00Z",
        ),
        bound("lookers", "kserve-look", user("ole@x.example"), since="2026-02-01T00:00:00Z"),
        bound(
            "other", "kserve-edit", user("eve@x.example"), namespace="parcels", since="2026-02-01T00:00:00Z"
        ),
    ]
    events = [
        audit_event("2026-06-01T10:00:00.000000Z", "mira@x.example", number=1),
        audit_event("2026-06-02T10:00:00.000000Z", "zoe@x.example", uri="s3://models/churn/2", number=2),
    ]
    with asked(objects, events) as workspace:
        found = who(workspace, SCORER)
        everywhere = who(workspace)
    assert set(found) == {"mira@x.example", "kai@x.example", "zoe@x.example"}
    assert set(everywhere) == {*found, "eve@x.example"}
    mira, kai, zoe = (found[f"{name}@x.example"] for name in ("mira", "kai", "zoe"))
    (way,) = mira["could"]
    assert (way["role"], way["via"], way["where"], way["holds"]) == (
        "ClusterRole/kserve-edit",
        ["RoleBinding/fraud/owners", "ClusterRole/kserve-edit"],
        "fraud",
        "yes",
    )
    assert way["permissions"] == ["create,update inferenceservices.serving.kserve.io"]
    assert {entry["source"] for entry in way["evidence"]} == {"kubernetes-rbac"}
    assert len(way["evidence"]) == 2
    assert [(act["at"], act["target"], act["right"]) for act in mira["did"]] == [
        ("2026-06-01T10:00:00Z", SCORER, "listed")
    ]
    assert (kai["unused"], kai["did"], kai["right"]) == (True, [], None)
    assert (zoe["could"], zoe["right"]) == ([], "none")
    assert [entry["source"] for entry in zoe["did"][0]["evidence"]] == ["kubernetes-audit"]


def binding_call(at: str, verb: str, *names: str, number: int = 1) -> dict[str, Any]:
    """A call on the binding `temp`, as an API server logs it; a deletion holds no object."""
    body = {
        "kind": "RoleBinding",
        "apiVersion": f"{RBAC}/v1",
        "metadata": {"name": "temp", "namespace": "fraud"},
        "subjects": [user(name) for name in names],
        "roleRef": {"kind": "ClusterRole", "name": "kserve-edit"},
    }
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": f"r-{number}",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/{RBAC}/v1/namespaces/fraud/rolebindings/temp",
        "verb": verb,
        "user": {"username": "admin@x.example"},
        "objectRef": {"resource": "rolebindings", "namespace": "fraud", "name": "temp", "apiGroup": RBAC},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": at,
        "stageTimestamp": at,
        **({} if verb == "delete" else {"responseObject": body}),
    }


def test_a_right_holds_from_the_call_that_gave_it_to_the_call_that_took_it(
    asked: Callable[..., Workspace], audit_event: Callable[..., Any]
) -> None:
    """Kai and Zoe on June 1, Kai alone from June 2, nobody from June 3; each change is judged by its own moment."""
    events = [
        binding_call("2026-06-01T10:00:00.000000Z", "create", "kai@x.example", "zoe@x.example", number=1),
        binding_call("2026-06-02T10:00:00.000000Z", "patch", "kai@x.example", number=2),
        binding_call("2026-06-03T10:00:00.000000Z", "delete", number=3),
        audit_event("2026-06-01T12:00:00.000000Z", "zoe@x.example", number=11),
        audit_event("2026-06-02T12:00:00.000000Z", "zoe@x.example", uri="s3://models/churn/2", number=12),
        audit_event("2026-06-02T13:00:00.000000Z", "kai@x.example", uri="s3://models/churn/3", number=13),
        audit_event("2026-06-03T12:00:00.000000Z", "kai@x.example", uri="s3://models/churn/4", number=14),
    ]
    with asked([EDIT], events) as workspace:
        could = {
            day: sorted(
                name
                for name, item in who(workspace, SCORER, as_of=f"2026-06-0{day}T11:00:00Z").items()
                if item["could"]
            )
            for day in (1, 2, 3)
        }
        found = who(workspace, SCORER)
    assert could == {1: ["kai@x.example", "zoe@x.example"], 2: ["kai@x.example"], 3: []}
    assert [act["right"] for act in found["zoe@x.example"]["did"]] == ["listed", "none"]
    assert [act["right"] for act in found["kai@x.example"]["did"]] == ["listed", "none"]


def test_what_two_dumps_show_is_bounded(asked: Callable[..., Workspace], tmp_path: Path) -> None:
    """Seen on June 1 and gone on June 10: in between it is `perhaps`; before it was created, no."""
    first = [EDIT, bound("owners", "kserve-edit", user("kai@x.example"), since="2026-02-01T00:00:00Z")]
    first.append(bound("others", "kserve-edit", user("mira@x.example"), since="2026-02-01T00:00:00Z"))
    with lineage.open(tmp_path / "dumps.trail") as workspace:
        for day, listed in (("01", first), ("10", [first[0], first[2]])):
            path = tmp_path / f"{day}.json"
            path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": listed}), "utf-8")
            labels = {"cluster": "prod-eu", "observed_at": f"2026-06-{day}T00:00:00Z"}
            workspace.import_([path], labels=labels)
        holds = {}
        for day in ("2026-01-31", "2026-05-01", "2026-06-05", "2026-06-11"):
            item = who(workspace, as_of=day).get("kai@x.example")
            holds[day] = item["could"][0]["holds"] if item else None
        until = who(workspace, as_of="2026-05-01")["kai@x.example"]["could"][0]["until"]
        digest = workspace.digest().items[0]["digest"]
        assert workspace.rebuild().items[0]["digest"] == digest
        assert who(workspace, known_at="2020-01-01") == {}
        assert who(workspace, as_of="2026-06-11")["mira@x.example"]["could"][0]["holds"] == "yes"
    assert holds == {"2026-01-31": None, "2026-05-01": "yes", "2026-06-05": "perhaps", "2026-06-11": None}
    assert until == {"not_before": "2026-06-01T00:00:00Z", "not_after": "2026-06-10T00:00:00Z"}


def test_an_access_list_and_people(asked: Callable[..., Workspace], audit_event: Callable[..., Any]) -> None:
    """The list gives the e-mail a right until June 30; the account is that person's by the people list."""
    access = (
        "principal,role,resource,granted_from,granted_to,granted_by,ticket\n"
        "mira@x.example,deployer,prod-eu/fraud/*,2026-01-01,2026-06-30,boss@x.example,ACC-1\n"
        "ole@x.example,viewer,prod-eu,2026-01-01,,boss@x.example,ACC-2\n"
        "kai@x.example,deployer,prod-us,2026-01-01,,boss@x.example,ACC-3\n"
    )
    people = "person,email,principal\nMira Holm,mira@x.example,mholm\n"
    events = [
        audit_event("2026-06-30T23:00:00.000000Z", "mholm", number=1),
        audit_event("2026-07-01T01:00:00.000000Z", "mholm", uri="s3://models/churn/2", number=2),
    ]
    with asked([], events, access_csv=access, people_csv=people) as workspace:
        found = who(workspace, SCORER, as_of="2026-06-30T23:30:00Z")
        later = who(workspace, SCORER, as_of="2026-07-02")
    assert set(found) == {"mira@x.example", "mholm"}
    assert (found["mira@x.example"]["could"][0]["ticket"], found["mira@x.example"]["person"]) == (
        "ACC-1",
        "Mira Holm",
    )
    assert found["mira@x.example"]["could"][0]["granted_by"] == "boss@x.example"
    assert (found["mholm"]["person"], found["mholm"]["right"]) == ("Mira Holm", "listed")
    assert [act["right"] for act in later["mholm"]["did"]] == ["listed", "none"]
    assert "mira@x.example" not in later


def test_without_any_rights_nothing_is_said_of_a_change(
    asked: Callable[..., Workspace], audit_event: Callable[..., Any]
) -> None:
    """No export or list of rights is imported, only a call on one: a change has no right that could be missing."""
    events = [
        audit_event("2026-06-01T10:00:00.000000Z", "zoe@x.example"),
        binding_call("2026-05-01T10:00:00.000000Z", "create", "kai@x.example"),
    ]
    with asked([], events) as workspace:
        assert who(workspace)["zoe@x.example"]["right"] == "not-imported"


def test_a_role_that_was_not_imported_may_allow_it(
    asked: Callable[..., Workspace], audit_event: Callable[..., Any]
) -> None:
    """`edit` was not exported: `perhaps`; `view` only reads by its name; `cluster-admin` is known anyway."""
    objects = [
        bound(role, role, user(f"{role}@x.example"), since="2026-02-01T00:00:00Z")
        for role in ("edit", "view", "cluster-admin")
    ]
    events = [
        audit_event(
            f"2026-06-0{day}T10:00:00.000000Z", f"{role}@x.example", uri=f"s3://m/c/{day}", number=day
        )
        for day, role in enumerate(("edit", "view", "cluster-admin"), 1)
    ]
    with asked(objects, events) as workspace:
        found = who(workspace, SCORER)
    assert {name: item["right"] for name, item in found.items()} == {
        "edit@x.example": "perhaps",
        "view@x.example": "none",
        "cluster-admin@x.example": "listed",
    }
    assert found["edit@x.example"]["could"][0]["role_imported"] is False
    assert found["cluster-admin@x.example"]["could"][0]["basis"] == "built-in"


def test_groups_policies_and_denials_of_aws(tmp_path: Path) -> None:
    """Mira, by her group's policy, may update endpoints, not delete; the CI role may, Kai on a condition."""
    sample = Path(__file__).parents[1] / "sources" / "aws_iam" / "account.json"
    with lineage.open(tmp_path / "aws.trail") as workspace:
        workspace.import_([sample], labels={"observed_at": "2026-06-01T12:00:00Z"})
        found = who(workspace, as_of="2026-06-02")
    iam = "arn:aws:iam::123456789012"
    assert set(found) == {
        f"{iam}:user/mira",
        f"{iam}:user/kai",
        f"{iam}:role/ci-deployer",
        f"{iam}:oidc-provider/token.actions.githubusercontent.com",
    }
    ways = {tuple(way["via"]): way for way in found[f"{iam}:user/mira"]["could"]}
    assert set(ways) == {
        ("group member", "attached policy", f"{iam}:policy/deploy"),
        ("inline policy no-delete",),
        ("trust policy", "attached policy", f"{iam}:policy/deploy"),
    }
    assert ways["inline policy no-delete",]["allowed"] is False
    assert "MultiFactorAuthPresent" in found[f"{iam}:user/kai"]["could"][0]["conditional"]


def test_the_command(
    asked: Callable[..., Workspace], audit_event: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """`access` answers in the envelope of every verb, in every form, and under a limit says how many there are."""
    objects = [
        EDIT,
        bound(
            "a", "kserve-edit", user("mira@x.example"), user("kai@x.example"), since="2026-02-01T00:00:00Z"
        ),
    ]
    with asked(objects, [audit_event("2026-06-01T10:00:00.000000Z", "mira@x.example")]) as workspace:
        path = str(workspace.path)
    assert (
        main(["-w", path, "access", SCORER, "--as-of", "2026-06-02", "--limit", "1", "--format", "json"]) == 0
    )
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["complete", "shown", "total", "as_of", "known_at", "coverage", "items"]
    assert (answer["shown"], answer["total"], answer["complete"]) == (1, 2, False)
    assert main(["-w", path, "access", "--format", "table"]) == 0
    assert "ClusterRole/kserve-edit on fraud" in capsys.readouterr().out
    assert main(["-w", path, "access", "--format", "csv"]) == 0
    assert capsys.readouterr().out.count("\n") >= 3


def test_an_account_that_several_share_is_nobody(trail: Path) -> None:
    """The sample's release bot deployed for several people: each change names its own, the account names none."""
    with Workspace.open(trail) as workspace:
        (bot,) = [item for item in workspace.access().items if item["principal"].endswith("ci:release-bot")]
    assert len({act["person"] for act in bot["did"]} - {None}) > 1
    assert bot["person"] is None
