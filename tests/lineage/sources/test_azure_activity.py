"""What does Azure's activity log prove about what Azure Machine Learning serves, and what does it not?"""

import json
from collections import Counter
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Happened, Hop, Key
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import azure_activity
from lineage.workspace import Workspace

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "azure_activity"
STORY, EXPORT, PARTLY = SAMPLES / "story.json", SAMPLES / "eventhub.jsonl", SAMPLES / "partly.jsonl"
EVENTS = json.loads(STORY.read_text())
WORKSPACE = (
    "/subscriptions/5f1cbe1d-0000-4000-8000-000000000001/resourceGroups/ML-Prod/providers"
    "/Microsoft.MachineLearningServices/workspaces/halden"
)
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/churn"
CALL = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/write"
ROBOT = "7d0c8a52-2222-4000-8000-000000000000"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"


def outcomes(path):
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), {}, path.parent.name)
    found = []
    for record in azure_activity.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else list(azure_activity.read(record, origin))
        assert said, "a record must end as something"
        found.append((record, said))
    return found


def of_kind(path, kind):
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


def story(tmp_path, *operations, **fields):
    """A file with the events of some operations of the story, some fields otherwise."""
    path = tmp_path / "some.json"
    chosen = [{**event, **fields} for event in EVENTS if event["operationId"] in operations]
    assert chosen
    path.write_text(json.dumps({"value": chosen}))
    return path


def event(**fields):
    """A deployment that was written at once, some fields otherwise."""
    return {
        "caller": "ann@example.com",
        "correlationId": "c",
        "eventTimestamp": "2026-06-01T09:00:00Z",
        "operationName": {"value": CALL},
        "resourceId": f"{ENDPOINT}/deployments/blue",
        "status": {"value": "Succeeded"},
        **fields,
    }


def read(**fields):
    """What one such event says."""
    return list(azure_activity.read(Record(json.dumps(event(**fields)).encode()), Origin("x")))


def happened(**fields):
    """The one happening that such an event tells of."""
    (found,) = (one for one in read(**fields) if isinstance(one, Happened))
    return found


@pytest.mark.parametrize("path", [STORY, EXPORT, PARTLY], ids=lambda path: path.name)
def test_every_form_is_recognised(path):
    """The command line's list, lists of an event hub, and events a line."""
    source, confidence = recognise(sample_of(file_input(path)))

    assert (source.NAME, confidence > 0.8) == ("azure-activity", True)


def test_the_log_of_a_cluster_is_another_sources():
    """AKS sends its API server's audit log through the same event hubs."""
    entry = {
        "category": "kube-audit",
        "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
        "correlationId": "c",
        "resultType": "",
        "properties": {"log": json.dumps({"kind": "Event", "apiVersion": "audit.k8s.io/v1"})},
    }
    found = recognise(Sample("log.json", json.dumps({"records": [entry]}).encode()))

    assert found is None or found[0].NAME != "azure-activity"


@pytest.mark.parametrize("form", ["array", "value", "records", "lines", "one"])
def test_every_framing_holds_the_same_events(tmp_path, form):
    """A list, an answer of the API, an export, events a line (a list is one line there), and a lone event."""
    events = EVENTS[-6:] if form != "one" else EVENTS[-6:-5]
    texts = {
        "array": json.dumps(events),
        "value": json.dumps({"nextLink": "https://x", "value": events}, indent=1),
        "records": json.dumps({"records": events[:3]}) + "\n" + json.dumps({"records": events[3:]}),
        "lines": "\n".join(map(json.dumps, events)),
        "one": json.dumps(events[0], indent=1),
    }
    path = tmp_path / "log.json"
    path.write_text(texts[form])

    read_events = [json.loads(record.raw) for record, _ in outcomes(path)]

    assert read_events == events


def test_what_is_no_step_is_left_out_with_a_reason():
    """The story's other events: keys listed, a deployment read, a batch endpoint, a storage account."""
    reasons = Counter(one.reason for one in of_kind(STORY, Filtered))

    assert reasons == {"not-about-serving": 2, "read-only": 1, "not-machine-learning": 1}


def test_the_register_tells_the_story(tmp_path):
    """Ann deploys churn 3 as blue (op2), ben gives a tenth to green (op5), then all (op6).

    The whole traffic for what is alone (op3), green without a share (op4) and blue taken away without one (op12) are
    no steps; op7 to op9 were denied, failed and cancelled, op10 never ended. What ann's write of green (op11) changed,
    no event shows; with the endpoint (op13) all ends. Times are those at which the changes were asked for.
    """
    items = register(tmp_path, STORY)

    assert [(item["action"], item["deployed_at"], shares(item)) for item in items] == [
        ("deploy", "2026-06-01T09:00:00Z", [("churn", "3", 1.0)]),
        ("canary", "2026-06-03T09:00:00Z", [("churn", "3", 0.9), ("churn", "4", 0.1)]),
        ("promote", "2026-06-04T09:00:00Z", [("churn", "3", 0.0), ("churn", "4", 1.0)]),
        ("change", "2026-06-05T09:00:00Z", []),
        ("delete", "2026-06-06T09:00:00Z", []),
    ]
    assert {(item["target"], item["platform"], item["endpoint"]) for item in items} == {
        (ENDPOINT, "azureml", "churn")
    }
    assert [item["deployed_by"] for item in items] == [
        "ann@halden.example", "ben@halden.example", "ben@halden.example", "ann@halden.example", None,
    ]  # fmt: skip
    assert (items[-1]["actor"], items[-1]["actor_kind"]) == (ROBOT, "service")
    assert [item["ended_at"] for item in items[:-1]] == [item["deployed_at"] for item in items[1:]]
    assert items[0]["change_ref"] == "CHG-7"
    assert items[0]["resources"] == {"blue.instance_type": "Standard_DS3_v2", "blue.instances": "2"}
    assert items[3]["flags"] == ["model-not-evidenced"]


def test_the_evidence_of_a_change_is_all_its_events(tmp_path):
    """op2 was taken up with one event, accepted with the next and ended with a third; the newest stands first."""
    first = register(tmp_path, STORY)[0]

    lines = STORY.read_text().splitlines()
    said = [json.loads(lines[one["line"] - 1].rstrip(",")) for one in first["evidence"]]
    assert {(one["operationId"], one["status"]["value"]) for one in said} == {
        ("op2", "Started"), ("op2", "Accepted"), ("op2", "Succeeded"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "operations", [("op1",), ("op7",), ("op8",), ("op9",), ("op10",), ("op14", "op15", "op16")]
)
def test_attempts_and_other_changes_are_no_deployments(tmp_path, operations):
    """A bare endpoint, a write that was denied, failed, was cancelled or never ended; calls about other things."""
    assert register(tmp_path, story(tmp_path, *operations)) == []


def test_attempts_are_events(tmp_path):
    """Mallory was denied, one write failed, one was cancelled: told with their outcome and their error."""
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([STORY])
        attempts = [one for one in workspace.events().items if one["outcome"] != "done"]

    assert [(one["outcome"], one["person"], one["detail"].get("error")) for one in attempts] == [
        ("denied", "mallory@halden.example", "Forbidden"),
        ("failed", "ann@halden.example", "BadRequest"),
        ("failed", "ann@halden.example", None),
    ]


def test_an_endpoint_that_never_served_ends_nothing(tmp_path):
    """Made (201, "Created") and deleted without a deployment: nothing served, so nothing ended."""
    assert register(tmp_path, story(tmp_path, "op1", "op13")) == []


def test_the_last_deployment_taken_away_ends_what_served(tmp_path):
    """All there was is blue, and blue is deleted."""
    items = register(tmp_path, story(tmp_path, "op2", "op12"))

    assert [(item["action"], item["deployed_at"]) for item in items] == [
        ("deploy", "2026-06-01T09:00:00Z"), ("delete", "2026-06-05T10:00:00Z"),
    ]  # fmt: skip


def test_a_deployment_written_again_is_a_step_only_if_something_changed(tmp_path):
    """The same model again changes nothing; another one under the same name is a deployment."""
    starts = [one for one in EVENTS if one["operationId"] == "op2"]
    body = json.loads(json.dumps(starts).replace("op2", "op2b").replace("2026-06-01", "2026-06-02"))
    other = json.loads(json.dumps(starts).replace("op2", "op2c").replace("2026-06-01", "2026-06-03")
                       .replace("versions/3", "versions/4"))  # fmt: skip
    path = tmp_path / "again.json"
    path.write_text(json.dumps(starts + body + other))

    items = register(tmp_path, path)

    assert [(item["action"], item["deployed_at"], shares(item)) for item in items] == [
        ("deploy", "2026-06-01T09:00:00Z", [("churn", "3", 1.0)]),
        ("deploy", "2026-06-03T09:00:00Z", [("churn", "4", 1.0)]),
    ]


def test_an_export_says_the_same_as_the_list(tmp_path):
    """op2 (start, accept, success), op7 and op17 as an event hub gets them: capitals, other field names, no caller."""
    (tmp_path / "export").mkdir()
    (item,) = register(tmp_path / "export", EXPORT)

    assert (item["action"], item["deployed_at"], item["deployed_by"]) == (
        "deploy", "2026-06-01T09:00:00Z", "ann@halden.example",
    )  # fmt: skip
    assert shares(item) == [("churn", "3", 1.0)]
    assert len(register(tmp_path, STORY, EXPORT)) == 5


def test_the_order_of_import_does_not_matter(tmp_path):
    """Halves in either order, imported again and rebuilt: one digest, and no step more."""
    digests = set()
    for number, order in enumerate([EVENTS, EVENTS[::-1]]):
        with Workspace.open(tmp_path / f"{number}.trail") as workspace:
            for half in (order[:13], order[13:]):
                path = tmp_path / f"{number}.json"
                path.write_text("\n".join(map(json.dumps, half)) + "\n")
                workspace.import_([path])
            digests.add(workspace.digest().items[0]["digest"])
            workspace.import_([STORY])
            assert workspace.deployments().total == 5
            digests.add(workspace.rebuild().items[0]["digest"])
    assert len(digests) == 1


def test_operations_of_one_plan_are_apart():
    """A plan's writes share the correlation; each has an operation of its own, and without one they share its id."""
    one, other = (happened(correlationId="plan", operationId=name).id for name in ("o1", "o2"))

    assert one != other
    assert happened(correlationId="Plan").id == happened(correlationId="plan").id


@pytest.mark.parametrize(
    ("caller", "claims", "actor", "kind", "people"),
    [
        ("ann@example.com", {}, "ann@example.com", "e-mail", []),
        ("ann@example.com", {UPN: "ann@example.com", "appid": "a"}, "ann@example.com", "e-mail", []),
        ("", {UPN: "ann@example.com"}, "ann@example.com", "e-mail", []),
        (ROBOT, {"appid": "a", "idtyp": "app"}, ROBOT, "service", []),
        (ROBOT, {"appid": "a"}, ROBOT, "service", []),
        (ROBOT, {}, ROBOT, "unknown", []),
        ("", {"appid": "a", "idtyp": "app", UPN: "ann@example.com"}, "a", "service", []),
        (ROBOT, {"upn": "ann@example.com", "name": "Ann Berg"}, ROBOT, "unknown", ["ann@example.com"]),
        ("bot@example.com", {"idtyp": "app"}, "bot@example.com", "service", []),
    ],
)
def test_who_called(caller, claims, actor, kind, people):
    """A token's user is a person, an application none; a display name proves nobody."""
    found = happened(caller=caller, claims=claims)

    assert (found.actor, found.actor_kind) == (Key(Kind.ACTOR, "azure", actor), kind)
    assert found.chain == tuple(Hop(one, "token-claim", "claims") for one in people)


def test_a_service_principal_by_its_role_is_no_person(tmp_path):
    """The role assignment that allowed the call says what kind of principal it is."""
    evidence = {"evidence": {"principalType": "ServicePrincipal"}}
    (item,) = register(tmp_path, story(tmp_path, "op2", claims={}, authorization=evidence))

    assert (item["deployed_by"], item["actor_kind"]) == (None, "service")


@pytest.mark.parametrize(
    ("status", "more", "outcome"),
    [
        ("Succeeded", {}, Outcome.DONE),
        ("Failed", {}, Outcome.FAILED),
        ("Canceled", {}, Outcome.FAILED),
        ("Failed", {"subStatus": {"value": "Forbidden"}}, Outcome.DENIED),
        ("Failed", {"subStatus": {"value": "Unauthorized (HTTP Status Code: 401)"}}, Outcome.DENIED),
        (
            "Failed",
            {"properties": {"statusMessage": "the registry answered 403 for the image"}},
            Outcome.FAILED,
        ),
        (
            "Failed",
            {"properties": {"statusMessage": '{"code": "RequestDisallowedByPolicy"}'}},
            Outcome.DENIED,
        ),
    ],
)
def test_the_state_decides(status, more, outcome):
    """Only success is done; a refusal by rights or policy is denied, any other end is failed."""
    assert happened(status={"value": status}, **more).outcome is outcome


def test_secrets_of_a_request_are_not_kept():
    """The story's request bodies hold an API key among the variables of the environment."""
    assert "hunter2" in STORY.read_text()
    assert not [one for one in of_kind(STORY, Happened) if "hunter2" in repr(one)]


def test_what_cannot_be_used_is_named():
    """partly.jsonl: a time in words, no endpoint, a strange state, no event, an endpoint's call, a cut line."""
    found = [one.code for _, said in outcomes(PARTLY) for one in said if isinstance(one, Problem)]

    assert found == [
        "bad-time", "missing-field", "unknown-status", "not-azure-activity", "missing-field", "malformed-json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"properties": "{"}, {"properties": {"requestbody": '{"properties": {"model": [], "instanceType": {}}}'}},
        {"claims": [1], "identity": "x", "authorization": {"evidence": 3}}, {"status": {"value": {}}},
        {"operationName": {"value": CALL.replace("/deployments", "")}, "resourceId": ENDPOINT,
         "properties": {"requestbody": {"properties": {"traffic": {"": -1, "a": {}, "b": "100"}}}}},
        {"resourceId": {"a": 1}}, {"operationName": [CALL]}, {"eventTimestamp": {}}, {"eventTimestamp": 3},
        {"correlationId": {}, "operationId": []}, {"httpRequest": "x", "caller": 5}, {"resourceId": "/" * 5000},
        {"properties": {"requestbody": {"properties": {"model": "x" * 9000}, "tags": [1], "sku": "s"}}},
    ],
    ids=lambda fields: repr(fields)[:60],
)  # fmt: skip
def test_nothing_that_is_malformed_raises(fields, tmp_path):
    """Whatever stands in a field, the event ends as facts or problems, and the register can be made."""
    assert read(**fields)
    path = tmp_path / "one.json"
    path.write_text(json.dumps([event(**fields), event()]))
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([path], source="azure-activity")
        assert "reader-failed" not in {one["code"] for one in workspace.problems().items}
        assert workspace.deployments().total <= 2


def test_the_event_of_the_corpus(corpus, tmp_path):
    """One deployments/write that succeeded, by dev@example.com, of blue at iris; read with jq from activity.json.

    Its properties are empty, so that the model is not evidenced.
    """
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        (file,) = workspace.import_([corpus / "ops" / "azure"]).items
        (item,) = workspace.deployments().items
        (told,) = workspace.events().items
        assert workspace.problems().total == 0

    assert (file["read"], file["accepted"], file["filtered"]) == (1, 1, 0)
    assert item["target"] == (
        "/subscriptions/0/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w"
        "/onlineEndpoints/iris"
    )
    assert (item["action"], item["platform"], item["endpoint"]) == ("change", "azureml", "iris")
    assert (item["deployed_at"], item["deployed_by"]) == ("2026-06-01T09:00:00Z", "dev@example.com")
    assert (item["models"], item["flags"]) == ([], ["model-not-evidenced"])
    assert told["detail"]["deploys"] == "blue"
