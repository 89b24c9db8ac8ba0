"""From what a target was told to run to the registered model version: all fourteen rules and the policy over them."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path

import pytest

from lineage.identity.registry import AliasSpan, Registry, VersionRow, resolve
from lineage.model.facts import Claim, Component, Key, Workload
from lineage.model.moment import Moment, exactly, parse
from lineage.model.vocabulary import Kind

CORPUS = Path(os.environ.get("MODELTRAIL_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
STORE = CORPUS / "ml" / "mlflow" / "server-3.17" / "mlflow.db"
PROD = "mlflow:prod/default"
DIGEST = "sha256:" + "ab" * 32
LOGGED = "m-" + "1f" * 16
RUN = "2e" * 16
COMMIT = "4be1c0de" * 5
NOW = parse("2026-06-01T00:00:00Z").lo


def row(name, namespace=PROD, **more):
    """Return the version `<model>/<version>` of a registry."""
    model, _, version = name.rpartition("/")
    return VersionRow(Key(Kind.MODEL_VERSION, namespace, name), model, version, namespace, **more)


FRAUD = [
    row("fraud/1", storage_location="s3://models/fraud/v1", created_at=exactly(1_000)),
    row("fraud/10", storage_location="s3://models/fraud/v10", created_at=exactly(10_000)),
    row(
        "fraud/11",
        storage_location=f"s3://mlflow/1/models/{LOGGED}/artifacts",
        source=f"models:/{LOGGED}",
        run_id=RUN,
        tags={"image_digest": DIGEST, "mlflow.source.git.commit": COMMIT},
        created_at=exactly(11_000),
    ),
    row("fraud-eu/1", storage_location="s3://models/fraud-eu/v1", created_at=exactly(1_000)),
    row("churn/3", storage_location="gs://models/churn.3/", created_at=exactly(3_000)),
]


def part(uri="", *claims, image="", env=None):
    """Return a part of a workload with these claims (kind, value)."""
    return Component(
        "predictor", uri, image, None, tuple(Claim(kind, value, "test") for kind, value in claims), env or {}
    )


def tied(component, rows=FRAUD, at=NOW, spans=(), confirmed=None, **workload):
    """Tie `component` to the versions of `rows`."""
    return resolve(
        component, Workload("kserve", (component,), **workload), at, Registry(rows, spans, confirmed)
    )


@pytest.mark.parametrize(
    ("component", "name", "rule", "confidence"),
    [
        (part("", ("model-uri", "models:/fraud/10")), "fraud/10", "model-uri", "exact"),
        (part("mlflow://fraud/1"), "fraud/1", "model-uri", "exact"),
        (part(env={"MLSERVER_MODEL_URI": "models:/churn/3"}), "churn/3", "model-uri", "exact"),
        (part("", ("registry-label", "fraud/10")), "fraud/10", "registry-label", "strong"),
        (part("model-registry://fraud/10"), "fraud/10", "registry-label", "strong"),
        (
            part("", ("model-package", "arn:aws:sagemaker:eu-west-1:123456789012:model-package/fraud/10")),
            "fraud/10",
            "model-package",
            "exact",
        ),
        (
            part(
                "", ("model-package", "arn:aws:sagemaker:eu-west-1:123456789012:model-package/fraud-0a1b2c/1")
            ),
            "fraud/1",
            "model-package",
            "exact",
        ),
        (part(image=f"registry.example/serve@{DIGEST}"), "fraud/11", "image-digest", "exact"),
        (part("s3a://Models/fraud/v10/"), "fraud/10", "artifact-uri", "exact"),
        (part("https://models.s3.eu-west-1.amazonaws.com/fraud/v1"), "fraud/1", "artifact-uri", "exact"),
        (part("https://storage.googleapis.com/models/churn%2E3"), "churn/3", "artifact-uri", "exact"),
        (part("s3://models/fraud/v10/MLmodel"), "fraud/10", "artifact-uri", "exact"),
        (part("s3://models/fraud/v10/onnx/model.onnx"), "fraud/10", "artifact-uri-below", "strong"),
        (part(f"s3://copies/x/{LOGGED}/artifacts"), "fraud/11", "run-or-logged-model-id", "strong"),
        (part(f"runs:/{RUN}/model"), "fraud/11", "run-or-logged-model-id", "strong"),
        (part(f"models:/{LOGGED}"), "fraud/11", "run-or-logged-model-id", "strong"),
        (part(f"mlflow-artifacts:/1/{RUN}/artifacts/model"), "fraud/11", "run-or-logged-model-id", "strong"),
        (
            part(f"http://mlflow:5000/api/2.0/mlflow-artifacts/artifacts/1/models/{LOGGED}/artifacts"),
            "fraud/11",
            "run-or-logged-model-id",
            "strong",
        ),
        (part(env={"RUN": RUN}), "fraud/11", "run-or-logged-model-id", "strong"),
        (part("", ("logged-model-id", LOGGED)), "fraud/11", "run-or-logged-model-id", "strong"),
        (
            part("", ("cloud-registry-id", "projects/p/locations/l/models/fraud@10")),
            "fraud/10",
            "cloud-registry-id",
            "exact",
        ),
        (part("azureml://registries/r/models/fraud/versions/1"), "fraud/1", "cloud-registry-id", "exact"),
        (part("gs://elsewhere/fraud/0010"), "fraud/10", "path-convention", "medium"),
        (part("pvc://disk/fraud/v10/saved"), "fraud/10", "path-convention", "medium"),
        (part("", ("template-annotation", "fraud/10")), "fraud/10", "template-annotation", "medium"),
        (part("", ("version-label", "10"), ("name", "fraud")), "fraud/10", "template-annotation", "medium"),
        (part(image="registry.example:5000/team/fraud:10"), "fraud/10", "image-tag", "weak"),
        (part("", ("git-commit", COMMIT[:10])), "fraud/11", "git-commit", "weak"),
    ],
)
def test_each_rule_finds_its_version(component, name, rule, confidence):
    """Every row of the table in sources-ops 7, with the confidence that stands there."""
    link = tied(component)
    assert link.version_key == Key(Kind.MODEL_VERSION, PROD, name), link
    assert (str(link.rule), link.confidence) == (rule, confidence)
    assert f"{link.model}/{link.version}" == name
    assert link.claim is not None
    assert not link.conflict
    assert link.candidates == ()


@pytest.mark.parametrize(
    ("uri", "model", "version"),
    [
        ("s3://models/fraud/v2", "fraud", "v2"),
        ("s3://models/fraud/v100", "fraud", "v100"),
        ("s3://models/fraud-us/v1", "s3://models/fraud-us/v1", ""),
        ("hf://org/fraud-detector", "hf://org/fraud-detector", ""),
        ("pvc://disk/saved", "pvc://disk/saved", ""),
        ("models:/unheard/4", "unheard", "4"),
        ("s3://models", "s3://models", ""),
    ],
)
def test_what_no_registry_has_stays_unresolved(uri, model, version):
    """`v1` is not `v10` nor `v100`, `fraud` is not `fraud-us`; an unknown model is called by its URI."""
    link = tied(part(uri))
    assert (link.version_key, str(link.rule), link.confidence) == (None, "unresolved", "none")
    assert (link.model, link.version, link.uri, link.candidates) == (model, version, uri, ())


@pytest.mark.parametrize(
    "component",
    [
        part("pvc://disk/fraud"),
        part("", ("name", "fraud")),
        part(image="registry.example/fraud:latest"),
        part(image="registry.example/fraud"),
        part("models:/fraud@champion"),
    ],
)
def test_only_a_name_gives_candidates(component):
    """Rule 14: the versions that there were at the time, none of them chosen."""
    link = tied(component, at=10_500)
    assert (link.version_key, str(link.rule), link.confidence, link.model) == (
        None,
        "unresolved",
        "none",
        "fraud",
    )
    assert [key.name for key in link.candidates] == ["fraud/1", "fraud/10"]


def test_a_lower_rule_never_overrides():
    """The path says version 1, the annotation says 10: the annotation decides, being a better ground."""
    link = tied(part("gs://elsewhere/fraud/1", ("model-uri", "models:/fraud/10")))
    assert link.version_key.name == "fraud/10"
    assert not link.conflict


def test_two_exact_grounds_that_disagree_are_a_conflict():
    """The annotation says 10, the artifact is that of 1: both stand in the answer, flagged."""
    link = tied(part("s3://models/fraud/v1", ("model-uri", "models:/fraud/10")))
    assert link.conflict
    assert (str(link.rule), link.version_key.name) == ("model-uri", "fraud/10")
    assert [key.name for key in link.candidates] == ["fraud/1", "fraud/10"]


def test_one_rule_at_odds_with_itself_chooses_nothing():
    """Two model URIs that name two versions: no version, both candidates."""
    link = tied(part("models:/fraud/1", ("model-uri", "models:/fraud/10")))
    assert link.conflict
    assert (link.version_key, link.confidence, link.model) == (None, "none", "fraud")
    assert [key.name for key in link.candidates] == ["fraud/1", "fraud/10"]


def test_naming_a_version_that_the_registry_lacks_is_a_conflict():
    """The annotation names fraud/9, which its registry does not have, while the artifact is that of fraud/1."""
    link = tied(part("s3://models/fraud/v1", ("model-uri", "models:/fraud/9")))
    assert link.conflict
    assert (str(link.rule), link.version_key.name) == ("artifact-uri", "fraud/1")


def test_a_person_decides_above_all_rules():
    """A recorded decision about what is served stands above an exact rule."""
    key = Key(Kind.MODEL_VERSION, PROD, "churn/3")
    link = tied(part("s3://models/fraud/v1"), confirmed={"s3://models/fraud/v1": key})
    assert (link.version_key, str(link.rule), link.confidence) == (key, "confirmed", "exact")


def test_one_name_in_two_registries_needs_a_label():
    """Two MLflow instances have a fraud/1: ambiguous, unless the workload names the instance or its host."""
    rows = [row("fraud/1", "mlflow:emea/default"), row("fraud/1", "mlflow:apac/default")]
    served = part("models:/fraud/1")
    link = tied(served, rows)
    assert (link.version_key, link.confidence, link.model, link.version) == (None, "none", "fraud", "1")
    assert [key.namespace for key in link.candidates] == ["mlflow:apac/default", "mlflow:emea/default"]
    assert not link.conflict
    named = tied(served, rows, labels={"mlflow.org/instance": "APAC"})
    assert (named.version_key.namespace, named.confidence) == ("mlflow:apac/default", "exact")
    rows = [
        row("fraud/1", "mlflow:mlflow.emea.example/default"),
        row("fraud/1", "mlflow:mlflow.apac.example/default"),
    ]
    served = part("models:/fraud/1", env={"MLFLOW_TRACKING_URI": "https://mlflow.emea.example:5000"})
    assert tied(served, rows).version_key.namespace == "mlflow:mlflow.emea.example/default"


def test_a_lower_rule_narrows_what_a_higher_one_leaves_open():
    """The name is in two registries, the artifact lies in one of them."""
    rows = [
        row("fraud/1", "mlflow:emea/default", storage_location="s3://emea/f1"),
        row("fraud/1", "mlflow:apac/default", storage_location="s3://apac/f1"),
    ]
    link = tied(part("s3://apac/f1", ("model-uri", "models:/fraud/1")), rows)
    assert (link.version_key.namespace, str(link.rule)) == ("mlflow:apac/default", "model-uri")


def test_versions_that_share_an_artifact_are_all_listed():
    """A copy-promotion has the original's location: before the copy was made, it can only be the original."""
    rows = [
        row("fraud/3", storage_location="s3://m/f3", created_at=exactly(100), run_id=RUN),
        row("fraud-prod/1", storage_location="s3://m/f3", created_at=exactly(200), run_id=RUN),
    ]
    link = tied(part("s3://m/f3"), rows)
    assert (link.version_key, link.confidence, str(link.rule)) == (None, "none", "artifact-uri")
    assert [key.name for key in link.candidates] == ["fraud/3", "fraud-prod/1"]
    assert link.run_id == RUN
    assert tied(part("s3://m/f3"), rows, at=150).version_key.name == "fraud/3"
    assert tied(part("s3://m/f3", ("model-uri", "models:/fraud-prod/1")), rows).conflict is False


def test_a_deleted_version_is_still_found_and_flagged():
    """MLflow redacts source and run of a deleted version but keeps its location (sources-ops 0.6)."""
    gone = row(
        "fraud/5",
        storage_location="s3://models/fraud/v5",
        source="REDACTED-SOURCE-PATH",
        run_id="REDACTED-RUN-ID",
        deleted=True,
    )
    link = tied(part("s3://models/fraud/v5"), [*FRAUD, gone])
    assert (link.version_key.name, link.deleted, link.run_id) == ("fraud/5", True, "")


MODEL = Key(Kind.MODEL, PROD, "fraud")


def span(version, since, until=None):
    """Return where the alias champion stood."""
    return AliasSpan(MODEL, "champion", version, since, until)


def test_an_alias_means_where_it_stood_when_the_target_was_deployed():
    """Seen on 1 until 2,000, on 10 from 12,000 on: sure outside the gap, "1 or 10" inside it."""
    spans = [
        span("1", Moment(1_000, 1_500), Moment(2_000, 12_000)),
        span("10", Moment(2_000, 12_000)),
    ]
    served = part("mlflow://fraud@Champion")
    early, late = tied(served, spans=spans, at=1_900), tied(served, spans=spans, at=12_000)
    assert (early.version_key.name, str(early.rule), early.confidence) == ("fraud/1", "alias", "medium")
    assert (late.version_key.name, late.confidence) == ("fraud/10", "medium")
    inside = tied(served, spans=spans, at=11_000)
    assert (inside.version_key, inside.confidence, inside.model) == (None, "none", "fraud")
    assert [key.name for key in inside.candidates] == ["fraud/1", "fraud/10"]
    impossible = tied(served, spans=spans, at=9_000)
    assert impossible.version_key.name == "fraud/1", "version 10 was made at 10,000"


def test_before_it_was_ever_seen_an_alias_may_have_stood_elsewhere():
    """One listing at 12,000 shows the alias on 10: at 11,000 it is believed to be 10, but 1 was there too."""
    link = tied(part("models:/fraud@champion"), spans=[span("10", Moment(0, 12_000))], at=10_500)
    assert (link.version_key.name, link.confidence, link.conflict) == ("fraud/10", "medium", False)
    assert [key.name for key in link.candidates] == ["fraud/1", "fraud/10"]
    seen = tied(part("models:/fraud@champion"), spans=[span("10", Moment(0, 12_000))], at=12_000)
    assert (seen.version_key.name, seen.candidates) == ("fraud/10", ())


def test_an_alias_set_by_a_dated_event_is_strong():
    """Exact times on both sides are evidence, where a mere listing is medium (sources-ops 7, rule 9)."""
    spans = [span("1", exactly(1_500), exactly(12_000)), span("10", exactly(12_000))]
    link = tied(part("models:/fraud@champion"), spans=spans, at=11_999)
    assert (link.version_key.name, link.confidence) == ("fraud/1", "strong")
    assert tied(part("models:/fraud@champion"), spans=spans, at=12_000).version_key.name == "fraud/10"


def test_stages_and_latest_are_resolved_at_the_time():
    """`latest` on a day is the newest version of that day; a stage is where it was last seen."""
    rows = [
        row("fraud/1", created_at=exactly(1_000), stage="Production"),
        row("fraud/2", created_at=exactly(2_000)),
    ]
    staged = tied(part("models:/fraud/Production"), rows)
    assert (staged.version_key.name, str(staged.rule), staged.confidence) == ("fraud/1", "alias", "medium")
    assert tied(part("models:/fraud/latest"), rows, at=1_999).version_key.name == "fraud/1"
    assert tied(part("models:/fraud/latest"), rows, at=2_000).version_key.name == "fraud/2"


def test_a_run_with_two_versions_is_undecided_unless_the_path_tells():
    """Rule 7: "else of that run, if exactly one"."""
    rows = [
        row("a/1", source=f"runs:/{RUN}/forest", run_id=RUN),
        row("b/1", source=f"runs:/{RUN}/linear", run_id=RUN),
    ]
    both = tied(part(f"s3://copy/{RUN}/artifacts"), rows)
    assert (both.version_key, len(both.candidates), both.run_id) == (None, 2, RUN)
    assert tied(part(f"runs:/{RUN}/linear"), rows).version_key.name == "b/1"


def test_the_order_of_the_rows_changes_nothing():
    """The registry is a set: any order of import gives the same links."""
    served = [part("s3://models/fraud/v1"), part("", ("name", "fraud")), part("models:/fraud/latest")]
    expected = [tied(one) for one in served]
    shuffled = list(FRAUD)
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)
        assert [tied(one, shuffled) for one in served] == expected


def stored_versions():
    """Read the versions of the corpus's MLflow 3.17 store."""
    connection = sqlite3.connect(f"file:{STORE}?mode=ro&immutable=1", uri=True)
    try:
        stored = connection.execute(
            "select name, version, source, run_id, storage_location, current_stage, creation_time from model_versions"
        ).fetchall()
        aliases = connection.execute("select name, version, alias from registered_model_aliases").fetchall()
    finally:
        connection.close()
    return [
        row(
            f"{name}/{version}",
            "mlflow:halden/default",
            source=source,
            run_id=run or "",
            storage_location=place,
            stage=stage,
            created_at=exactly(created * 1000),
            deleted=stage == "Deleted_Internal",
            aliases=tuple(alias for model, number, alias in aliases if (model, number) == (name, version)),
        )
        for name, version, source, run, place, stage, created in stored
    ]


@pytest.mark.corpus
@pytest.mark.skipif(not STORE.exists(), reason="the shared corpus is not here")
def test_the_store_of_the_corpus_is_linked_as_it_says_itself():
    """Expected values read with sqlite3 from model_versions and registered_model_aliases of server-3.17/mlflow.db.

    Version 3's logged model is shared by churn-classifier-prod/1 (a copy made on 2026-06-16T09:00:02Z), version 5 is
    deleted and its storage_location still names run 4cfcd3ef..., version 6 was uploaded to S3 without a run.
    """
    rows = stored_versions()
    may, july = parse("2026-06-01T00:00:00Z").lo, parse("2026-07-01T00:00:00Z").lo
    third = part("s3://halden-mlflow/1/models/m-39275c74803142a880591127b07f77e0/artifacts/model.skops")
    assert tied(third, rows, at=may).version_key.name == "churn-classifier/3"
    assert [key.name for key in tied(third, rows, at=july).candidates] == [
        "churn-classifier/3",
        "churn-classifier-prod/1",
    ]
    deleted = tied(part("runs:/4cfcd3ef5b544e42be620d5835745e31/churn_lr_small"), rows, at=july)
    assert (deleted.version_key.name, deleted.deleted) == ("churn-classifier/5", True)
    by_hand = tied(part("s3a://halden-models/manual/churn-2026-06-10/"), rows, at=july)
    assert (by_hand.version_key.name, str(by_hand.rule)) == ("churn-classifier/6", "artifact-uri")
    champion = tied(part("models:/churn-classifier@champion"), rows, at=july)
    assert (champion.version_key.name, champion.confidence) == ("churn-classifier/3", "medium")
    assert (
        tied(part("models:/churn-classifier/Production"), rows, at=july).version_key.name
        == "churn-classifier/2"
    )
