"""What Hugging Face cards say; the samples are made by hand after the hub's documentation of its cards."""

import json
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Key, Link
from lineage.model.naming import dataset
from lineage.model.vocabulary import Kind, Relation
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import huggingface

SAMPLES = Path(__file__).parents[2] / "sources" / "huggingface"
SURGE = Key(Kind.MODEL, "huggingface", "tide/surge")


def said(path, **labels):
    """Everything a card or configuration says."""
    origin = Origin(path.as_posix(), labels, path.parent.name)
    found = []
    for item in huggingface.records(file_input(path), origin):
        found += huggingface.read(item, origin) if isinstance(item, Record) else [item]
    return found


def links(facts):
    """What comes from what, and by which rule."""
    return [(fact.source, fact.target, fact.rule) for fact in facts if isinstance(fact, Link)]


def write(folder, path, text):
    """A file below a folder, with its own line ends."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(text.encode())
    return folder / path


def test_a_card_names_base_models_data_and_licence():
    """By the folder's name, not the card's; `no` stays text; an address of the hub is the id in it."""
    facts = said(SAMPLES / "models" / "tide" / "surge" / "README.md")
    (model,) = [fact for fact in facts if isinstance(fact, Entity)]

    assert model.key == SURGE
    assert (model.attributes["license"], model.attributes["language"]) == ("no", "no")
    assert links(facts)[:3] == [
        (Key(Kind.MODEL, "huggingface", "ocean/base-1.10"), SURGE, "base_model"),
        (dataset("hf://datasets", "tide/gauges"), SURGE, "datasets"),
        (dataset("hf://datasets", "tide/buoys"), SURGE, "datasets"),
    ]
    assert next(fact.detail for fact in facts if isinstance(fact, Link)) == {"relation": "quantized"}
    assert "not/this-one" not in repr(facts)


def test_results_stand_with_data_revision_and_figure():
    """Two figures on one revision of the gauges; a result that names no data set is a problem, and so is a path."""
    facts = said(SAMPLES / "models" / "tide" / "surge" / "README.md")
    results = [fact.detail for fact in facts if isinstance(fact, Link) and fact.type is Relation.EVALUATED]

    assert [(one["metric"], one["value"], one["split"], one["version"]) for one in results] == [
        ("rmse", 0.25, "test", "5503434ddd753f426f4b38109466949a1217c2bb"),
        ("note", "good", "test", "5503434ddd753f426f4b38109466949a1217c2bb"),
    ]
    problems = [(fact.field, fact.value, fact.fatal) for fact in facts if isinstance(fact, Problem)]
    assert problems[0] == ("datasets", "../local/csv", False)
    assert problems[1][0] == "model-index[0].results[1].dataset.type"


def test_a_data_sets_card_with_a_mark_and_other_line_ends():
    """Byte order mark and CRLF; `original` is no source, `extended|x` is one."""
    facts = said(SAMPLES / "datasets" / "tide" / "gauges" / "README.md")
    gauges = dataset("hf://datasets", "tide/gauges")

    assert [fact.key for fact in facts if isinstance(fact, Entity)] == [gauges]
    assert links(facts) == [(dataset("hf://datasets", "ocean/tides"), gauges, "source_datasets")]


def test_an_adapter_names_its_base_and_a_path_of_some_machine_is_none():
    """`adapter_config.json` proves the base with its revision; `_name_or_path` of a folder says nothing."""
    facts = said(SAMPLES / "models" / "tide" / "surge-lora" / "adapter_config.json")
    (link,) = [fact for fact in facts if isinstance(fact, Link)]
    assert (link.source, link.target.name) == (SURGE, "tide/surge-lora")
    assert link.detail == {"relation": "adapter", "version": "0123456789abcdef0123456789abcdef01234567"}
    assert links(said(SAMPLES / "models" / "tide" / "surge" / "config.json")) == []


def test_the_hubs_cache_gives_id_and_revision(tmp_path):
    """`models--org--name/snapshots/<commit>` pins the version that was fetched."""
    place = f"models--tide--surge/snapshots/{'a' * 40}/README.md"
    facts = said(write(tmp_path, place, "---\nlibrary_name: x\n---\n"))
    assert [fact.key.name for fact in facts if isinstance(fact, Entity)] == [
        "tide/surge",
        f"tide/surge/{'a' * 40}",
    ]
    assert [link[2] for link in links(facts)] == ["snapshot"]


def test_a_label_names_what_the_folders_do_not(tmp_path):
    """A card that was saved anywhere; and a hub of one's own is not the public one."""
    path = write(tmp_path, "README.md", "---\nbase_model: a/b\n---\n")
    facts = said(path, repository="tide/surge", instance="hub.example")
    assert links(facts) == [
        (Key(Kind.MODEL, "huggingface:hub.example", "a/b"),
         Key(Kind.MODEL, "huggingface:hub.example", "tide/surge"), "base_model")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("---\nbase_model: a/b\n---\n# x", True),
        ("\ufeff---\r\npipeline_tag: text-generation\r\n---\r\n", True),
        ("---\nlicense: mit\nlanguage: en\n---\n", True),
        ("# A project\n\nbase_model: a/b\n", False),
        ("---\ntitle: A page\nlayout: post\ndate: 2026-01-01\n---\n", False),
        ("---\nlicense: mit\n---\n", False),
        ("# Title\n\n---\nbase_model: a/b\n---\n", False),
        ("---\n\nbase_model is a word here\n", False),
        ("---\nno end: of it\n", False),
        ("", False),
    ],
)
def test_only_cards_are_claimed(text, claimed):
    """Front matter of blogs, rules across a page and projects without any are other people's."""
    assert (huggingface.recognises(Sample("README.md", text.encode())) > 0) is claimed


def test_samples_are_recognised():
    """Cards and configurations by their content; other JSON with a name such as config.json is not."""
    for path in sorted(path for path in SAMPLES.rglob("*") if path.is_file()):
        assert recognise(sample_of(file_input(path)))[0].NAME == "huggingface", path
    for value in (
        {},
        {"model_type": "x"},
        {"architectures": [], "name": 1},
        {"base_model_name_or_path": "a/b"},
        [1],
    ):
        assert huggingface.recognises(Sample("config.json", json.dumps(value).encode())) == 0


@pytest.mark.parametrize(
    "text",
    [
        "---\nbase_model: [a/b\n---\n", "---\nbase_model: &a [*a]\n---\n", "---\n- base_model\n---\n",
        "---\nbase_model: a/b\nbase_model: c/d\n---\n", "---\nbase_model: !!python/object:os.system x\n---\n",
    ],
)  # fmt: skip
def test_broken_front_matter_is_a_problem(tmp_path, text):
    """The card is rejected with the reason, and nothing of it is stated."""
    facts = said(write(tmp_path, "o/m/README.md", text))
    assert [type(fact) for fact in facts] == [Problem]
    assert facts[0].reason


@pytest.mark.parametrize(
    "card",
    [
        "base_model: {x: [1]}\ndatasets: 7\nmodel-index: 3", "base_model: [[], {}, {name: a/b}, '', ~]",
        "model-index:\n- results:\n  - metrics: 9\n    dataset: {type: a/b}\n  - 7\n- x",
        "base_model: '../../etc'\nbase_model_relation: [x]", "datasets: ['a/b/c', 'x y', '..']\nlibrary_name: 1",
        "task_categories: 8\nsource_datasets: {a: b}",
    ],
)  # fmt: skip
def test_odd_values_cost_themselves_only(tmp_path, card):
    """The thing is known, the value is passed over or named; nothing fails."""
    facts = said(write(tmp_path, "o/m/README.md", f"---\n{card}\n---\n"))
    assert [fact for fact in facts if isinstance(fact, Entity)]
    assert all(not fact.fatal for fact in facts if isinstance(fact, Problem))


@pytest.mark.parametrize("raw", [b"", b"7", b"{}", b'{"id": []}', b'{"id": "a/b"}', b'{"id": "a/b", "config": "[1]"}',
                                 b'{"id": "a/b", "config": "{"}', b'{"id": "a/b", "card": 7}'])  # fmt: skip
def test_odd_records_are_problems(raw):
    """Nothing is stated of a record that is not ours."""
    assert [type(fact) for fact in huggingface.read(Record(raw), Origin("x"))] == [Problem]


def test_a_space_is_no_model(tmp_path):
    """The card of an application is left out, and it is said why."""
    facts = said(write(tmp_path, "o/m/README.md", "---\nsdk: gradio\nlicense: mit\ntags: [x]\n---\n"))
    assert facts == [Filtered("space")]


def test_the_corpus_says_what_its_cards_do(corpus, tmp_path):
    """By eye: churn-bert comes from distilbert and the tickets (accuracy 0.91 on test), churn-merge from two models."""
    with lineage.open(tmp_path / "a.trail") as workspace:
        answer = workspace.import_([corpus / "ml" / "huggingface"])
        assert [(item["source"], item["accepted"], item["problems"]) for item in answer.items] == [
            ("huggingface", 1, 0)
        ] * 3
        assert workspace.import_([corpus / "ml" / "huggingface"]).items[0]["accepted"] == 0
        edges = {(edge["from"].split("|")[-1], edge["to"].split("|")[-1])
                 for edge in workspace.trace("halden/churn-merge").items[0]["edges"]}  # fmt: skip
        assert edges >= {
            ("halden/churn-bert", "halden/churn-merge"),
            ("halden/churn-roberta", "halden/churn-merge"),
        }
    facts = said(corpus / "ml" / "huggingface" / "halden" / "churn-bert" / "README.md")
    (result,) = [fact for fact in facts if isinstance(fact, Link) and fact.type is Relation.EVALUATED]
    assert (result.source, result.detail["metric"], result.detail["value"]) == (
        dataset("hf://datasets", "halden/support-tickets"), "accuracy", 0.91,
    )  # fmt: skip
