import json
from io import BytesIO
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Coverage, Entity, Happened, Key, Link, Run
from lineage.model.moment import exactly, to_iso
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import mlflow, mlflow_rest

RUN = "0" * 31 + "1"
SCORED = "0" * 31 + "2"
LOGGED = "m-" + "0" * 31 + "b"
START = 1767312000000
EXPERIMENTS = {
    "experiments": [
        {
            "experiment_id": number,
            "name": name,
            "artifact_location": f"mlflow-artifacts:/{number}",
            "lifecycle_stage": "active",
            "creation_time": 1767225600000,
            "last_update_time": 1767225600000,
            "workspace": "risk",
        }
        for number, name in (("0", "Default"), ("1", "fraud"))
    ]
}


class Text:
    """An input that is a text in memory."""

    name, path = "rest.jsonl", None

    def __init__(self, text):
        self.raw = text.encode() if isinstance(text, str) else text
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def call(endpoint, answer, status=200, **asked):
    """A call as a line; searches are POSTs."""
    return json.dumps(
        {
            "name": endpoint,
            "method": "POST",
            "path": f"/prefix/api/2.0/mlflow/{endpoint}",
            "query": None,
            "body": asked or None,
            "status": status,
            "content_type": "application/json",
            "response": answer if isinstance(answer, str) else json.dumps(answer),
        }
    )


def run(number, status="FINISHED", tags=None, **parts):
    """A run as `runs/search` and `runs/get` write it."""
    info = {
        "run_uuid": number,
        "run_id": number,
        "experiment_id": "1",
        "run_name": "r",
        "user_id": "unknown",
        "status": status,
        "start_time": START,
        "end_time": START + 1000,
        "lifecycle_stage": "active",
    }
    listed = [{"key": key, "value": value} for key, value in (tags or {}).items()]
    return {
        "info": info,
        "data": {"tags": listed, "metrics": [{"key": "auc", "value": "NaN", "timestamp": START, "step": 0}]},
        "inputs": parts.get("inputs", {}),
        "outputs": parts.get("outputs", {}),
    }


def said(given, folder="halden", **labels):
    """Everything an input says: rows and facts."""
    given = Text(given) if isinstance(given, (str, bytes)) else given
    origin = Origin("rest.jsonl", labels, folder=folder)
    found = []
    for record in mlflow_rest.records(given, origin):
        if isinstance(record, Problem):
            found.append(("", record))
            continue
        stated = list(mlflow_rest.read(record, origin))
        assert stated, f"{record.row} ends as nothing"
        assert stated == list(mlflow_rest.read(Record(record.raw, row=record.row), origin))
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind):
    """What was said of one kind."""
    return [fact for _, fact in found if isinstance(fact, kind)]


def calls():
    """A small server: a training run, a scoring run that reads its model, a version with an alias."""
    dataset = {
        "name": "tx",
        "digest": "aaaa0001",
        "source_type": "s3",
        "source": '{"uri": "s3://lake/tx.parquet"}',
    }
    made = {"model_outputs": [{"model_id": LOGGED, "step": 1}]}
    read = {"model_inputs": [{"model_id": LOGGED}]}
    inputs = {
        "dataset_inputs": [
            {"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": dataset}
        ]
    }
    train = run(RUN, tags={"mlflow.user": "ana"}, inputs=inputs, outputs=made)
    logged = {
        "model_id": LOGGED,
        "experiment_id": "1",
        "name": "net",
        "artifact_uri": f"mlflow-artifacts:/1/models/{LOGGED}/artifacts",
        "creation_timestamp_ms": START,
        "last_updated_timestamp_ms": START,
        "status": "LOGGED_MODEL_READY",
        "source_run_id": RUN,
    }
    version = {
        "name": "fraud",
        "version": "1",
        "creation_timestamp": START + 5000,
        "last_updated_timestamp": START + 5000,
        "current_stage": "None",
        "source": f"models:/{LOGGED}",
        "run_id": RUN,
        "status": "READY",
    }
    model = {
        "name": "fraud",
        "creation_timestamp": START + 4000,
        "last_updated_timestamp": START + 9000,
        "aliases": [{"alias": "champion", "version": "1"}],
        "latest_versions": [{**version, "current_stage": "an older answer"}],
    }
    searched = {"experiment_ids": ["0", "1"], "max_results": 1}
    return [
        json.dumps({"path": "/version", "status": 200, "response": "3.17.2"}),
        call("experiments/search", EXPERIMENTS, view_type="ALL"),
        call("runs/search", {"runs": [train], "next_page_token": "p2"}, run_view_type="ALL", **searched),
        call("runs/search", {"runs": [run(SCORED)]}, run_view_type="ALL", page_token="p2", **searched),
        call("registered-models/search", {"registered_models": [model]}, max_results=1),
        call("model-versions/search", {"model_versions": [version]}, max_results=1),
        call("logged-models/search", {"models": [{"info": logged, "data": {}}]}, **searched),
        call("runs/get", {"run": run(SCORED, inputs=read)}, run_id=SCORED),
        call("runs/get", '{"error_code": "RESOURCE_DOES_NOT_EXIST"}', status=404, run_id="x"),
    ]


@pytest.fixture
def found():
    """What the small server says."""
    return said("\n".join(calls()))


def test_a_version_is_joined_from_four_answers(found):
    """Alias from the model, user from the run, location from the logged model; the fullest answer wins."""
    [version] = [fact for fact in of(found, Entity) if fact.key.name == "fraud/1"]

    assert version.key.namespace.endswith("/risk")
    assert version.attributes == {
        "model": "fraud",
        "version": "1",
        "created_at": "2026-01-02T00:00:05Z",
        "updated_at": "2026-01-02T00:00:05Z",
        "created_by": "ana",
        "created_by_basis": "run tag mlflow.user (client-side)",
        "run_id": RUN,
        "logged_model_id": LOGGED,
        "uri": f"mlflow-artifacts:/1/models/{LOGGED}/artifacts",
        "source": f"models:/{LOGGED}",
        "status": "READY",
        "deleted": False,
        "stage": None,
        "aliases": ["champion"],
    }


def test_a_run_that_was_asked_for_says_more_than_a_search(found):
    """`runs/search` never shows the models that a run read (sources-ml 2.2)."""
    [read] = [link for link in of(found, Link) if link.rule == "inputs.MODEL_INPUT"]

    assert (read.source.name, read.target.name) == (LOGGED, SCORED)
    assert len(of(found, Run)) == 2, "each run once"


def test_a_record_names_the_line_of_its_call():
    """The version stands in the sixth line, the scoring run in the eighth, which says more than the fourth."""
    lines = {
        record.row: record.line
        for record in mlflow_rest.records(Text("\n".join(calls())), Origin("x"))
        if isinstance(record, Record)
    }
    assert lines["model_versions/risk/fraud/1"] == 6
    assert lines[f"runs/{SCORED}"] == 8


def test_what_says_nothing_of_lineage_is_left_out_with_a_reason(found):
    """The server's version, and a run that is not there."""
    assert [fact.reason for fact in of(found, Filtered)] == ["call-not-relevant", "http-404"]


def test_whole_listings_are_said_to_be_whole(found):
    """All pages, no filter, deleted ones asked for, every experiment covered."""
    assert {fact.listing.rpartition("/")[2]: fact.complete for fact in of(found, Coverage)} == {
        "experiments": True,
        "runs": True,
        "registered-models": True,
        "model-versions": True,
        "logged-models": True,
    }


def instead(old, new):
    """A change of all lines."""
    return lambda lines: [line.replace(old, new) for line in lines]


@pytest.mark.parametrize(
    ("listing", "change"),
    [
        ("runs", lambda lines: [line for line in lines if '"page_token": "p2"' not in line]),
        ("runs", instead('"run_view_type": "ALL"', '"run_view_type": "ACTIVE_ONLY"')),
        ("runs", instead('"experiment_ids": ["0", "1"]', '"experiment_ids": ["1"]')),
        ("experiments", instead('"view_type": "ALL"', '"view_type": "ACTIVE_ONLY"')),
        ("model-versions", instead('"max_results": 1', '"filter": "name = 1"')),
        ("model-versions", lambda lines: [*lines, call("model-versions/search", "oops", status=500)]),
    ],
    ids=[
        "page missing",
        "deleted not asked for",
        "experiment missing",
        "active only",
        "filtered",
        "a call failed",
    ],
)
def test_a_listing_that_may_lack_something_is_not_whole(listing, change):
    """What vanished may only be concluded from a whole listing."""
    found = said("\n".join(change(calls())))

    assert not next(fact for fact in of(found, Coverage) if fact.listing.endswith(f"/{listing}")).complete


def test_the_servers_own_date_dates_the_snapshot():
    """A call that keeps the time of its answer is dated by it; else the latest time in the answers is taken."""
    dated = [json.dumps({**json.loads(line), "at": "2026-03-01T10:00:00Z"}) for line in calls()]

    assert {fact.at for fact in of(said("\n".join(calls())), Entity)} == {exactly((START + 9000) * 1000)}
    assert {to_iso(fact.at.lo) for fact in of(said("\n".join(dated)), Entity)} == {"2026-03-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"path": "/api/2.0/mlflow/runs/get", "response": "{", "status": 200}', "malformed-json"),
        ('{"path": "/api/2.0/mlflow/runs/get", "response": "[1]", "status": 200}', "missing-field"),
        ('{"path": "/api/2.0/mlflow/runs/search", "response": "<html>", "status": 502}', "call-failed"),
        ('{"path": "/api/2.0/mlflow/runs/search", "resp', "malformed-json"),
        ("[1, 2]", "not-a-call"),
    ],
)
def test_a_call_that_cannot_be_used_is_a_problem_with_its_line(line, code):
    """The others are read."""
    found = said("\n".join([*calls(), line]))

    assert [(fact.code, fact.line) for fact in of(found, Problem)] == [(code, 10)]
    assert len(of(found, Run)) == 2


def plain():
    """The answers of single calls, as curl saves them."""
    answers = [json.loads(line) for line in calls()]
    return {each["name"]: json.loads(each["response"]) for each in answers[1:8] if "name" in each}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "endpoint",
    ["experiments/search", "runs/search", "runs/get", "registered-models/search", "model-versions/search",
     "logged-models/search"],
)  # fmt: skip
def test_the_plain_answer_of_one_call_is_read(endpoint, indent):
    """One JSON object, with or without line breaks: recognised, whole or cut, and read."""
    text = json.dumps(plain()[endpoint], indent=indent) + "\n"
    found = said(text)

    assert mlflow_rest.recognises(Sample("answer.json", text.encode())) > 0
    assert mlflow_rest.recognises(Sample("answer.json", text.encode()[:-20], whole=False)) > 0
    assert of(found, Entity)
    assert not any(fact.complete for fact in of(found, Coverage)), "what was asked is not known"


def test_without_experiments_the_server_is_called_after_its_folder():
    """Several saved answers of one folder meet, two folders do not; and the person is told."""
    one, other = (said(json.dumps(plain()["model-versions/search"]), folder=folder) for folder in ("a", "b"))

    assert {fact.key.namespace for fact in of(one, Entity)} == {"mlflow:a/default"}
    assert {fact.key.namespace for fact in of(other, Entity)} == {"mlflow:b/default"}
    assert [fact.code for fact in of(one, Problem)] == ["no-instance"]
    assert not of(said(json.dumps(plain()["model-versions/search"]), instance="prod"), Problem)


def test_aliases_that_were_not_shown_are_not_said_to_be_none():
    """`model-versions/search` hides them; of who made the version nothing is known either."""
    [version] = of(said(json.dumps(plain()["model-versions/search"])), Entity)

    assert not {"aliases", "created_by"} & version.attributes.keys()
    shown = {"model_version": {**plain()["model-versions/search"]["model_versions"][0], "aliases": ["blue"]}}
    [asked] = of(said(json.dumps(shown)), Entity)
    assert asked.attributes["aliases"] == ["blue"]


@pytest.mark.parametrize(
    "text",
    [
        '{"models": [{"name": "ResNet", "size": 3}]}',
        '{"kind": "Event", "apiVersion": "audit.k8s.io/v1"}',
        '{"run": {"facets": {}, "runId": "1"}, "eventType": "START"}',
        '{"path": "/metrics", "response": "ok", "status": 200}',
        "",
        "[]",
    ],
)
def test_other_json_is_not_taken_for_mlflow(text):
    """Words alone do not make it one."""
    assert mlflow_rest.recognises(Sample("x.json", text.encode())) == 0.0


def shown_by_rest(fact):
    """What is left of a version or model when what REST hides is left out."""
    return {
        name: value
        for name, value in fact.attributes.items()
        if name not in {"storage_location", "updated_at"}
    }


@pytest.fixture
def both(corpus):
    """What the database and the REST answers of one server say."""
    folder = Path(corpus) / "ml" / "mlflow" / "server-3.17"
    sides = []
    for source, name in ((mlflow, "mlflow.db"), (mlflow_rest, "rest.jsonl")):
        origin = Origin(name, {"observed_at": "2026-07-01T00:00:00Z"}, folder="server-3.17")
        facts = []
        for record in source.records(file_input(folder / name), origin):
            assert isinstance(record, Record), record
            facts += list(source.read(record, origin))
        sides.append(facts)
    return sides


def test_rest_and_database_say_the_same_of_versions_and_models(both):
    """All but the deleted version 5, which REST does not show; MANIFEST.md: same server."""
    versions = []
    for facts in both:
        things = [
            fact for fact in facts if isinstance(fact, Entity) and fact.key.kind in {"model", "model-version"}
        ]
        versions.append(
            {fact.key: (shown_by_rest(fact), fact.created, fact.at, fact.listing) for fact in things}
        )
    database, rest = versions

    hidden = database.keys() - rest.keys()
    assert {key.name for key in hidden} == {"churn-classifier/5"}
    assert rest == {key: value for key, value in database.items() if key not in hidden}


def test_rest_and_database_say_the_same_of_runs(both):
    """All 23: states, times, inputs with versions, actors, parents, code; the database adds when a run was deleted."""
    runs = []
    for facts in both:
        found = {fact.key: fact for fact in facts if isinstance(fact, Run)}
        runs.append(
            {
                key: (
                    (fact.job, fact.state, fact.at, fact.started, fact.ended, fact.parent, fact.actor),
                    set(fact.inputs),
                    {
                        name: value
                        for name, value in fact.attributes.items()
                        if name not in {"deleted_at", "inputs"}
                    },
                )
                for key, fact in found.items()
            }
        )
    assert len(runs[0]) == 23
    assert runs[1] == runs[0]


def test_rest_and_database_draw_the_same_lineage(both):
    """Every link but those of version 5."""
    links = [
        {(str(link.type), link.source, link.target, link.rule) for link in facts if isinstance(link, Link)}
        for facts in both
    ]
    only = {(kind, source.name, target.name) for kind, source, target, _ in links[0] - links[1]}

    assert links[1] <= links[0]
    assert only == {
        ("produced", "4cfcd3ef5b544e42be620d5835745e31", "churn-classifier/5"),
        ("version-of", "churn-classifier/5", "churn-classifier"),
    }


def test_every_real_call_is_accounted_for(corpus):
    """39 lines: two 404s, three of no use (`version`, `health`, a metric history), the others give the facts."""
    found = said(file_input(Path(corpus) / "ml" / "mlflow" / "server-3.17" / "rest.jsonl"))

    assert sorted(fact.reason for fact in of(found, Filtered)) == [
        *["call-not-relevant"] * 3,
        *["http-404"] * 2,
    ]
    assert of(found, Problem) == []
    assert len([fact for fact in of(found, Happened) if fact.type == "register"]) == 7
    assert Key("actor", "mlflow", "unknown") not in {fact.actor for fact in of(found, Run)}


def test_the_real_calls_are_recognised(corpus):
    """By content, whatever the name."""
    given = file_input(Path(corpus) / "ml" / "mlflow" / "server-3.17" / "rest.jsonl")
    best = recognise(sample_of(given))
    assert best is not None
    assert best[0].NAME == "mlflow-rest"
