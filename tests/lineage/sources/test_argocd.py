"""What Argo CD applications say of their synchronisations, and whom a change of Argo CD's own account leads to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened, Key
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, recognise
from lineage.sources import argocd, kubernetes_dump
from lineage.text import dumps, load_yaml

SAMPLES = Path(__file__).parents[2] / "sources" / "argocd"
OLD = "0ddba11" + "0" * 33
NEW = "c0ffee11" * 5
ARGO = "system:serviceaccount:argocd:argocd-application-controller"


class Text:
    """An input that is a text in memory."""

    name, path = "app.yaml", None

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.size = len(raw)

    def open(self) -> BytesIO:
        """The bytes."""
        return BytesIO(self.raw)

    def members(self) -> Iterable[Any]:
        """Nothing."""
        return iter(())


def said(given: Path | bytes, source: Any = argocd, **labels: str) -> list[Any]:
    """Everything that a file or text says."""
    body = file_input(given) if isinstance(given, Path) else Text(given)
    origin = Origin("prod/app.yaml", labels, "prod")
    found: list[Any] = []
    for item in source.records(body, origin):
        found += source.read(item, origin) if isinstance(item, Record) else [item]
    return found


def syncs(found: list[Any], name: str) -> list[Happened]:
    """The synchronisations of one application."""
    return [fact for fact in found if isinstance(fact, Happened) and fact.subject.name == f"argocd/{name}"]


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_it_is_recognised_by_its_content(name: str) -> None:
    """Whatever the file is called."""
    best = recognise(sample_of(file_input(SAMPLES / name)))
    assert best is not None
    assert best[0].NAME == "argocd"


def test_each_entry_of_the_history_is_a_synchronisation() -> None:
    """With its commit and time; that the third returned to the first's revision is said."""
    found = syncs(said(SAMPLES / "applications.yaml"), "fraud-scorer")
    assert [(one.change["commit"], to_iso(one.at.lo)) for one in found] == [
        (OLD, "2026-05-20T08:00:05Z"),
        (NEW, "2026-06-01T10:00:20Z"),
        (OLD, "2026-06-02T07:00:10Z"),
    ]
    assert [one.detail.get("rolled_back_to") for one in found] == [None, None, "1"]
    assert all(one.detail["resources"] == ["fraud/inferenceservices/scorer"] for one in found)


def test_who_began_it() -> None:
    """An automatic one has nobody; the last one's initiator stands in `operationState` only; the first's nowhere."""
    found = syncs(said(SAMPLES / "applications.yaml"), "fraud-scorer")
    assert [one.actor for one in found] == [None, None, Key(Kind.ACTOR, "argocd", "ana@example.org")]
    assert [one.detail.get("automated") for one in found] == [None, True, None]


def test_a_failed_operation_is_a_failed_synchronisation() -> None:
    """It is an event with its message and no deployment."""
    done, failed = syncs(said(SAMPLES / "applications.yaml"), "churn")
    assert (str(done.outcome), str(failed.outcome)) == ("done", "failed")
    assert failed.actor == Key(Kind.ACTOR, "argocd", "ben@example.org")
    assert failed.detail["message"] == "one or more objects failed to apply"


def test_of_several_sources_a_chart_version_is_no_commit() -> None:
    """The commit is the revision of the source in git; both stand in the detail."""
    done, _ = syncs(said(SAMPLES / "applications.yaml"), "churn")
    assert done.change == {"commit": NEW}
    assert done.detail["revisions"] == ["1.4.0", NEW]


def test_the_cluster_is_named_or_not_known() -> None:
    """The address of the cluster's own API is the cluster of the file; a name is one; another address names none."""
    found = said(SAMPLES / "applications.yaml", cluster="prod-eu")
    assert {one.detail["cluster"] for one in syncs(found, "fraud-scorer")} == {"prod-eu"}
    assert {one.detail["cluster"] for one in syncs(found, "churn")} == {"test-eu"}
    (declared,) = [fact for fact in said(SAMPLES / "declared.yaml") if isinstance(fact, Entity)]
    assert "cluster" not in declared.attributes


def test_projects_are_left_out_and_secrets_withheld() -> None:
    """A project synchronises nothing; the password in a repository's address is not kept."""
    assert [one for one in said(SAMPLES / "declared.yaml") if isinstance(one, Filtered)] == [
        Filtered("project")
    ]
    assert "hunter2" not in repr(said(SAMPLES / "applications.yaml"))


def test_json_and_the_cli_say_the_same() -> None:
    """`kubectl -o json`, and `argocd app list -o json`, which prints no kind, give the same facts as YAML."""
    listed = load_yaml((SAMPLES / "applications.yaml").read_bytes())
    before = said(SAMPLES / "applications.yaml")
    assert [one for one in said(dumps(listed)) if not isinstance(one, Filtered)] == before
    bare = [{name: body[name] for name in ("metadata", "spec", "status")} for body in listed["items"][:2]]
    assert said(dumps(bare)) == before


def test_applications_beside_what_they_serve_are_read_from_one_export() -> None:
    """A list with applications and serving objects is read as an export of the cluster, applications and all."""
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "scorer", "namespace": "fraud", "creationTimestamp": "2026-06-01T10:00:10Z"},
        "spec": {"predictor": {"sklearn": {"storageUri": "s3://models/churn/8"}}},
    }
    listed = load_yaml((SAMPLES / "applications.yaml").read_bytes())
    listed["items"].append(service)
    best = recognise(sample_of(Text(dumps(listed))))
    assert best is not None
    assert best[0].NAME == "kubernetes-dump"
    found = said(dumps(listed), kubernetes_dump)
    assert len(syncs(found, "fraud-scorer")) == 3
    assert [fact.type for fact in found if isinstance(fact, Happened)].count("observe") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"apiVersion: argoproj.io/v1alpha1\nkind: Application\n",
        b"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: [1]\nstatus: 3\n",
        b'[{"spec": {"destination": 1, "source": []}}, 7, {}]',
        b"kind: Application\n  broken: [\n",
    ],
)
def test_malformed_applications_are_problems(body: bytes) -> None:
    """Said with their field, and nothing raises."""
    found = said(body)
    assert found
    assert all(isinstance(one, Problem | Filtered) for one in found)


def test_odd_values_in_a_history_cost_themselves_only() -> None:
    """An entry without a time is a problem; the others stand."""
    body = load_yaml((SAMPLES / "applications.yaml").read_bytes())["items"][0]
    body["status"]["history"] += [{"id": 9}, "x", {"deployedAt": "soon", "revision": ["y"]}]
    found = said(dumps(body))
    assert len(syncs(found, "fraud-scorer")) == 3
    assert [problem.field for problem in found if isinstance(problem, Problem)]


def test_the_story_of_what_argo_cd_applied(tmp_path: Path, audit_event: Any) -> None:
    """Argo CD's account applied three times; the register names who stood behind each time, and by which record.

    The first came by a synchronisation that nobody pressed, of a commit that Cleo wrote and Dan approved; the second
    was Ana's return to the old revision; the third, between synchronisations, is explained by none.
    """
    events = [
        audit_event("2026-06-01T10:00:11.25Z", ARGO, uri="s3://models/churn/8", number=1),
        audit_event(
            "2026-06-02T07:00:04.5Z", ARGO, uri="s3://models/churn/7", verb="update", code=200, number=2
        ),
        audit_event(
            "2026-06-02T12:00:00Z", ARGO, uri="s3://models/churn/9", verb="update", code=200, number=3
        ),
    ]
    folder = tmp_path / "prod"
    folder.mkdir()
    (folder / "audit.log").write_text("".join(json.dumps(event) + "\n" for event in events))
    repository = {"full_name": "shop/config", "url": "https://api.github.com/repos/shop/config"}
    commit = {
        "id": NEW,
        "message": "Serve churn 8\n\nApproved-by: Dan Li <dan@example.org>\n",
        "timestamp": "2026-06-01T09:58:00Z",
        "author": {"name": "C", "email": "cleo@example.org", "username": "cleo"},
    }
    push = {
        "ref": "refs/heads/main",
        "before": OLD,
        "after": NEW,
        "commits": [commit],
        "repository": repository,
    }
    (folder / "push.json").write_text(json.dumps({**push, "sender": {"login": "cleo"}}))
    (folder / "people.csv").write_text(
        "name,email,principal\nCleo Ma,cleo@example.org,cleo\nDan Li,dan@example.org,dan\n"
    )
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([folder, SAMPLES], labels={"cluster": "prod"})
        first, second, third = workspace.deployments().items
        assert [item["actor"] for item in (first, second, third)] == [ARGO] * 3
        assert (first["deployed_by"], first["approved_by"]) == ("Cleo Ma", ["Dan Li"])
        assert first["change_ref"] == NEW
        chain = [
            (hop["rule"], hop["evidence"][0]["file"].rpartition("/")[2]) for hop in first["identity_chain"]
        ]
        assert chain[:4] == [
            ("authenticated", "audit.log"),
            ("sync", "applications.yaml"),
            ("commit", "push.json"),
            ("commit-author", "push.json"),
        ]
        assert (second["deployed_by"], second["action"]) == ("ana@example.org", "rollback")
        assert third["deployed_by"] is None
        assert len(workspace.deployments().items) == 3


def test_the_corpus(corpus: Path) -> None:
    """A real application with ten entries of history, ids 14 to 23, and the upstream example without status.

    Read in the file: entry 23 was deployed at 2024-03-05T07:33:04Z at revision ea875996...; `operationState` of the
    same second names foo@example.com; the destination is gke-alpha-01-europe-west1; one image, nginx:latest.
    """
    found = said(corpus / "ops/argocd/application-with-history.yaml")
    made = [fact for fact in found if isinstance(fact, Happened)]
    assert [fact.id.rpartition(" ")[2] for fact in made] == [str(number) for number in range(14, 24)]
    assert {fact.change["commit"] for fact in made} == {"ea8759964626a583667a2bfd08f334ec2070040a"}
    assert to_iso(made[-1].at.lo) == "2024-03-05T07:33:04Z"
    assert [fact.actor.name if fact.actor else "" for fact in made] == [""] * 9 + ["foo@example.com"]
    (thing,) = [fact for fact in found if isinstance(fact, Entity)]
    assert thing.attributes["cluster"] == "gke-alpha-01-europe-west1"
    assert thing.attributes["images"] == ["nginx:latest"]
    (declared,) = said(corpus / "ops/argocd/application-spec.yaml")
    assert declared.key.name == "argocd/guestbook"
