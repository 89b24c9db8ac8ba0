"""What DVC's files and GTO's tags say; the bundle holds four commits and twelve tags that were made for these tests."""

import hashlib
import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of, walk
from lineage.model.facts import Entity, Happened, Key, Link, Run, Use
from lineage.model.moment import parse, to_iso
from lineage.model.naming import dataset
from lineage.model.vocabulary import Kind, Relation
from lineage.opening import FolderInput
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import dvc, git
from lineage.sources._gto_tags import event_of
from lineage.sources._stage_files import artifacts, document, place_of, pointer, remotes, stages

SAMPLES = Path(__file__).parents[2] / "sources" / "dvc"
BUNDLE = SAMPLES / "tide.bundle"
FIRST = "471dd8ebd959b401f6f82b9551a8d8a75dce201f"
AGAIN = "cf58330be38fa6136ab698f7bc5e0307838b7b23"
NOTES = "7301c82cc2281c919adbe8c8066939d21981e7aa"
EXPERIMENT = "5d783a13e3ca47fcb1c3277f1d8d3e8607fc6932"
HERE = "dvc://tide"


def said(path, reader=dvc, **labels):
    """Everything that a file or folder says, in the order it is read."""
    given = FolderInput(path, path.name, parts=dvc.PARTS) if path.is_dir() else file_input(path)
    origin = Origin(path.as_posix(), labels, path.parent.name)
    found = []
    for item in reader.records(given, origin):
        found += reader.read(item, origin) if isinstance(item, Record) else [item]
    return found


@pytest.fixture(scope="module")
def told():
    """What the bundle says."""
    return said(BUNDLE, git)


def of(facts, kind):
    """The facts of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def runs(facts):
    """The runs by stage and commit."""
    return {(run.job.name, run.key.name): run for run in of(facts, Run)}


def test_a_stage_ran_for_each_commit_that_changed_its_entry_in_the_lock(told):
    """`prepare` once, `train` twice; the third commit changed only notes; the experiment stands in `refs/exps`."""
    assert runs(told).keys() == {
        ("prepare", FIRST), ("train", FIRST), ("train", AGAIN), ("train", EXPERIMENT),
        ("data/raw.csv.dvc", FIRST), ("data/ports.csv.dvc", FIRST),
    }  # fmt: skip


def test_a_run_has_the_versions_it_read_and_made_and_the_commit_as_its_time(told):
    """Out `data/ready/` and dep `data/ready` are one dataset; the program is code; a store outside keeps its place."""
    prepare, train = runs(told)["prepare", FIRST], runs(told)["train", FIRST]

    assert set(prepare.inputs) == {
        Use(dataset(HERE, "data/raw.csv"), "1" * 32),
        Use(dataset("s3://tide-lake", "weather/daily"), '"e1"'),
    }
    assert prepare.outputs == (Use(dataset(HERE, "data/ready"), "a" * 31 + "1.dir"),)
    assert train.inputs == (Use(dataset(HERE, "data/ready"), "a" * 31 + "1.dir"),)
    assert prepare.attributes["code"]["src/prepare.py"] == "0" * 29 + "abc"
    assert (to_iso(train.at.lo), train.actor.name) == ("2026-01-10T09:00:00Z", "mira@example.org")
    assert train.attributes["params"] == {"train": {"C": "0.1"}, "extra.yaml:depth": "3"}
    assert train.attributes["metrics"] == {"rmse": 0.5, "by_port.emden": 0.25}
    assert (train.individual, prepare.individual) == (True, False)


def test_an_experiment_is_told_from_what_was_committed(told):
    """A run of `dvc exp` has its name; it made no version of the model."""
    run = runs(told)["train", EXPERIMENT]
    assert run.attributes["experiment"] == "tune-c9"
    assert "experiment" not in runs(told)["train", AGAIN].attributes


def test_a_stage_that_only_the_lock_still_holds_is_stale_and_did_not_run(told):
    """`gone` left dvc.yaml: its old entry is no run."""
    gone = [fact for fact in of(told, Entity) if fact.key == Key(Kind.JOB, HERE, "gone")]
    assert gone
    assert all(fact.attributes["stale"] for fact in gone)


def test_imported_data_comes_from_the_other_repository(told):
    """`dvc import` names repository, path and the commit it was locked to."""
    run = runs(told)["data/ports.csv.dvc", FIRST]
    (source,) = run.inputs
    assert source.key == dataset("dvc://sea/registry", "exports/ports.csv")
    revisions = {fact.attributes.get("revision") for fact in of(told, Entity) if fact.key == source.key}
    assert revisions == {"5503434ddd753f426f4b38109466949a1217c2bb"}


def test_a_version_is_registered_by_its_tagger_from_the_run_that_made_it(told):
    """v1.1.0 stands on the commit of the notes; its file was made by the commit before."""
    (version,) = [fact for fact in of(told, Entity) if fact.key.name == "tide/v1.1.0"]
    assert version.key == Key(Kind.MODEL_VERSION, "gto:tide", "tide/v1.1.0")
    assert version.attributes["created_by"] == "jon@example.org"
    assert version.attributes["git_commit"] == NOTES
    assert version.attributes["digest"] == "0" * 28 + "aaa2"
    assert version.attributes["uri"] == "models/tide.bin"
    assert to_iso(version.created.lo) == "2026-02-03T08:00:00Z"
    produced = {
        (link.source.name, link.target.name) for link in of(told, Link) if link.type is Relation.PRODUCED
    }
    assert produced == {(FIRST, "tide/v1.0.0"), (AGAIN, "tide/v1.1.0")}


def test_secrets_of_a_remote_are_not_kept(told):
    """The configuration of the sample holds a key and a secret in the URL."""
    stores = {fact.attributes["remote"] for fact in of(told, Entity) if "remote" in fact.attributes}
    assert "s3://tide-lake/store" in stores
    assert "secret" not in repr(told)


STORY = [
    ("2026-01-12T08:00:00Z", "prod", "deploy", "v1.0.0", "mira@example.org"),
    ("2026-02-04T08:00:00Z", "prod", "deploy", "v1.1.0", "jon@example.org"),
    ("2026-02-05T08:00:00Z", "prod", "rollback", "v1.0.0", None),
    ("2026-02-06T08:00:00Z", "prod", "deploy", "v1.1.0", "mira@example.org"),
    ("2026-02-07T08:00:00Z", "dev", "deploy", "v1.1.0", "mira@example.org"),
    ("2026-02-08T08:00:00Z", "dev", "delete", None, "mira@example.org"),
]
"""By the tags' own times. When the rollback was taken back, `gto show` has v1.1.0 in prod again; dev was left empty."""


def test_the_register_is_the_history_of_the_tags(tmp_path):
    """Deploy, rollback by a bot (nobody evidenced), its taking back, a stage that was emptied; all of it once."""
    with lineage.open(tmp_path / "a.trail") as workspace:
        workspace.import_([BUNDLE])
        workspace.import_([BUNDLE])
        items = workspace.deployments().items
        found = [
            (
                item["deployed_at"],
                item["endpoint"],
                item["action"],
                item["model_version"],
                item["deployed_by"],
            )
            for item in items
        ]
        assert sorted(found) == STORY
        assert {item["platform"] for item in items} == {"gto"}
        assert {item["environment"] for item in items} == {"prod", "dev"}
        assert items[0]["actor"] == "mira@example.org"
        codes = {(finding["code"]) for finding in workspace.findings().items}
        assert {"no-person-evidenced", "deleted-version-served"} <= codes
        live = workspace.live(as_of="2026-02-04T12:00:00Z").items
        assert [(item["model_version"], item["deployed_by"]) for item in live] == [
            ("v1.1.0", "jon@example.org")
        ]


def test_a_lightweight_tag_assigns_nothing(told):
    """`tide#qa#7` has no tagger and no time: it is no event of GTO's."""
    assert not [fact for fact in of(told, Happened) if "/qa" in fact.subject.name]


def test_a_version_that_was_taken_back_is_deleted_and_a_model_deprecated(told):
    """`tide@v1.0.0!` and `tide@deprecated`; a tag that is none of GTO's stays a tag."""
    events = {(fact.type, fact.subject.name) for fact in of(told, Happened)}
    assert {("delete", "tide/v1.0.0"), ("deprecate", "tide"), ("tag", "tide")} <= events
    assert [fact.detail["tag"] for fact in of(told, Happened) if fact.type == "tag"] == ["report-2026"]


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("churn@v1.2.3", ("churn", "registration", "v1.2.3", "")),
        ("churn@v1.2.3!", ("churn", "deregistration", "v1.2.3", "")),
        ("churn@v1.2.3!#4", ("churn", "deregistration", "v1.2.3", "")),
        ("churn@v0.0.1-rc.1+b7", ("churn", "registration", "v0.0.1-rc.1+b7", "")),
        ("churn#prod", ("churn", "assignment", "", "prod")),
        ("churn#prod#12", ("churn", "assignment", "", "prod")),
        ("churn#prod!", ("churn", "unassignment", "", "prod")),
        ("models/eu=churn#prod!#3", ("models/eu:churn", "unassignment", "", "prod")),
        ("churn@deprecated", ("churn", "deprecation", "", "")),
        ("churn@created", ("churn", "creation", "", "")),
    ],
)
def test_every_form_of_a_gto_tag(ref, expected):
    """The grammar of gto/constants.py."""
    event = event_of(ref)
    assert (event.artifact, event.event, event.version, event.stage) == expected


@pytest.mark.parametrize(
    "ref", ["v1.0.0", "release-1", "churn@1.0", "churn@v1", "Churn#Prod", "churn#", "a@b", "", "x" * 600]
)
def test_other_tags_are_none_of_gto(ref):
    """A release of the code is no deployment of a model."""
    assert event_of(ref) is None


def tree(folder, **more):
    """A work tree with a pipeline at the top, one below it with a working directory, and a templated stage."""
    files = {
        ".dvc/config": "[core]\n    remote = lake\n['remote \"lake\"']\n    url = gs://lake/x\n",
        "dvc.yaml": "stages:\n  fit:\n    foreach: [a, b]\n    do:\n      cmd: fit ${item}\n      deps: [in.csv]\n"
        "      outs: ['out-${item}.bin']\n  never:\n    cmd: x\n    deps: [in.csv]\n    outs: [never.bin]\n",
        "dvc.lock": "schema: '2.0'\nstages:\n  fit@a:\n    cmd: fit a\n    deps:\n"
        "    - {path: in.csv, md5: '1', size: 3}\n"
        "    outs:\n    - {path: out-a.bin, md5: '2', size: 4}\n",
        "sub/dvc.yaml": "stages:\n  s:\n    cmd: y\n    wdir: ../data\n"
        "    deps: [r.csv, 'remote://lake/t.csv']\n    outs: [o/]\n"
        "artifacts:\n  m:\n    path: ../data/o\n    type: model\n",
        "data/r.csv.dvc": "outs:\n- {path: r.csv, md5: '9', size: 5, nfiles: 2}\n",
        "notes.md": "nothing",
        **more,
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_a_work_tree_shows_what_comes_from_what_but_no_run(tmp_path):
    """No time and no person stand in its files, so nothing is said to have run."""
    facts = said(tree(tmp_path / "plant"))

    assert not of(facts, Run)
    assert not of(facts, Happened)
    edges = {
        (link.source.name, link.target.name, link.rule)
        for link in of(facts, Link)
        if link.type is not Relation.PART_OF
    }
    assert edges == {
        ("in.csv", "fit@a", "dvc.lock"), ("fit@a", "out-a.bin", "dvc.lock"),
        ("in.csv", "never", "dvc.yaml"), ("never", "never.bin", "dvc.yaml"),
        ("data/r.csv", "sub/dvc.yaml:s", "dvc.yaml"), ("x/t.csv", "sub/dvc.yaml:s", "dvc.yaml"),
        ("sub/dvc.yaml:s", "data/o", "dvc.yaml"), ("data/r.csv.dvc", "data/r.csv", "dvc.lock"),
    }  # fmt: skip
    versions = {
        fact.key[1:]: fact.attributes.get("version")
        for fact in of(facts, Entity)
        if fact.key.kind == Kind.DATASET
    }
    assert versions["dvc://plant", "data/r.csv"] == "9"
    assert ("gs://lake", "x/t.csv") in versions
    assert [link.target.name for link in of(facts, Link) if link.type is Relation.PART_OF] == ["sub:m"]


def test_only_dvcs_files_of_a_work_tree_belong_together(tmp_path):
    """Everything else in the folder is looked at by itself: another tool may know it."""
    tree(tmp_path / "plant")
    found = {
        one.path.removeprefix(f"{tmp_path}/"): sorted(name for name, _ in one.given.members())
        for one in walk([tmp_path], lambda sample: dvc.recognises(sample) > 0 and dvc.PARTS)
    }
    assert found == {
        "plant": [".dvc/config", "data/r.csv.dvc", "dvc.lock", "dvc.yaml", "sub/dvc.yaml"],
        "plant/notes.md": [],
    }


def test_the_first_schema_of_the_lock_and_other_hashes():
    """dvc.lock of DVC 1 has its stages at the top; ETags, checksums and version ids are versions too."""
    lock, _ = document(
        "fit:\n  cmd: x\n  outs:\n  - {path: a, checksum: c1}\n  - {path: b, cloud: {r: {version_id: v9}}}\n",
        "",
    )
    (stage,) = stages({"stages": {"fit": {"cmd": "x"}}}, lock, "")
    assert [(part.path, part.version) for part in stage.outs] == [("a", "c1"), ("b", "v9")]
    assert pointer({"outs": [{"path": "x", "md5": "7"}]}, "d/x.dvc").outs[0].hashing == "md5-dos2unix"
    assert (place_of("../x/", "a/b"), remotes("junk\n[x]\n=\n")) == ("a/x", {})
    assert artifacts({"artifacts": {"m": {"path": 7}, "n": None}}, "") == {}


HISTORY = [
    {"timestamp": "2026-03-01T09:00:00+01:00", "artifact": "m", "event": "registration", "version": "v1.0.0",
     "stage": None, "commit": "a" * 40, "author": "A", "author_email": "a@example.org",
     "message": "r", "ref": "m@v1.0.0"},
    {"timestamp": "2026-03-03T09:00:00+01:00", "artifact": "m", "event": "unassignment", "version": "v1.0.0",
     "stage": "prod", "commit": "a" * 40, "author": "B", "author_email": "b@example.org",
     "message": "u", "ref": "m#prod!#2"},
    {"timestamp": "2026-03-02T09:00:00+01:00", "artifact": "m", "event": "assignment", "version": "v1.0.0",
     "stage": "prod", "commit": "a" * 40, "author": "A", "author_email": "", "message": "", "ref": "m#prod#1"},
]  # fmt: skip


def write(folder, name, value):
    """A JSON file in a folder of its own name."""
    path = folder / "m" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_saved_history_says_what_the_tags_say(tmp_path):
    """Its entries stand newest first; an assignment that is taken back with none before it ends the service."""
    path = write(tmp_path, "history.json", HISTORY)
    happened = {fact.type: fact for fact in of(said(path), Happened)}

    assert happened.keys() == {"register", "apply", "delete"}
    assert happened["apply"].subject == Key(Kind.TARGET, "gto://m", "m/prod")
    assert happened["apply"].workload.components[0].claims[0].value == "m/v1.0.0"
    assert happened["apply"].actor.name == "A"
    assert to_iso(happened["delete"].at.lo) == "2026-03-03T08:00:00Z"


SHOWN = {
    "rev": "b" * 40, "name": "main", "error": None, "experiments": [
        {"revs": [{"rev": "c" * 40, "name": "tune", "data": {"timestamp": "2026-03-02T00:00:00", "outs": {}, "deps": {},
                   "params": {}, "metrics": {"m.json": {"data": {"acc": 0.9}}}}}], "executor": None, "name": "tune"}],
    "data": {"timestamp": "2026-03-01T00:00:00", "params": {"params.yaml": {"data": {"C": 1.5}}},
             "metrics": {"m.json": {"data": {"acc": 0.8}}, "n.json": {"error": {}}},
             "deps": {"in.csv": {"hash": "1"}, "fit.py": {"hash": "2"}, "mid": {"hash": "3.dir"}},
             "outs": {"in.csv": {"hash": "1", "is_data_source": True}, "mid": {"hash": "3.dir"},
                      "m.bin": {"hash": "4"}}},
}  # fmt: skip


def test_experiments_that_were_shown_have_parameters_metrics_and_versions(tmp_path):
    """Times of `dvc exp show` are UTC; the workspace is no commit; an error is said and costs no other."""
    path = write(tmp_path, "exp.json", [
        {"rev": "workspace", "data": {"timestamp": None}, "experiments": None}, SHOWN,
        {"rev": "d" * 40, "error": {"msg": "boom"}, "data": None, "experiments": None},
    ])  # fmt: skip
    facts = said(path)
    first, second = of(facts, Run)

    assert (first.key.name, to_iso(first.at.lo), first.at.assumed) == (
        "b" * 40,
        "2026-03-01T00:00:00Z",
        False,
    )
    assert first.inputs == (Use(dataset("dvc://m", "in.csv"), "1"),)
    assert set(first.outputs) == {
        Use(dataset("dvc://m", "mid"), "3.dir"),
        Use(dataset("dvc://m", "m.bin"), "4"),
    }
    assert (first.attributes["params"], first.attributes["metrics"]) == ({"C": 1.5}, {"acc": 0.8})
    assert (second.attributes["experiment"], second.actor) == ("tune", None)
    assert [fact.code for fact in of(facts, Problem)] == ["producer-error"]
    assert of(facts, Filtered) == [Filtered("workspace-not-committed")]


def test_inputs_are_recognised_by_their_content(tmp_path):
    """Exports by the names in their first entry, a work tree by its files; other JSON is nobody's."""
    shown = [
        write(tmp_path, "h.json", HISTORY), write(tmp_path, "e.json", [SHOWN]),
        write(tmp_path, "l.json", [{"isout": True, "isdir": False, "path": "a", "md5": "1"}]),
    ]  # fmt: skip
    assert [recognise(sample_of(file_input(path)))[0].NAME for path in shown] == ["dvc"] * 3
    assert dvc.recognises(Sample("x", b'[{"rev": 7}]')) == 0
    assert dvc.recognises(Sample("x", listing=("README.md", "a/dvc.yaml"))) == 0
    assert dvc.recognises(Sample("x", listing=("dvc.yaml", "a.py"))) > 0.5


@pytest.mark.parametrize(
    "files",
    [
        {"dvc.yaml": "stages: [1, 2\n"}, {"dvc.lock": "- a\n- b\n"}, {"dvc.yaml": "a: &a [*a]\n"},
        {"dvc.yaml": "stages:\n  s: 7\n  t: [x]\nartifacts: 3\n",
         "dvc.lock": "stages:\n  s: {deps: 7, outs: [1, {path: 5}, {}], params: [x]}\n"},
        {"data/r.csv.dvc": "outs: {a: b}\ndeps: 9\nwdir: [x]\n"}, {"data/r.csv.dvc": "\x00\x01"},
        {"dvc.lock": "stages:\n" + "".join(f"  s{n}: {{cmd: x}}\n" for n in range(2000))},
    ],
)  # fmt: skip
def test_a_broken_file_costs_no_other(tmp_path, files):
    """What is no YAML or not of DVC's shape is named or passed over; the rest of the tree is read."""
    facts = said(tree(tmp_path / "plant", **files))
    assert any(fact.key == Key(Kind.JOB, "dvc://plant", "sub/dvc.yaml:s") for fact in of(facts, Entity))


@pytest.mark.parametrize("raw", [b"", b"7", b"[]", b'{"rev": 7, "data": 8}', b'{"rev": [], "data": {"timestamp": {}}}',
    b'{"gto": 1, "event": 2}', b'{"gto": 1, "event": "assignment", "at": 9, "said": []}',
    b'{"isout": true, "path": {}}',
    b'{"dvc": "tree", "pipelines": 7, "pointers": [1]}',
    b'{"dvc": "tree", "pipelines": {"": {"yaml": 7}}, "metrics": 3}',
    b'{"rev": "x", "data": {"timestamp": "2026-01-01T00:00:00", "outs": {"a": 7}, "deps": [], "params": 7}}',
    b'{"dvc": "tree", "commit": {"at": "x"}}'])  # fmt: skip
def test_odd_records_state_no_happening(raw):
    """Whatever stands in a record, nothing is made up of it and nothing fails."""
    assert not [fact for fact in dvc.read(Record(raw), Origin("a/x.json")) if isinstance(fact, Happened)]


def test_the_register_of_the_corpus_is_what_gto_history_says(corpus, tmp_path):
    """Every assignment of `gto-history.json`, with time, person and version as written there, and nothing else.

    Imported from the bundle, from the history and from the whole folder: each says the same.
    """
    folder = corpus / "ml" / "dvc"
    before = {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }
    history = json.loads((folder / "gto-history.json").read_text(encoding="utf-8"))
    expected = [
        (parse(entry["timestamp"]).lo, entry["artifact"], entry["stage"], entry["version"],
         entry["author_email"]) for entry in reversed(history) if entry["event"] == "assignment"
    ]  # fmt: skip
    assert len(expected) == 2
    for number, paths in enumerate([[folder / "repo.bundle"], [folder / "gto-history.json"], [folder]]):
        with lineage.open(tmp_path / f"{number}.trail") as workspace:
            workspace.import_(paths)
            items = workspace.deployments().items
            found = [
                (parse(item["deployed_at"]).lo, item["namespace"], item["endpoint"],
                 item["model_version"], item["deployed_by"]) for item in items
            ]  # fmt: skip
            assert found == expected
            assert [item["action"] for item in items] == ["deploy", "deploy"]
            assert workspace.problems().items == []
    assert before == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before}


def test_the_stages_of_the_corpus_are_those_of_the_lock_and_the_metrics_of_the_export(corpus):
    """By hand: dvc.lock of main has models/churn.bin b4412b54…, and exp-show.json the metric of each commit."""
    told = said(corpus / "ml" / "dvc" / "repo.bundle", git)
    made = {run.outputs[0].version for run in of(told, Run) if run.job.name == "train"}
    assert "b4412b546e840364ab323822049ce21f" in made
    shown = {run.key.name: run.attributes.get("metrics", {}).get("acc")
             for run in of(said(corpus / "ml" / "dvc" / "exp-show.json"), Run)}  # fmt: skip
    figured = {
        run.key.name: run.attributes["metrics"]["acc"]
        for run in of(told, Run)
        if run.attributes.get("metrics")
    }
    assert len(figured) == 5
    assert all(shown[sha] == value for sha, value in figured.items())
