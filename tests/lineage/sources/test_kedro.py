import hashlib
import json
import shutil
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Key, Link, Run
from lineage.model.moment import parse
from lineage.opening import FolderInput
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise, sources
from lineage.sources import kedro

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "kedro"
CATALOG = "kedro://shop-forecast/catalog"
FILES = "kedro://shop-forecast"


def said(path, **labels):
    """Everything an input says: (row of the record, fact or problem)."""
    given = FolderInput(path, path.name) if path.is_dir() else file_input(path)
    origin = Origin(str(path), labels, folder=path.parent.name)
    found = []
    for record in kedro.records(given, origin):
        if isinstance(record, Problem):
            found.append((record.row, record))
            continue
        stated = list(kedro.read(record, origin))
        assert stated, f"{record.row} ends as nothing"
        assert stated == list(kedro.read(Record(record.raw), origin)), "the record alone says the same"
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind):
    """What was said of one kind."""
    return [fact for _, fact in found if isinstance(fact, kind)]


def places(found):
    """Where each name of a catalog lies."""
    return {(fact.key.namespace, fact.key.name, fact.other[1:]) for fact in of(found, Alias)}


def listing(folder):
    """What is shown of a folder."""
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()))


@pytest.fixture
def project(tmp_path):
    """A copy of the project with what two sessions saved."""
    folder = tmp_path / "shop"
    shutil.copytree(SAMPLES / "project", folder)
    for stamp, names in (
        ("2026-03-01T06.10.01.041Z", ("01_raw/orders.csv", "06_models/model.pkl")),
        ("2026-04-01T06.10.01.350Z", ("01_raw/orders.csv",)),
        ("2026-04-01T99.10.01.350Z", ("01_raw/orders.csv",)),
    ):
        for name in names:
            saved = folder / "data" / name / stamp / Path(name).name
            saved.parent.mkdir(parents=True)
            saved.write_text("id\n1\n")
    (folder / "data" / "plain.csv").write_text("id\n")
    return folder


def test_it_is_known_by_its_files(project):
    """A project of Kedro's files alone is one input; with something else in it, its `conf` and `data` are."""
    names = listing(project)
    assert kedro.recognises(Sample("shop", listing=names)) > 0.8
    for other in (
        "mlruns/0/meta.yaml",
        ".git/HEAD",
        "dvc.yaml",
        "audit.db",
        "deploy/isvc.json",
        "data/audit.log",
        "docs/sla.yml",
    ):
        assert kedro.recognises(Sample("shop", listing=(*names, other))) == 0
    assert kedro.recognises(Sample("shop", listing=(*names, "logs/info.log"))) > 0.8
    assert kedro.recognises(Sample("data", listing=(*listing(project / "data"), "events.ndjson"))) == 0
    assert kedro.recognises(Sample("conf", listing=listing(project / "conf"))) > 0.8
    assert kedro.recognises(Sample("data", listing=listing(project / "data"))) > 0.7
    assert kedro.recognises(Sample("data", listing=("a.csv",))) == 0
    for name in ("api", "viz"):
        folder = SAMPLES / "viz" / ("api" if name == "api" else "")
        assert kedro.recognises(Sample(name, listing=listing(folder))) > 0.9
    assert kedro.recognises(Sample("api", listing=("main", "nodes/a", "audit/events.log"))) == 0
    for path in (project / "conf/base/catalog.yml", SAMPLES / "viz/api/main"):
        known = recognise(sample_of(file_input(path)))
        assert known is not None
        assert known[0].NAME == "kedro"
    for path in (project / "conf/local/credentials.yml", project / "conf/base/globals.yml"):
        assert kedro.recognises(sample_of(file_input(path))) == 0
    assert "kedro" in {source.NAME for source in sources()}


def test_each_name_of_the_catalog_has_its_place(project):
    """Addresses as they are, paths within the project, tables where the entry names all of their place."""
    base = {(name, place) for namespace, name, place in places(said(project)) if namespace == CATALOG}
    assert base == {
        ("orders", (FILES, "data/01_raw/orders.csv")),
        ("clicks", ("s3://Shop-Lake", "clicks/")),
        ("clicks", ("s3a://shop-lake", "clicks")),
        ("scores", ("s3://Shop-Lake", "gold/scores")),
        ("prices", ("bigquery", "shop-bq.core.prices")),
        ("page", ("https://shop.example", "api/items")),
        ("model", (FILES, "data/06_models/model.pkl")),
    }


def test_environments_are_kept_apart(project):
    """What `prod` and `local` say is theirs: an entry of `base` and its override are two places, never one."""
    found = places(said(project))
    assert (f"{CATALOG}@local", "orders", ("file", "/home/ana/orders.csv")) in found
    assert (f"{CATALOG}@prod", "scores", ("gs://shop-prod", "gold/scores")) in found


def test_a_label_says_where_the_project_ran(project):
    """Then a path inside it is a file like any other, and meets the same file of other tools."""
    found = places(said(project, root="/srv/shop-forecast"))
    assert (CATALOG, "orders", ("file", "/srv/shop-forecast/data/01_raw/orders.csv")) in found


def test_what_a_template_leaves_open_is_said(project):
    """Globals and the catalog's own variables are filled in; of an environment variable the place is not known."""
    found = said(project)
    (problem,) = [fact for fact in of(found, Problem) if fact.code == "unresolved-template"]
    assert (problem.value, problem.fatal) == ("${oc.env:LAKE}", False)
    (entity,) = [fact for fact in of(found, Entity) if fact.key.name == "elsewhere"]
    assert entity.attributes["unresolved"] == ["${oc.env:LAKE}"]
    assert not any(name == "elsewhere" for _, name, _ in places(found))


def test_a_factory_is_no_dataset_and_a_wrong_entry_a_problem(project):
    """`{region}_report` stands for many; `broken: pandas.CSVDataset` is no entry; each with its name."""
    found = said(project)
    assert [(row, fact.reason) for row, fact in found if isinstance(fact, Filtered)] == [
        ("conf/base/catalog.yml#{region}_report", "dataset-factory")
    ]
    assert [
        (row, fact.field) for row, fact in found if isinstance(fact, Problem) and fact.code == "bad-value"
    ] == [("conf/base/catalog.yml#broken", "broken")]


def test_what_an_entry_says_of_its_dataset(project):
    """Type, owner, layer, whether versions are kept, and of credentials only their name."""
    found = of(said(project), Entity)
    entities = {fact.key: fact.attributes for fact in found}
    orders = entities[Key("dataset", CATALOG, "orders")]
    assert (orders["dataset_type"], orders["owners"], orders["layer"]) == (
        "pandas.CSVDataset",
        ["data@shop.example"],
        "raw",
    )
    assert orders["versioned"] is True
    named = [fact.attributes["credentials_name"] for fact in found if "credentials_name" in fact.attributes]
    assert named == ["lake_reader"]


def test_no_secret_is_kept(project):
    """Credentials, passwords in addresses, options and parameters: none of it is in any record."""
    for folder in (project, SAMPLES / "viz"):
        records = list(kedro.records(FolderInput(folder, folder.name), Origin(str(folder))))
        assert not [record for record in records if "hunter2" in str(record)]


def test_a_session_saved_versions(project):
    """All that one session saves bears one time: a run that wrote them, of which no end is known."""
    runs = {fact.key.name: fact for fact in of(said(project), Run)}
    assert set(runs) == {"2026-03-01T06.10.01.041Z", "2026-04-01T06.10.01.350Z"}
    first = runs["2026-03-01T06.10.01.041Z"]
    assert [(use.key.name, use.version) for use in first.outputs] == [
        ("data/01_raw/orders.csv", "2026-03-01T06.10.01.041Z"),
        ("data/06_models/model.pkl", "2026-03-01T06.10.01.041Z"),
    ]
    assert (str(first.state), first.started, first.actor) == (
        "other",
        parse("2026-03-01T06:10:01.041Z"),
        None,
    )
    bad = [fact.value for fact in of(said(project), Problem) if fact.code == "bad-time"]
    assert bad == ["2026-04-01T99.10.01.350Z"]


def test_conf_and_data_alone_say_what_the_project_says(project):
    """Read apart, under the project's name given as a label, they state the same."""
    whole = {repr(fact) for _, fact in said(project)}
    parts = said(project / "conf", project="Shop Forecast") + said(project / "data", project="shop_forecast")
    assert {repr(fact) for _, fact in parts} | {repr(of(said(project), Problem))} >= whole - {
        repr(fact) for fact in of(said(project), Problem)
    }
    single = said(project / "conf" / "base" / "catalog.yml", project="shop-forecast")
    assert (CATALOG, "model", (FILES, "data/06_models/model.pkl")) in places(single)
    assert {fact.value for fact in of(single, Problem) if fact.code == "unresolved-template"} >= {
        "${globals:lake}"
    }
    prod = said(project / "conf" / "prod" / "catalog_gold.yml")
    assert {fact.key.namespace for fact in of(prod, Entity)} == {"kedro://shop/catalog@prod"}


def test_the_pipelines_nodes_and_what_they_read_and_write():
    """By the edges of Kedro-Viz, without parameters and groups; the project's name is the folder of its code."""
    found = said(SAMPLES / "viz")
    links = {(fact.source[1:], fact.target[1:]) for fact in of(found, Link) if str(fact.type) != "parent"}
    train, score = (FILES, "training.train"), (FILES, "score")
    assert links == {
        ((CATALOG, "orders"), train),
        (train, (CATALOG, "held")),
        ((CATALOG, "held"), score),
        (score, (CATALOG, "scores")),
    }
    about = next(fact.attributes for fact in of(found, Entity) if fact.key[1:] == train)
    assert (about["parameters"], about["pipelines"]) == ({"train.C": 0.1}, ["__default__"])


def test_an_absolute_path_of_viz_is_a_place_and_joins_the_catalog():
    """A remote path has lost its protocol there and is none; one inside the project's folder is that of the catalog."""
    assert places(said(SAMPLES / "viz")) == {
        (CATALOG, "orders", ("file", "/srv/shop-forecast/data/01_raw/orders.csv")),
        (FILES, "data/01_raw/orders.csv", ("file", "/srv/shop-forecast/data/01_raw/orders.csv")),
    }


def test_how_the_last_run_went():
    """The run and each node, within its times; what failed has written nothing."""
    runs = {fact.key.name: fact for fact in of(said(SAMPLES / "viz"), Run)}
    assert {name: str(fact.state) for name, fact in runs.items()} == {
        "r-1": "fail",
        "r-1/training.train": "complete",
        "r-1/score": "fail",
    }
    assert (runs["r-1"].started, runs["r-1"].ended) == (
        parse("2026-03-01T09:00:00Z"),
        parse("2026-03-01T09:00:05Z"),
    )
    failed = runs["r-1/score"]
    assert (failed.outputs, failed.attributes["error"], failed.parent) == ((), "no column x", runs["r-1"].key)
    assert [use.key.name for use in failed.inputs] == ["held"]
    assert (failed.at.lo, failed.at.hi) == (runs["r-1"].started.lo, runs["r-1"].ended.lo)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"a: {type: x\n", "malformed-yaml"),
        (b"a: &a [*a]\n", "endless-yaml"),
        (b"a: !!python/object:os.system x\n", "unsafe-tag"),
        (b"a: 1\na: 2\n", "duplicate-key"),
        (b"a: \xff\n", "bad-encoding"),
    ],
)
def test_a_bad_file_costs_no_other(project, text, code):
    """It is named with its place; the other catalogs are read."""
    (project / "conf" / "base" / "catalog_bad.yml").write_bytes(text)
    (project / "pyproject.toml").write_bytes(text)
    found = said(project, project="shop-forecast")
    assert [(row, fact.code) for row, fact in found if isinstance(fact, Problem) and "bad.yml" in row] == [
        ("conf/base/catalog_bad.yml", code)
    ]
    assert len(of(found, Alias)) == 9


@pytest.mark.parametrize(
    "value", [None, True, -1, 1e300, "", "x" * 9000, [], {}, [[{}]], {"a": {"b": []}}, "${${x}}"]
)
def test_any_value_in_any_field_raises_nothing(tmp_path, value):
    """Each field of an entry, a node, an edge and a run, one after the other, is something else."""
    api = tmp_path / "api"
    shutil.copytree(SAMPLES / "viz" / "api", api)
    for name in ("main", "run-status", "nodes/d1", "nodes/t1"):
        body = json.loads((SAMPLES / "viz" / "api" / name).read_text())
        for field in body:
            (api / name).write_text(json.dumps({**body, field: value}))
            said(api)
            if isinstance(body[field], list) and body[field]:
                first = body[field][0]
                for inner in first if isinstance(first, dict) else ():
                    (api / name).write_text(
                        json.dumps({**body, field: [{**first, inner: value}, *body[field][1:]]})
                    )
                    said(api)
            elif isinstance(body[field], dict):
                for inner in body[field]:
                    (api / name).write_text(json.dumps({**body, field: {**body[field], inner: value}}))
                    said(api)
        shutil.copyfile(SAMPLES / "viz" / "api" / name, api / name)
    conf = tmp_path / "conf" / "base"
    conf.mkdir(parents=True)
    for field in (
        "type",
        "filepath",
        "path",
        "metadata",
        "versioned",
        "credentials",
        "dataset",
        "table_name",
        "layer",
    ):
        entry = {"type": "pandas.CSVDataset", "filepath": "data/a.csv", field: value}
        (conf / "catalog.yml").write_text(json.dumps({"a": entry}))
        assert said(tmp_path / "conf")


def test_the_corpus_is_one_project(corpus, tmp_path):
    """Project and Kedro-Viz meet: `prepared` of catalog.yml, of main and the files of both sessions are one dataset.

    `grep -c filepath project/conf/base/catalog.yml` is 6, one of them a factory; `main` has five tasks.
    """
    place = corpus / "ml" / "kedro"
    digests = {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.rglob("*") if path.is_file()
    }
    with lineage.open(tmp_path / "one.trail") as workspace:
        items = workspace.import_([place]).items
        assert [(item["source"], item["read"], item["filtered"], item["rejected"]) for item in items] == [
            ("kedro", 8, 1, 0),
            ("kedro", 6, 0, 0),
        ]
        assert workspace.problems().total == 0
        datasets = {item["id"] for item in workspace.entities("kind:dataset").items}
        root = "dataset|file|/data/kedro/halden-churn/data"
        assert datasets == {
            f"{root}/01_raw/customers.csv",
            f"{root}/02/prepared.csv",
            f"{root}/06_models/churn.pkl",
            f"{root}/08/metrics.json",
            f"{root}/08/apac_scores.csv",
            f"{root}/08/emea_scores.csv",
            "dataset|s3://halden-lake|support/tickets.parquet",
        }
        nodes = {node["id"] for node in workspace.trace(f"{root}/08/emea_scores.csv").items[0]["nodes"]}
        assert f"{root}/01_raw/customers.csv" in nodes
        prepared = workspace.entities(f"{root}/02/prepared.csv").items[0]
        assert sorted(prepared["attributes"]["versions"]) == [
            "2026-03-01T06.10.01.041Z",
            "2026-04-01T06.10.01.350Z",
        ]
        states = [item["state"] for item in workspace.runs().items if item["job"] == "kedro run"]
        assert sorted(states) == ["complete", "other", "other"]
        assert sum(item["accepted"] for item in workspace.import_([place]).items) == 0
        assert workspace.rebuild().items[0]["digest"] == workspace.digest().items[0]["digest"]
    after = {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.rglob("*") if path.is_file()
    }
    assert after == digests
