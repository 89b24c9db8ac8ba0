"""Names of datasets: what is one place, what lies inside another, what is only alike."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineage.identity.canonical import canonical, spellings, verdict
from lineage.model.facts import Key
from lineage.model.naming import column, dataset, dataset_at
from lineage.model.vocabulary import Kind

CORPUS = Path(os.environ.get("MODELTRAIL_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
PAIRS = CORPUS / "ml" / "identity" / "pairs.json"


def key_of(side: dict[str, str]) -> Key:
    """Build the key that the producer's reader makes of the fields of one side of a pair."""
    source = side["source"]
    if source == "openlineage":
        return dataset(side["namespace"], side["name"])
    if source == "kedro":
        return dataset_at(side["filepath"])
    if source == "dvc":
        return dataset(f"dvc:{side['repo']}", side["path"])
    if source == "bentoml":
        return Key(Kind.MODEL_VERSION, "mlflow", side["metadata_mlflow_model_uri"].removeprefix("models:/"))
    if source == "mlflow":
        if "registered_model" in side:
            return Key(
                Kind.MODEL_VERSION, "mlflow:halden/default", f"{side['registered_model']}/{side['version']}"
            )
        said = json.loads(side["dataset_source"])
        if "delta_table_name" in said:
            return dataset("delta", said["delta_table_name"])
        return dataset_at(said.get("uri") or said["url"])
    kind = side["kind"].removesuffix("_options")
    if kind == "file":
        return dataset_at(side["uri"])
    if kind == "bigquery":
        return dataset("bigquery", side["table"])
    if kind == "kafka":
        return dataset(f"kafka://{side['bootstrap']}", side["topic"])
    return dataset(kind, f"{side['database']}.{side['schema']}.{side['table']}")


VERDICTS = {"part of": "part-of", "candidate": "candidate", "different": "different", "same": "same"}


@pytest.mark.corpus
@pytest.mark.skipif(not PAIRS.exists(), reason="the shared corpus is not here")
def test_every_pair_of_the_corpus_gets_its_verdict():
    """The pairs were judged by hand; a copied model version is linked, so its names are no more than candidates."""
    pairs = json.loads(PAIRS.read_text())["pairs"]
    assert len(pairs) == 12
    for pair in pairs:
        expected = next(word for start, word in VERDICTS.items() if pair["verdict"].startswith(start))
        if "link, not merge" in pair["verdict"]:
            expected = "candidate"
        a, b = key_of(pair["a"]), key_of(pair["b"])
        assert verdict(a, b) == expected, pair
        assert verdict(b, a) == expected, pair


@pytest.mark.parametrize(
    ("spelled", "namespace", "name"),
    [
        ("s3://lake/daily/", "s3://lake", "daily"),
        ("s3a://lake/daily", "s3://lake", "daily"),
        ("s3n://LAKE/Daily", "s3://lake", "Daily"),
        ("S3://lake//daily//", "s3://lake", "daily"),
        ("gcs://b/x.csv", "gs://b", "x.csv"),
        ("wasbs://box@Acc.blob.core.windows.net/a", "abfss://box@acc.dfs.core.windows.net", "a"),
        ("wasb://box@acc.blob.core.windows.net/a", "abfss://box@acc.dfs.core.windows.net", "a"),
        ("abfs://box@acc.dfs.core.windows.net/a/", "abfss://box@acc.dfs.core.windows.net", "a"),
        (
            "https://acc.blob.core.windows.net/box/a/b.csv?sv=1&sig=x",
            "abfss://box@acc.dfs.core.windows.net",
            "a/b.csv",
        ),
        ("https://lake.s3.amazonaws.com/a/b", "s3://lake", "a/b"),
        ("https://my.lake.s3.eu-west-1.amazonaws.com/a%20b", "s3://my.lake", "a b"),
        ("https://lake.s3-eu-west-1.amazonaws.com/a", "s3://lake", "a"),
        ("https://s3.eu-west-1.amazonaws.com/lake/a/b", "s3://lake", "a/b"),
        ("https://s3.amazonaws.com/lake/a", "s3://lake", "a"),
        ("https://storage.googleapis.com/b/a", "gs://b", "a"),
        ("https://Data.Example:443/x%20y.csv", "https://data.example", "x y.csv"),
        ("https://data.example/a%2Fb", "https://data.example", "a%2Fb"),
        ("file:///tmp/a%20b.csv", "file", "/tmp/a b.csv"),
        ("/tmp//a b.csv", "file", "/tmp/a b.csv"),
        ("C:\\data\\a.csv", "file", "/C:/data/a.csv"),
        ("file:///c:/data/a.csv", "file", "/C:/data/a.csv"),
        ("dbfs:/mnt/a/", "dbfs", "/mnt/a"),
        ("dbfs:///mnt/a", "dbfs", "/mnt/a"),
        ("hdfs://NN:8020/user/x/", "hdfs://nn:8020", "user/x"),
    ],
)
def test_uris_have_one_form(spelled, namespace, name):
    """Each spelling of a place ends in the same key (sources-ml 6, sources-ops 7)."""
    assert canonical(dataset_at(spelled)).key == dataset(namespace, name)


@pytest.mark.parametrize(
    ("given_namespace", "given_name", "namespace", "name"),
    [
        (
            "s3://test-bucket",
            "/iceberg_warehouse/db/people",
            "s3://test-bucket",
            "iceberg_warehouse/db/people",
        ),
        ("hdfs://m", "/user/hive/warehouse/t1", "hdfs://m", "user/hive/warehouse/t1"),
        ("hdfs://m/user/hive/warehouse", "default.t1", "hdfs://m/user/hive/warehouse", "default.t1"),
        ("file:/tmp/cll_test", "default.tbl1", "file:/tmp/cll_test", "default.tbl1"),
        ("file.localhost", "file://localhost/in_file1.txt", "file", "/in_file1.txt"),
        ("file://", "/tmp/a", "file", "/tmp/a"),
        ("postgresql://db", "Shop.public.Orders", "postgres://db:5432", "shop.public.orders"),
        ("postgres://user:secret@DB:5433", "shop.public.orders", "postgres://db:5433", "shop.public.orders"),
        ("postgres://db:5432", 'shop.public."Orders"', "postgres://db:5432", 'shop.public."Orders"'),
        ("postgres://db:5432", 'shop.public."orders"', "postgres://db:5432", "shop.public.orders"),
        ("snowflake://ORG-ACC", "main.support.tickets", "snowflake://org-acc", "MAIN.SUPPORT.TICKETS"),
        ("snowflake://org-acc.snowflakecomputing.com", "a.b.c", "snowflake://org-acc", "A.B.C"),
        ("bigquery", "P-1.Billing.Invoices", "bigquery", "P-1.Billing.Invoices"),
        ("hive://H:9083", "Default.T1", "hive://h:9083", "default.t1"),
        (
            "redshift://c.abc1.eu-north-1.redshift.amazonaws.com:5439",
            "D.P.U",
            "redshift://c.eu-north-1:5439",
            "d.p.u",
        ),
        ("arn:aws:glue:eu-west-1:1", "table/Db/T", "arn:aws:glue:eu-west-1:1", "table/db/t"),
        ("arn:aws:glue:eu-west-1:1", "Db.T", "arn:aws:glue:eu-west-1:1", "table/db/t"),
        ("food_delivery", "public.Categories", "food_delivery", "public.Categories"),
        ("duckdb://Jaffle.duckdb", "Jaffle.main.orders", "duckdb://Jaffle.duckdb", "Jaffle.main.orders"),
        ("inmemory://", "x", "inmemory://", "x"),
        # Airflow's assets name tables by paths (providers' `convert_asset_to_openlineage`).
        ("postgres://db", "shop/public/Orders", "postgres://db:5432", "shop.public.orders"),
        ("mysql://db:3306", "/shop/orders", "mysql://db:3306", "shop.orders"),
        ("bigquery://p-1", "Billing/Invoices$20260101", "bigquery", "p-1.Billing.Invoices"),
    ],
)
def test_names_of_openlineage_have_one_form(given_namespace, given_name, namespace, name):
    """Spellings that real producers were seen to write (sources-ops 1), and the databases' own folding of case."""
    assert canonical(dataset(given_namespace, given_name)).key == dataset(namespace, name)


def test_keys_of_object_stores_are_never_percent_decoded():
    """`tx%20daily` and `tx daily` are two keys of one bucket."""
    assert verdict(dataset_at("s3://lake/tx%20daily"), dataset_at("s3://lake/tx daily")) == "different"


def test_composed_and_decomposed_letters_are_one_name():
    """NFC: an e with an accent is the same name however it was typed."""
    assert verdict(dataset_at("s3://lake/caf\u00e9"), dataset_at("s3://lake/cafe\u0301")) == "same"


@pytest.mark.parametrize(
    ("name", "logical", "version"),
    [
        ("daily/dt=2026-06-01/part-0.parquet", "daily", "dt=2026-06-01/part-0.parquet"),
        ("daily/part-00000-1b2c-c000.snappy.parquet", "daily", "part-00000-1b2c-c000.snappy.parquet"),
        ("daily/part-r-00001", "daily", "part-r-00001"),
        ("daily/000000_0", "daily", "000000_0"),
        ("daily/_delta_log/00000.json", "daily", "_delta_log/00000.json"),
        ("daily/*.parquet", "daily", "*.parquet"),
        ("year=2026/month=6", "/", "year=2026/month=6"),
        ("daily/partners.parquet", "daily/partners.parquet", ""),
        ("support/tickets.parquet", "support/tickets.parquet", ""),
        ("part-0.parquet", "part-0.parquet", ""),
    ],
)
def test_partitions_and_part_files_are_versions_of_the_dataset_above(name, logical, version):
    """The logical dataset is what stands before the first `key=value` segment or part file (rule 5)."""
    place = canonical(dataset("s3://lake", name))
    assert (place.key.name, place.version) == (logical, version)
    assert place.raw.name == name


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("s3://lake/daily", "s3://lake/daily/data.parquet", "part-of"),
        ("s3://lake/daily", "s3://lake/daily_eu", "different"),
        ("s3://lake/v1", "s3://lake/v10", "different"),
        ("s3://lake/daily/dt=1", "s3://lake/daily/dt=2", "same"),
        ("s3://lake/daily/dt=1", "s3://lake/daily/dt=1/part-0", "part-of"),
        ("s3://lake", "s3://lake/daily", "candidate"),
        ("s3://lake/a", "gs://lake/a", "different"),
        ("s3://lake/a", "s3://lake2/a", "different"),
    ],
)
def test_places_compare_by_segment(a, b, expected):
    """A path is compared by its segments, never by its letters; a bucket alone is not taken for a dataset."""
    assert verdict(dataset_at(a), dataset_at(b)) == expected
    assert verdict(dataset_at(b), dataset_at(a)) == expected


def test_tables_without_their_server_or_database_are_candidates():
    """What proves that two tables are one is missing, so a person has to say so."""
    full = dataset("postgres://db:5432", "shop.public.orders")
    assert verdict(full, dataset("postgres://db:5432", "public.orders")) == "candidate"
    assert verdict(full, dataset("postgres", "shop.public.orders")) == "candidate"
    assert verdict(full, dataset("postgres://other:5432", "shop.public.orders")) == "different"
    assert verdict(full, dataset("postgres://db:5432", "orders")) == "different"
    locator = dataset("snowflake://xy12345.eu-central-1.aws", "A.B.C")
    assert verdict(locator, dataset("snowflake://org-acc", "A.B.C")) == "candidate"
    assert (
        verdict(dataset("snowflake://org-two", "A.B.C"), dataset("snowflake://org-acc", "A.B.C"))
        == "different"
    )


def test_bootstrap_servers_are_one_cluster_in_any_order():
    """A list of servers says that they are one cluster."""
    listed = dataset("kafka://B:9092, a:9092", "calls")
    assert canonical(listed).key == canonical(dataset("kafka://a:9092,b:9092", "calls")).key
    assert spellings(listed) == (dataset("kafka://a:9092", "calls"), dataset("kafka://b:9092", "calls"))
    assert spellings(dataset("kafka://a:9092", "calls")) == ()


def test_a_column_follows_its_dataset():
    """A column of a partition is the column of the dataset."""
    place = canonical(column(dataset_at("s3a://lake/daily/dt=1"), "Amount"))
    assert place.key == column(dataset("s3://lake", "daily"), "Amount")
    assert place.version == "dt=1"


def test_other_kinds_stay_as_they_are():
    """Only datasets have places; a model called like a URI keeps its name."""
    key = Key(Kind.MODEL, "mlflow:Prod/default", "S3A://x/")
    assert canonical(key) == (key, "", key)


SCHEMES = [
    "s3a://",
    "s3://",
    "gs://",
    "abfss://c@a.dfs.core.windows.net",
    "wasb://",
    "hdfs://",
    "file",
    "file://",
]
SCHEMES += [
    "https://",
    "https://s3.amazonaws.com",
    "https://a.blob.core.windows.net",
    "kafka://",
    "snowflake://",
]
SCHEMES += [
    "postgresql://",
    "redshift://",
    "bigquery",
    "hive://",
    "arn:aws:glue:r:1",
    "dbfs",
    "",
    "file:",
    "x:",
]
TEXT = st.text(st.sampled_from('abAB/:.%2025F=*$"@,?#\\ é\u0301_-1'), max_size=24) | st.text(max_size=12)


@given(st.sampled_from(SCHEMES), TEXT, TEXT)
@example("https://", "h", "%%34%31")
@example("https://", "h", "%2520")
@example("https://s3.amazonaws.com", "", "b/a%252F")
@example("file", "", "C:\\a")
def test_the_canonical_form_is_stable(scheme, place, name):
    """Applying the rules to a canonical key changes nothing, whatever the name looks like."""
    once = canonical(dataset(scheme + place, name))
    again = canonical(once.key)
    assert again.key == once.key
    assert again.version == ""
    assert verdict(once.raw, once.raw) == "same"


KEYS = st.builds(
    lambda scheme, place, name: dataset(scheme + place, name), st.sampled_from(SCHEMES), TEXT, TEXT
)


@given(KEYS, KEYS)
def test_a_verdict_does_not_depend_on_the_side(a, b):
    """Which of two names is asked first makes no difference."""
    assert verdict(a, b) == verdict(b, a)
