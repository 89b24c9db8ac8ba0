"""Is the sample company's data what its producers would write, the same every time, and true to its story?"""

import csv
import gzip
import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
import yaml

from lineage.identity.canonical import canonical
from lineage.model.facts import Key
from lineage.model.vocabulary import Kind
from resources.sample import __main__ as sample
from resources.sample import story, truth

REAL_STORE = "ml/mlflow/server-3.17/mlflow.db"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The sample's files, written once."""
    path = tmp_path_factory.mktemp("sample")
    sample.write(path)
    return path


def content(path):
    """The bytes of a file, decompressed."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines(path):
    """The JSON lines of a file."""
    return [json.loads(line) for line in content(path).splitlines()]


def rows(path, statement):
    """What a statement finds in a store, which is opened read-only."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(statement).fetchall()


def test_it_is_written_with_the_same_bytes_and_dates_every_time(folder, tmp_path):
    """Two runs give equal files, databases and compressed ones too, and equal dates for those who look at them."""
    names = sample.write(tmp_path)

    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == names
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name
        assert (folder / name).stat().st_mtime == (tmp_path / name).stat().st_mtime, name


def test_it_is_small(folder):
    """A newcomer waits for it: at most 6,000 pipeline events, 2.5 MB of them, 4 MB in all."""
    events = list((folder / "openlineage").iterdir())

    assert sum(len(lines(path)) for path in events) <= 6_000
    assert sum(path.stat().st_size for path in events) <= 2_500_000
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 4_000_000


def test_the_truth_counts_every_record(folder):
    """For each file the plan says how many records it holds, and so many are in it."""
    counted = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not path.is_file():
            continue
        if path.suffix == ".db":
            tables = [
                row[0]
                for row in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
                if not row[0].startswith("sqlite_")
            ]
            counted[name] = sum(rows(path, f"SELECT count(*) FROM {table}")[0][0] for table in tables)
        elif path.suffix == ".csv":
            counted[name] = len(list(csv.DictReader(path.read_text("utf-8").splitlines())))
        elif path.name.startswith("inferenceservices"):
            counted[name] = len(yaml.safe_load(path.read_text("utf-8"))["items"])
        elif path.suffix == ".yaml":
            counted[name] = len(list(yaml.safe_load_all(path.read_text("utf-8"))))
        else:
            counted[name] = len(lines(path))

    assert counted == truth.records()


def test_each_store_opens_and_is_whole(folder):
    """Both copies of the MLflow store are sound databases without dangling references."""
    for path in (folder / "mlflow").rglob("*.db"):
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        assert rows(path, "PRAGMA foreign_key_check") == []


def test_the_store_has_the_tables_and_columns_of_a_real_one(folder, corpus):
    """Every table and column, in the order they have there, is one of a store that MLflow 3.17 made itself."""

    def columns(path):
        tables = [row[0] for row in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [row[1:3] for row in rows(path, f"PRAGMA table_info({table})")] for table in tables}

    ours, real = columns(folder / "mlflow/mlflow.db"), columns(corpus / REAL_STORE)

    assert {table: real.get(table) for table in ours} == ours


def test_the_earlier_copy_differs_only_in_what_happened_since(folder):
    """The alias stands on an older version there, and the version that was deleted later is still whole."""
    earlier, later = folder / "mlflow/2026-05-31/mlflow.db", folder / "mlflow/mlflow.db"
    champion = "SELECT version FROM registered_model_aliases WHERE alias = 'champion' AND name = 'eta-parcel'"
    six = "SELECT current_stage, run_id FROM model_versions WHERE name = 'eta-parcel' AND version = 6"

    assert (rows(earlier, champion), rows(later, champion)) == ([(5,)], [(8,)])
    assert rows(earlier, six) == [("None", truth.incident()["run_id"])]
    assert rows(later, six) == [("Deleted_Internal", "REDACTED-RUN-ID")]


def test_what_the_register_expects_stands_in_the_logs(folder):
    """Each expected change is one completed, allowed call of that principal at that time in that cluster's log."""
    calls = {}
    for path in (folder / "k8s").rglob("audit-*"):
        for event in lines(path):
            about = event["objectRef"]
            if (
                event["stage"] == "ResponseComplete"
                and about["resource"] == "inferenceservices"
                and not about.get("subresource")
            ):
                target = f"{path.parent.name}/{about['namespace']}/{about.get('name')}"
                calls[event["requestReceivedTimestamp"], target] = event

    for item in truth.deployments():
        event = calls.pop((item["deployed_at"], item["target"]))
        assert event["user"]["username"] == item["actor"]
        assert 200 <= event["responseStatus"]["code"] < 300
        assert "dryRun" not in event["requestURI"]
        effective = event.get("impersonatedUser", {}).get("username")
        assert effective == item["effective_identity"]
    for item in truth.denied():
        event = calls.pop((item["at"], item["target"]))
        assert (event["user"]["username"], event["responseStatus"]["code"]) == (item["actor"], item["code"])
    others = {
        (event["user"]["username"], event["verb"])
        for event in calls.values()
        if event["verb"] not in {"get", "list", "watch"}
    }
    assert others == {(story.CONTROLLER, "update")}


def test_equal_names_stand_in_both_clusters(folder):
    """The last day's objects of both clusters share namespaces and names, and serve what the story ends with."""
    standing = {}
    for cluster, name in (("prod-eu", "inferenceservices.json"), ("prod-us", "inferenceservices.yaml")):
        listed = yaml.safe_load((folder / "k8s" / cluster / name).read_text("utf-8"))
        standing[cluster] = {
            (item["metadata"]["namespace"], item["metadata"]["name"]): item["metadata"]
            .get("annotations", {})
            .get("mlflow.org/model-uri")
            for item in listed["items"]
        }

    assert standing["prod-us"] == {
        ("parcels", "address-match"): "models:/address-match/5",
        ("parcels", "eta-parcel"): "models:/eta-parcel/7",
    }
    assert standing["prod-eu"]["parcels", "eta-parcel"] == "models:/eta-parcel/8"
    served = {f"{cluster}/{space}/{name}" for cluster, found in standing.items() for space, name in found}
    assert served == set(truth.live(datetime(2026, 11, 20, 6, tzinfo=UTC)))


def test_the_chain_from_source_to_target_closes(folder):
    """From the files alone, by canonical places: what a run read is written by a job, and so on up to the sources."""
    made_of = {}
    for path in (folder / "openlineage").iterdir():
        for event in lines(path):
            if event["eventType"] != "COMPLETE":
                continue
            inputs = {place(one["namespace"], one["name"]) for one in event["inputs"]}
            for output in event["outputs"]:
                made_of.setdefault(place(output["namespace"], output["name"]), set()).update(inputs)
    read = rows(
        folder / "mlflow/mlflow.db",
        "SELECT i.destination_id, d.dataset_source, t.value FROM inputs i JOIN datasets d "
        "ON d.dataset_uuid = i.source_id JOIN input_tags t USING (input_uuid) WHERE i.source_type = 'DATASET'",
    )

    for (model, number), expected in truth.lineage().items():
        near = {
            place("", json.loads(source)["uri"])
            for run, source, context in read
            if run == expected["run_id"] and context == "training"
        }
        found, waiting = set(), set(near)
        while waiting:
            one = waiting.pop()
            found.add(one)
            waiting |= made_of.get(one, set()) - found
        assert near == set(expected["trained_on"]), (model, number)
        assert found == set(expected["upstream"]), (model, number)


def place(namespace, name):
    """The canonical namespace and name of a dataset."""
    return tuple(canonical(Key(Kind.DATASET, namespace, name)).key[1:])


def test_the_bad_delivery_is_warned_of_and_learned_from(folder):
    """Its checks fail in a run that completes, its rows are few, and the run of version 6 reads that partition."""
    events = lines(folder / "openlineage/events-2026-05.ndjson.gz")
    incident = truth.incident()
    failed = {
        (event["eventType"], check["assertion"], check["severity"])
        for event in events
        for one in event["inputs"]
        for check in one.get("inputFacets", {}).get("dataQualityAssertions", {}).get("assertions", [])
        if not check["success"] and one["name"] == f"staging/scans/{incident['partition']}"
    }
    written = {
        event["eventTime"][:10]: output["outputFacets"]["outputStatistics"]["rowCount"]
        for event in events
        for output in event["outputs"]
        if output["name"] == f"raw/scans/{incident['partition']}" and event["eventType"] == "COMPLETE"
    }

    assert {check for kind, check, severity in failed if kind == "COMPLETE" and severity == "warn"} == set(
        incident["failed_checks"]
    )
    assert written == {"2026-05-11": incident["rows"], "2026-05-15": 411_682}
    assert truth.lineage()["eta-parcel", "6"]["partition"] == incident["partition"]


def test_events_come_late_twice_and_without_a_start(folder):
    """The traps of real logs are in it: order, repetition, failures, a lost run, a producer that only tells of ends."""
    every = [event for path in sorted((folder / "openlineage").iterdir()) for event in lines(path)]
    times = [datetime.fromisoformat(event["eventTime"]) for event in every]
    kinds = Counter(event["eventType"] for event in every)
    runs: dict[str, set[str]] = {}
    for event in every:
        runs.setdefault(event["run"]["runId"], set()).add(event["eventType"])

    assert any(late < early for early, late in pairwise(times))
    assert len({json.dumps(event) for event in every}) < len(every)
    assert kinds["FAIL"] > 5
    assert Counter(map(frozenset, runs.values()))[frozenset({"START"})] == 2
    assert {event["eventType"] for event in every if event["job"]["namespace"] == "tideway-ingest"} == {
        "COMPLETE"
    }
    assert any("region=日本" in output["name"] for event in every for output in event["outputs"])


def test_no_two_things_share_an_id(folder):
    """A run id belongs to one job, an audit id to one call."""
    jobs, calls = {}, Counter()
    for path in (folder / "openlineage").iterdir():
        for event in lines(path):
            jobs.setdefault(event["run"]["runId"], set()).add(event["job"]["name"])
    for path in (folder / "k8s").rglob("audit-*"):
        calls.update((event["auditID"], event["stage"]) for event in lines(path))

    assert {len(names) for names in jobs.values()} == {1}
    assert set(calls.values()) == {1}


def test_the_story_has_what_it_promises():
    """Three models, two clusters, rollbacks, a canary, denied attempts, an SLA change, every kind of link."""
    register = truth.deployments()
    actions = Counter(item["action"] for item in register)

    assert 25 <= len(register) <= 42
    assert len({item["model"] for item in register if item["model"]}) == 3
    assert {item["cluster"] for item in register} == {"prod-eu", "prod-us"}
    assert actions["rollback"] == 3
    assert set(actions) == {
        "deploy",
        "redeploy",
        "rollback",
        "canary",
        "traffic",
        "promote",
        "delete",
        "change",
    }
    assert {item["link_rule"] for item in register} == {
        "model-uri",
        "image-digest",
        "artifact-uri",
        "artifact-uri-below",
        "run-or-logged-model-id",
        "alias",
        "path-convention",
        "template-annotation",
        "image-tag",
        "unresolved",
        None,
    }
    assert {item["outcome"] for item in truth.denied()} == {"denied", "failed", "dry-run", "unchanged"}
    assert [one["target"] for one in truth.sla_change()["versions"]] == [0.995, 0.999]
    assert [one["target"] for one in truth.sla_change()["conflict"]] == [0.999, 0.995]


def test_the_register_follows_from_itself():
    """A redeploy repeats the version, a rollback goes to an earlier one, shares add up, every end is the next start."""
    before = {}
    for item in truth.deployments():
        target, old = item["target"], before.get(item["target"])
        if old is not None and old["action"] != "delete":
            assert (old["ended_at"], old["ended_by_action"]) == (item["deployed_at"], item["action"])
        if item["action"] == "redeploy":
            assert item["models"] == old["models"]
        if item["action"] == "rollback":
            assert int(item["version"]) < int(old["version"])
        if item["action"] == "deploy" and item["version"] and old and old["version"]:
            assert int(item["version"]) > int(old["version"])
        assert sum(item["models"].values()) == pytest.approx(1.0) or item["version"] is None
        before[target] = item


@pytest.mark.parametrize(
    ("principal", "moment", "person"),
    [
        ("oidc:oncall-eu", datetime(2025, 11, 18, tzinfo=UTC), "Henrik Sørby"),
        ("oidc:oncall-eu", datetime(2026, 5, 14, tzinfo=UTC), "田中愛子 (Aiko Tanaka)"),
        ("oidc:mbali.dube@skarn.example", datetime(2025, 2, 20, tzinfo=UTC), "Mbali Dube"),
        ("oidc:mbali.dube@skarn.example", datetime(2025, 10, 14, tzinfo=UTC), "mbali.dube@skarn.example"),
        ("break-glass-admin", datetime(2026, 8, 20, tzinfo=UTC), None),
        (story.BOT, datetime(2026, 8, 20, tzinfo=UTC), None),
    ],
)
def test_a_principal_is_whose_the_list_says_at_that_time(principal, moment, person):
    """The on-call login was handed over, one person left, a bot and an emergency account are nobody."""
    assert truth.person_of(principal, moment) == person


def test_trainings_and_versions_fall_into_the_history():
    """No version is trained before the history begins or after it ends, and each on the Sunday before."""
    for version in story.VERSIONS:
        assert story.BEGIN < version.partition < version.trained.date() < story.END
        assert version.partition.weekday() == 6
    assert date(2026, 5, 10) in {version.partition for version in story.VERSIONS}


def test_it_names_nothing_real(folder):
    """Hosts and mail addresses end in the reserved .example; addresses are of the documentation network."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.suffix == ".db":
            continue
        text = content(path).decode("utf-8")
        mails = set(re.findall(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", text))
        assert all(host.endswith(".example") for host in mails), (path, mails)
        assert set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text)) <= {f"192.0.2.{last}" for last in range(256)}
