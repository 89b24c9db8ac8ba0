import hashlib
import json
import os
import sqlite3
from calendar import timegm
from io import BytesIO
from pathlib import Path
from time import strptime

import msgspec
import pytest

from lineage.identity.canonical import verdict
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Coverage, Entity, Happened, Key, Link
from lineage.model.moment import parse, to_iso
from lineage.model.naming import dataset, dataset_at
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import feast, mlflow
from lineage.sources._feast_places import place
from lineage.sources._feast_shapes import DUMPED, KINDS, TABLES
from lineage.sources._feast_wire import MAX_DEPTH, SOURCE_TYPES, STATES, TYPES, walk
from lineage.text import MalformedError

ROOT = Path(__file__).resolve().parents[3]
DUMP = ROOT / "tests" / "sources" / "feast" / "registry-dump.json"
STORE = ROOT / "tests" / "sources" / "mlflow" / "store.sql"
CORPUS = Path(os.environ.get("MODELTRAIL_CORPUS") or ROOT.parent / "shared" / "corpus")
HALDEN = CORPUS / "ml" / "feast"
needs_corpus = pytest.mark.skipif(not HALDEN.is_dir(), reason="the corpus is not here")

# Protobuf field numbers of feast-dev/feast, protos/feast/core, written down apart from those of the reader.
META = {"createdTimestamp": 1, "lastUpdatedTimestamp": 2}
FEATURE = {"name": 1, "valueType": 2, "tags": 3, "description": 4}
SOURCE = {
    "type": 1,
    "fieldMapping": 2,
    "timestampField": 3,
    "name": 20,
    "project": 21,
    "description": 23,
    "tags": 24,
    "owner": 25,
    "fileOptions": (11, {"uri": 2}),
    "kafkaOptions": (13, {"kafkaBootstrapServers": 1, "topic": 2}),
    "requestDataOptions": (18, {"schema": (3, FEATURE)}),
    "snowflakeOptions": (19, {"table": 1, "schema": 3, "database": 4}),
    "pushOptions": (22, {}),
    "meta": (50, {"createdTimestamp": 3, "lastUpdatedTimestamp": 4}),
}
SOURCE["batchSource"] = (26, SOURCE)
VIEW_META = {
    **META,
    "materializationIntervals": (3, {"startTime": 1, "endTime": 2}),
    "currentVersionNumber": 4,
}
FUNCTION = {"name": 1, "body": 2, "bodyText": 3}
PROJECTION = {
    "featureViewName": 1,
    "featureColumns": (2, FEATURE),
    "featureViewNameAlias": 3,
    "joinKeyMap": 4,
}
VIEW = {
    "name": 1,
    "project": 2,
    "entities": 3,
    "features": (4, FEATURE),
    "tags": 5,
    "ttl": 6,
    "batchSource": (7, SOURCE),
    "online": 8,
    "owner": 11,
}
STREAM = {
    "name": 1,
    "project": 2,
    "entities": 3,
    "features": (4, FEATURE),
    "batchSource": (10, SOURCE),
    "streamSource": (11, SOURCE),
    "userDefinedFunction": (13, FUNCTION),
    "disabled": 23,
}
ON_DEMAND = {
    "name": 1,
    "project": 2,
    "features": (3, FEATURE),
    "sources": (4, {"requestDataSource": (2, SOURCE), "featureViewProjection": (3, PROJECTION)}),
    "featureTransformation": (10, {"userDefinedFunction": (1, FUNCTION)}),
}
LABEL = {
    "name": 1,
    "project": 2,
    "entities": 3,
    "features": (4, FEATURE),
    "source": (7, SOURCE),
    "labelerField": 12,
    "referenceFeatureView": 15,
}
SERVICE = {"name": 1, "project": 2, "features": (3, PROJECTION), "owner": 6}
SAVED = {"name": 1, "project": 2, "features": 3, "storage": (6, {"fileStorage": (4, {"uri": 2})})}
ENTITY = {"name": 1, "valueType": 2, "joinKey": 4, "project": 9}
# The list of the dump: the field of Registry, the table and column prefix of the SQL registry, the message.
OBJECTS = {
    "entities": (1, "entities", "entity", {"spec": (1, ENTITY), "meta": (2, META)}),
    "featureViews": (6, "feature_views", "feature_view", {"spec": (1, VIEW), "meta": (2, VIEW_META)}),
    "featureServices": (7, "feature_services", "feature_service", {"spec": (1, SERVICE), "meta": (2, META)}),
    "onDemandFeatureViews": (
        8,
        "on_demand_feature_views",
        "feature_view",
        {"spec": (1, ON_DEMAND), "meta": (2, META)},
    ),
    "savedDatasets": (11, "saved_datasets", "saved_dataset", {"spec": (1, SAVED), "meta": (2, META)}),
    "dataSources": (12, "data_sources", "data_source", SOURCE),
    "streamFeatureViews": (
        14,
        "stream_feature_views",
        "feature_view",
        {"spec": (1, STREAM), "meta": (2, VIEW_META)},
    ),
    "labelViews": (19, "label_views", "feature_view", {"spec": (1, LABEL), "meta": (2, META)}),
}
WORDS = {word: number for words in (TYPES, SOURCE_TYPES, STATES) for number, word in words.items()}


def varint(number):
    """A number as protobuf writes it."""
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def part(number, value):
    """One field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def when(text):
    """A time as a protobuf Timestamp."""
    return part(1, timegm(strptime(text, "%Y-%m-%dT%H:%M:%SZ")))


def message(item, shape):
    """An object of the dump as the protobuf message it came from."""
    out = b""
    for name, value in item.items():
        number, inner = shape[name] if isinstance(shape[name], tuple) else (shape[name], None)
        for one in value if isinstance(value, list) else [value]:
            if name.endswith(("Timestamp", "Time")):
                out += part(number, when(one))
            elif name == "ttl":
                out += part(number, part(1, int(one.removesuffix("s"))))
            elif name == "sources":
                for key, entry in one.items():
                    out += part(number, part(1, key.encode()) + part(2, message(entry, inner)))
            elif inner is not None:
                out += part(number, message(one, inner))
            elif isinstance(one, dict):
                for key, entry in one.items():
                    out += part(number, part(1, key.encode()) + part(2, entry.encode()))
            elif isinstance(one, str):
                out += part(number, WORDS[one] if name in ("type", "valueType") else one.encode())
            else:
                out += part(number, int(one))
    return out


def objects(dump, project):
    """Every object of the dump with its project put back: list name, object name, message."""
    for name, (_, _, _, shape) in OBJECTS.items():
        for item in dump.get(name, ()):
            body = item.get("spec", item)
            inside = {**body, "project": project}
            whole = {**item, "spec": inside} if "spec" in item else inside
            yield name, body["name"], message(whole, shape)


def file_of(*dumps, updated="2026-02-01T00:00:00Z"):
    """The registry file that holds these dumps, each a pair of project and dump."""
    raw = b""
    for project, dump in dumps:
        for name, _, body in objects(dump, project):
            raw += part(OBJECTS[name][0], body)
    return raw + part(3, b"1") + part(4, b"2d1f") + part(5, when(updated))


def database_of(path, project, dump, updated="2026-02-01T00:00:00Z"):
    """The SQL registry that holds this dump."""
    seconds = timegm(strptime(updated, "%Y-%m-%dT%H:%M:%SZ"))
    with sqlite3.connect(path) as connection:
        for table, (prefix, _) in TABLES.items():
            connection.execute(
                f"CREATE TABLE {table} ({prefix}_name VARCHAR, project_id VARCHAR, last_updated_timestamp BIGINT,"
                f" {prefix}_proto BLOB NOT NULL, PRIMARY KEY ({prefix}_name, project_id))"
            )
        for name, own, body in objects(dump, project):
            connection.execute(
                f"INSERT INTO {OBJECTS[name][1]} VALUES (?, ?, ?, ?)", (own, project, seconds, body)
            )
        connection.execute(
            "CREATE TABLE feature_view_version_history (feature_view_name, project_id, version_number,"
            " feature_view_type, feature_view_proto, created_timestamp, description, version_id)"
        )
        connection.execute(
            "INSERT INTO feature_view_version_history VALUES ('orders', ?, 2, 'feature_view', x'', ?, 'wider', 'v-2')",
            (project, seconds),
        )
    connection.close()
    return path


class Bytes:
    """An input in memory."""

    path = None

    def __init__(self, raw, name="registry.db"):
        self.raw, self.name, self.size = raw, name, len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given, **labels):
    """Everything an input says, each with the row of its record; every record says something, and says it alone."""
    origin = Origin(given.name, labels, folder="repo")
    found = []
    for record in feast.records(given, origin):
        if isinstance(record, Problem):
            found.append(("", record))
            continue
        stated = list(feast.read(record, origin))
        assert stated, f"{record.row} ends as nothing"
        assert stated == list(feast.read(Record(record.raw), origin)), "the record alone says the same"
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind):
    """What was said of one kind."""
    return [fact for _, fact in found if isinstance(fact, kind)]


def entity(found, key):
    """What was said of one thing in a listing, else of it at all."""
    return max((fact for fact in of(found, Entity) if fact.key == key), key=lambda fact: bool(fact.listing))


def view(name, project="shop"):
    """The key of a feature view."""
    return Key("feature-view", f"feast:{project}", name)


def feature(name, project="shop"):
    """The key of a feature, `<view>/<feature>`."""
    return Key("feature", f"feast:{project}", name)


def service(name, project="shop"):
    """The key of a feature service."""
    return Key("feature-view", f"feast:{project}/services", name)


def edges(found, *rules):
    """Source, target and rule of the links, as names."""
    return {
        (link.source.name, link.target.name, link.rule)
        for link in of(found, Link)
        if not rules or link.rule in rules
    }


@pytest.fixture
def dump():
    """The hand-written dump with every trap."""
    return json.loads(DUMP.read_text(encoding="utf-8"))


@pytest.fixture
def found(dump):
    """What the registry file says that the hand-written dump is of."""
    return said(Bytes(file_of(("shop", dump))))


def test_a_batch_view_comes_from_the_place_of_its_source(found):
    """`orders` reads s3://lake/orders/; both stand in the dump under featureViews and dataSources."""
    place_ = dataset("s3://lake", "orders/")
    [link] = [link for link in of(found, Link) if link.target == view("orders") and link.source == place_]

    assert (link.type, link.basis, link.rule) == ("derived", "declared", "batch_source")
    assert (to_iso(link.at.lo), to_iso(link.at.hi)) == ("2026-01-10T00:00:00Z", "2026-01-12T00:00:00Z")
    attributes = entity(found, view("orders")).attributes
    assert attributes["owner"] == "mia@shop.example"
    assert attributes["tags"] == {"team": "growth"}
    assert attributes["entities"] == {"customer": "customer_id"}
    assert attributes["features"] == ["n_orders", "spend"]
    assert attributes["version"] == "2"
    assert attributes["feast"] == {"object": "feature-view", "ttl": "86400s", "online": True}
    assert to_iso(entity(found, view("orders")).created.lo) == "2026-01-10T00:00:00Z"


def test_a_feature_is_read_from_its_column_before_renaming(found):
    """The source maps its column `n` to `n_orders`; `spend` keeps its name; what transforms says no column."""
    columns = {(link.source.name, link.target.name) for link in of(found, Link) if link.type == "column"}
    assert columns == {
        ("orders/#n", "orders/n_orders"),
        ("orders/#spend", "orders/spend"),
        ("labels#label", "returned/label"),
    }
    assert entity(found, feature("orders/n_orders")).attributes["type"] == "INT64"
    assert entity(found, feature("orders/n_orders")).attributes["description"] == "orders of 30 days"
    assert entity(found, feature("orders/n_orders")).attributes["tags"] == {"pii": "no"}


def test_a_stream_view_comes_from_the_topic_and_from_the_table_that_it_only_names(found):
    """The batch source of `clicks_1h` is a bare name: the registry's own source says where it lies, without account."""
    assert edges(found, "stream_source", "batch_source") >= {
        ("clicks.v1", "clicks_1h", "stream_source"),
        ("clicks_batch", "clicks_1h", "batch_source"),
    }
    attributes = entity(found, view("clicks_1h")).attributes
    assert attributes["disabled"] is True
    assert attributes["feast"]["object"] == "stream-feature-view"
    assert attributes["transformation"]["function"] == "count"
    text = b"def count(df): return df"
    assert attributes["transformation"]["code_sha256"] == hashlib.sha256(text).hexdigest()


def test_an_on_demand_view_takes_chosen_features_and_what_the_caller_sends(found):
    """`ratio` is made from `n_orders` of `orders` and the request source `basket`."""
    into = {
        (link.source, link.basis, tuple(link.detail.get("features", ())))
        for link in of(found, Link)
        if link.target == view("ratio")
    }
    assert into == {
        (view("orders"), "declared", ("n_orders",)),
        (feature("orders/n_orders"), "column-exact", ()),
        (dataset("feast:shop/sources", "basket"), "declared", ()),
    }
    assert entity(found, dataset("feast:shop/sources", "basket")).attributes["columns"] == [
        {"name": "total", "type": "DOUBLE"}
    ]


def test_a_service_takes_chosen_features_under_other_names(found):
    """Service and view are both called `orders` and stay two things; alias and join keys stand at the link."""
    links = [link for link in of(found, Link) if link.target == service("orders")]

    assert {(link.source, link.basis) for link in links} == {
        (view("orders"), "declared"),
        (view("never_applied"), "declared"),
        (feature("orders/n_orders"), "column-exact"),
        (feature("orders/gone"), "column-exact"),
        (feature("never_applied/x"), "column-exact"),
    }
    [whole] = [link for link in links if link.source == view("orders")]
    assert whole.detail == {
        "features": ["n_orders", "gone"],
        "alias": "o",
        "join_keys": {"customer_id": "buyer_id"},
    }
    attributes = entity(found, service("orders")).attributes
    assert attributes["feast"] == {"object": "feature-service"}
    assert attributes["features"] == ["o:n_orders", "o:gone", "never_applied:x"]


def test_a_service_that_names_what_is_not_there_says_so(found):
    """`never_applied` was never registered, and the view `orders` has lost its feature `gone`."""
    attributes = entity(found, service("orders")).attributes

    assert attributes["missing_feature_views"] == ["never_applied"]
    assert attributes["stale_features"] == ["orders/gone"]
    assert [(problem.code, problem.value, problem.fatal) for problem in of(found, Problem)] == [
        ("dangling-reference", "never_applied", False)
    ]


def test_a_saved_dataset_is_made_from_the_features_it_names(found):
    """`training_january` lies at s3://lake/training/january.parquet and holds two features of two views."""
    target = dataset("s3://lake", "training/january.parquet")

    assert {link.source for link in of(found, Link) if link.target == target} == {
        view("orders"),
        view("clicks_1h"),
        feature("orders/n_orders"),
        feature("clicks_1h/n_clicks"),
    }


def test_a_source_is_a_name_and_a_place(found):
    """The name may be pointed elsewhere later, so it is a candidate for the place; bootstrap servers are one."""
    aliases = {(alias.key[1:], alias.other[1:], alias.relation) for alias in of(found, Alias)}
    both = ("kafka://k1:9092,k2:9092", "clicks.v1")

    assert aliases == {
        (("feast:shop/sources", "käufe täglich"), ("s3://lake", "orders/"), "candidate"),
        (("feast:shop/sources", "clicks"), both, "candidate"),
        (("kafka://k1:9092", "clicks.v1"), both, "same"),
        (("kafka://k2:9092", "clicks.v1"), both, "same"),
        (("feast:shop/sources", "clicks_batch"), ("snowflake", "MAIN.WEB.CLICKS"), "candidate"),
        (
            ("feast:shop/saved-datasets", "training_january"),
            ("s3://lake", "training/january.parquet"),
            "candidate",
        ),
    }


def test_no_credential_reaches_an_attribute(found):
    """The tag `password` of the source is withheld; the pickled body of a function is never looked at."""
    source = entity(found, dataset("feast:shop/sources", "käufe täglich"))

    assert source.attributes["tags"] == {"password": "(withheld)", "tier": "gold"}
    assert "hunter2" not in repr(found)


def test_times_inside_copies_are_not_believed(found, dump):
    """Copies of sources in views carry 2029: neither the snapshot nor a source is dated by them."""
    times = [fact.at for fact in of(found, Entity) + of(found, Link)]
    assert to_iso(max(at.hi for at in times)) == "2026-02-01T00:00:00Z"
    basket = entity(found, dataset("feast:shop/sources", "basket"))
    assert to_iso(basket.created.lo) == "2026-01-10T00:00:00Z"
    dumped = said(Bytes(json.dumps(dump).encode(), "dump.json"))
    assert {to_iso(fact.since.lo) for fact in of(dumped, Coverage)} == {"2026-01-14T00:00:00Z"}
    assert {to_iso(fact.since.lo) for fact in of(found, Coverage)} == {"2026-02-01T00:00:00Z"}


def test_materialisation_is_bounded_and_has_no_actor(found):
    """Feast keeps the interval of the data: the work was done after its end and before the registry was so."""
    [happened] = of(found, Happened)

    assert (happened.type, happened.subject, happened.actor) == ("materialize", view("orders"), None)
    assert (to_iso(happened.at.lo), to_iso(happened.at.hi)) == (
        "2026-01-12T00:00:00Z",
        "2026-02-01T00:00:00Z",
    )
    assert entity(found, view("orders")).attributes["materialized_until"] == "2026-01-12T00:00:00Z"


def test_two_projects_in_one_file_are_kept_apart(dump):
    """The view `orders` is in both projects, its features differ; each project has its own listings."""
    other = {"featureViews": [{"spec": {"name": "orders", "features": [{"name": "score"}]}}]}
    found = said(Bytes(file_of(("shop", dump), ("risk", other))))

    assert entity(found, view("orders", "risk")).attributes["features"] == ["score"]
    assert entity(found, view("orders")).attributes["features"] == ["n_orders", "spend"]
    counts = {(fact.listing, fact.detail["count"]) for fact in of(found, Coverage)}
    assert {("feast:risk/feature-views", 1), ("feast:shop/feature-views", 4)} <= counts
    assert {("feast:risk/data-sources", 0), ("feast:shop/features", 5)} <= counts
    assert all(fact.complete for fact in of(found, Coverage))


def comparable(found):
    """What is said, without what only one form says: the time of the snapshot, versions, the project's record."""
    entities = {
        (fact.key, fact.listing.rpartition("/")[2], repr(sorted(fact.attributes.items())), fact.created)
        for fact in of(found, Entity)
    }
    links = {repr(msgspec.structs.replace(link, at=None)) for link in of(found, Link)}
    return entities, links, {repr(alias) for alias in of(found, Alias)}


def test_the_three_forms_say_the_same(dump, found, tmp_path):
    """One registry as file, as SQL and as dump: the same things, links and names."""
    path = database_of(tmp_path / "registry.db", "shop", dump)
    sql = said(file_input(path))
    dumped = said(Bytes(DUMP.read_bytes(), "dump.json"))

    assert comparable(sql) == comparable(found) == comparable(dumped)
    [version] = [fact for fact in of(sql, Happened) if fact.type == "version"]
    assert (version.subject, version.id, version.detail) == (
        view("orders"),
        "v-2",
        {"version": "2", "object": "feature-view", "description": "wider"},
    )


def test_a_version_dates_the_features_but_not_the_source(dump, found, tmp_path):
    """Version 2 of `orders` is of 2026-02-01 and fixes its features; a source can change without a new version."""
    sql = said(file_input(database_of(tmp_path / "registry.db", "shop", dump)))

    def since(stated, target, rule):
        [at] = {link.at for link in of(stated, Link) if link.target == target and link.rule == rule}
        return to_iso(at.lo)[:10], to_iso(at.hi)[:10]

    assert since(sql, feature("orders/spend"), "spec.features") == ("2026-02-01", "2026-02-01")
    assert since(sql, view("orders"), "batch_source") == ("2026-01-10", "2026-01-12")
    assert since(found, feature("orders/spend"), "spec.features") == ("2026-01-12", "2026-01-12")
    assert since(found, feature("returned/label"), "spec.features") == ("2026-01-10", "2026-01-10")
    assert since(found, service("orders"), "feature_service.features") == ("2026-01-13", "2026-01-13")


def test_the_database_is_not_touched(dump, tmp_path):
    """An SQL registry has the same bytes afterwards, and nothing lies beside it."""
    path = database_of(tmp_path / "registry.db", "shop", dump)
    before = path.read_bytes()

    said(file_input(path))

    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["registry.db"]


def test_what_is_no_thing_of_lineage_is_left_out_with_a_reason(dump):
    """Entities stand at their views, the online store's tables are infrastructure, `__dummy` is Feast's own."""
    found = said(Bytes(json.dumps(dump).encode(), "dump.json"))
    assert sorted(fact.reason for fact in of(found, Filtered)) == ["built-in-entity", "entity", "infra"]


def test_each_form_is_recognised_and_mlflow_is_not(dump, tmp_path):
    """A protobuf by its fields, a database by its tables, a dump by its names, however much of it is in sight."""
    path = database_of(tmp_path / "registry.db", "shop", dump)
    raw = file_of(("shop", dump))
    samples = [
        sample_of(file_input(path)),
        Sample("x", path.read_bytes()[:65_536], whole=False),
        Sample("registry.pb", raw),
        Sample("registry.pb", raw[:600], whole=False),
        sample_of(file_input(DUMP)),
        Sample("dump.json", DUMP.read_bytes()[:1200], whole=False),
    ]
    for sample in samples:
        source, sure = recognise(sample)
        assert (source.NAME, sure >= 0.9) == ("feast", True)
    other = tmp_path / "mlflow.db"
    with sqlite3.connect(other) as connection:
        connection.executescript(STORE.read_text(encoding="utf-8"))
    connection.close()
    for sample in (
        sample_of(file_input(other)),
        Sample("a.json", b'{"entities": [1]}'),
        Sample("a.txt", b"hello\n"),
        Sample("empty", b""),
        Sample("a.bin", bytes(range(1, 200))),
    ):
        assert feast.recognises(sample) == 0.0


def test_a_broken_file_says_what_it_holds_and_lists_nothing_as_complete(dump):
    """What breaks off is a problem; what stands before it is read, but absence proves nothing."""
    raw = file_of(("shop", dump))
    found = said(Bytes(raw[: len(raw) // 2]), observed_at="2026-02-01T00:00:00Z")

    assert "cut-file" in {problem.code for problem in of(found, Problem)}
    assert of(found, Entity)
    assert not any(fact.complete for fact in of(found, Coverage))


def test_one_malformed_object_does_not_take_the_others(dump):
    """A feature view whose bytes are no message is one problem with its byte."""
    raw = file_of(("shop", dump))
    found = said(Bytes(part(6, part(1, b"\xff\xff")) + raw))

    assert ("cut-file", 2) in {(problem.code, problem.offset) for problem in of(found, Problem)}
    assert entity(found, view("orders"))


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"not a registry at all", "not-feast"), (b"{", "malformed-json"), (b"[1]", "not-feast")],
)
def test_what_is_no_registry_is_a_problem(raw, code):
    """Neither a protobuf, nor a dump: a problem, never an error."""
    assert code in {problem.code for problem in of(said(Bytes(raw)), Problem)}


def test_endless_nesting_is_refused():
    """A source inside a source, a thousand deep, is one problem."""
    body = b""
    for _ in range(1000):
        body = part(26, body)
    found = said(Bytes(part(12, body) + part(5, when("2026-02-01T00:00:00Z"))))

    assert MAX_DEPTH < 1000
    assert "too-deep" in {problem.code for problem in of(found, Problem)}


def test_a_bad_value_is_a_problem_and_not_a_guess(dump):
    """A creation `soon`, a text where a list belongs: named with field and value; the rest stands."""
    dump["featureViews"][0]["meta"]["createdTimestamp"] = "soon"
    found = said(Bytes(json.dumps(dump).encode(), "dump.json"))

    assert ("bad-time", "createdTimestamp", "soon") in {
        (problem.code, problem.field, problem.value) for problem in of(found, Problem)
    }
    assert entity(found, view("orders")).created is None
    dump["featureServices"][0]["spec"]["features"] = "orders"
    found = said(Bytes(json.dumps(dump).encode(), "dump.json"))
    assert ("bad-type", "features", '"orders"') in {
        (problem.code, problem.field, problem.value) for problem in of(found, Problem)
    }


@pytest.mark.parametrize("junk", [None, 1, True, "x", [], {}, [1], [None], [{"a": {}}], {"name": 5}, 10**30])
@pytest.mark.parametrize(
    "path",
    [
        ("featureViews",),
        ("featureViews", 0, "spec"),
        ("featureViews", 0, "spec", "entities"),
        ("featureViews", 0, "spec", "features"),
        ("featureViews", 0, "spec", "batchSource"),
        ("featureViews", 0, "meta", "materializationIntervals"),
        ("onDemandFeatureViews", 0, "spec", "sources"),
        ("onDemandFeatureViews", 0, "spec", "sources", "orders", "featureViewProjection"),
        ("featureServices", 0, "spec", "features"),
        ("savedDatasets", 0, "spec", "features"),
        ("dataSources", 1, "kafkaOptions"),
    ],
)
def test_values_of_another_type_stop_nothing(dump, path, junk):
    """Whatever stands where a list or an object should: no error, and what else the dump holds is read."""
    *way, last = path
    inside = dump
    for step in way:
        inside = inside[step]
    inside[last] = junk
    found = said(Bytes(json.dumps(dump).encode(), "dump.json"))

    assert entity(found, view("returned"))


def test_the_instance_label_keeps_equal_projects_apart(dump):
    """Development and production often share a project's name: a label tells them apart, the plain name may be any."""
    found = said(Bytes(file_of(("shop", dump))), instance="prod")
    key = Key("feature-view", "feast:prod/shop/services", "orders")

    assert entity(found, key).listing == "feast:prod/shop/feature-services"
    assert (service("orders"), key, "candidate") in {
        (alias.key, alias.other, alias.relation) for alias in of(found, Alias)
    }


@pytest.mark.parametrize(
    ("source", "key", "maybe"),
    [
        ({"fileOptions": {"uri": "/data/a.parquet"}}, ("file", "/data/a.parquet"), None),
        ({"fileOptions": {"uri": "data/a.parquet"}}, None, ("file", "data/a.parquet")),
        ({"fileOptions": {"uri": "s3://user:secret@b/a"}}, ("s3://user@b", "a"), None),
        ({"bigqueryOptions": {"table": "p:d.t"}}, ("bigquery", "p.d.t"), None),
        ({"bigqueryOptions": {"table": "d.t"}}, None, ("bigquery", "d.t")),
        ({"bigqueryOptions": {"query": "SELECT 1"}}, None, None),
        ({"redshiftOptions": {"database": "d", "schema": "s", "table": "t"}}, None, ("redshift", "d.s.t")),
        ({"sparkOptions": {"path": "s3a://b/a", "fileFormat": "parquet"}}, ("s3a://b", "a"), None),
        ({"sparkOptions": {"table": "d.t"}}, None, ("spark", "d.t")),
        ({"trinoOptions": {"table": "c.s.t"}}, None, ("trino", "c.s.t")),
        (
            {"athenaOptions": {"table": "t", "database": "d"}},
            None,
            ("awsathena", "AwsDataCatalog.d.t"),
        ),
        ({"kafkaOptions": {"topic": "t"}}, None, ("kafka", "t")),
        ({"kafkaOptions": {"topic": "t", "kafkaBootstrapServers": "k:9"}}, ("kafka://k:9", "t"), None),
        ({"kinesisOptions": {"region": "eu-1", "streamName": "s"}}, None, ("kinesis://eu-1", "s")),
        (
            {
                "dataSourceClassType": "feast.infra.offline_stores.contrib.postgres_offline_store.PostgreSQLSource",
                "customOptions": {"configuration": '{"table": "public.t", "query": ""}'},
            },
            None,
            ("postgres", "public.t"),
        ),
        (
            {
                "dataSourceClassType": "x.PostgreSQLSource",
                "customOptions": {"configuration": "eyJ0YWJsZSI6ICJwdWJsaWMudCJ9"},
            },
            None,
            ("postgres", "public.t"),
        ),
        ({"pushOptions": {}}, None, None),
    ],
)
def test_places_in_openlineage_naming(source, key, maybe):
    """A place is named in full, or else the name in Feast stands and the place is a candidate (OpenLineage naming)."""
    own = dataset("feast:p/sources", "n")
    got = place(own, source)

    assert got.key == (dataset(*key) if key else own)
    assert got.maybe == (dataset(*maybe) if maybe else None)


def test_the_wire_format_is_refused_where_it_is_none():
    """A group (wire type 3), field 0, an eleven-byte number and a length beyond the end."""
    for raw in (b"\x0b", b"\x00\x01", b"\x08" + b"\xff" * 11, b"\x0a\x05ab"):
        with pytest.raises(MalformedError):
            list(walk(raw))


def test_every_table_and_field_has_a_shape():
    """Each kind of object that a table or a list of the dump holds can be read from the file, too."""
    assert {*(kind for _, kind in TABLES.values()), *DUMPED.values()} <= set(KINDS)


def mlflow_links(tmp_path, *tags):
    """What MLflow's sample store says of the features of its first run, with these tags for it."""
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(STORE.read_text(encoding="utf-8"))
        connection.execute("DELETE FROM tags WHERE key LIKE 'feast.%'")
        connection.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(*tag, f"{1:032x}") for tag in tags])
    connection.close()
    origin = Origin("mlflow.db")
    return [
        fact
        for record in mlflow.records(file_input(path), origin)
        if isinstance(record, Record) and record.row == f"runs/{1:032x}"
        for fact in mlflow.read(record, origin)
        if isinstance(fact, Link) and fact.rule.startswith("feast.")
    ]


def test_a_run_is_joined_to_the_service_it_names(tmp_path, found):
    """Tags feast.project and feast.feature_service of a run name the very key that the registry gives the service."""
    [link] = mlflow_links(
        tmp_path,
        ("feast.project", "shop"),
        ("feast.feature_service", "orders"),
        ("feast.feature_refs", "o:n_orders"),
    )

    assert (link.source, link.target.kind, link.type, link.basis) == (
        entity(found, service("orders")).key,
        "run",
        "input",
        "declared",
    )


def test_a_run_without_a_service_is_joined_to_the_features_it_names(tmp_path):
    """A list cut short by Feast ends in `...`: its last entry may be half a name. Without a project nothing is said."""
    links = mlflow_links(
        tmp_path,
        ("feast.project", "shop"),
        ("feast.feature_refs", "orders:n_orders,orders:spend,clicks_1h:n_cl..."),
    )

    assert [link.source for link in links] == [feature("orders/n_orders"), feature("orders/spend")]
    (tmp_path / "mlflow.db").unlink()
    assert mlflow_links(tmp_path, ("feast.feature_service", "orders")) == []


def real(*parts, **labels):
    """What a file of the corpus says."""
    return said(file_input(HALDEN.joinpath(*parts)), **labels)


@needs_corpus
def test_real_registry_file_says_what_feast_itself_dumps():
    """file-registry: registry.db is read by field numbers, registry-dump.json was written by Feast: the same links.

    The dump leaves out the class of each source and the version history (sources-ml 3), nothing else.
    """
    file, dumped = real("file-registry", "registry.db"), real("file-registry", "registry-dump.json")
    sql = real("sql-registry", "registry_sql.db")

    def links(found):
        return {
            (link.source, link.target, link.type, link.basis, link.rule, repr(link.detail))
            for link in of(found, Link)
        }

    assert links(file) == links(dumped) == links(sql)
    assert len(links(file)) == 54
    for fact in of(dumped, Entity):
        mine, theirs = entity(file, fact.key).attributes, entity(dumped, fact.key).attributes
        assert {**mine, "feast": {**(mine.get("feast") or {}), "class": 0}} == {
            **theirs,
            "feast": {**(theirs.get("feast") or {}), "class": 0},
        }
    assert {fact.key for fact in of(file, Entity)} == {fact.key for fact in of(sql, Entity)}


@needs_corpus
def test_real_feature_services():
    """By jq '.featureServices[] | .spec.name, .spec.features' of registry-dump.json.

    churn_v1 takes tenure_days and calls_30d of customer_stats and open_tickets of ticket_stats; pricing takes
    billing_stats under the name billing_for_pricing.
    """
    found = real("file-registry", "registry.db")

    def taken(name):
        target = service(name, "halden_churn")
        return {
            link.source.name
            for link in of(found, Link)
            if link.target == target and link.source.kind == "feature"
        }

    assert taken("churn_v1") == {
        "customer_stats/tenure_days",
        "customer_stats/calls_30d",
        "ticket_stats/open_tickets",
    }
    assert taken("pricing") == {"billing_stats/unpaid", "usage_stats/gb"}
    [alias] = [
        link.detail["alias"]
        for link in of(found, Link)
        if link.target == service("pricing", "halden_churn")
        and "features" in link.detail
        and "alias" in link.detail
    ]
    assert alias == "billing_for_pricing"
    v1 = entity(found, service("churn_v1", "halden_churn")).attributes
    assert v1["tags"] == {"model": "churn-classifier", "model_versions": "1,2"}
    assert v1["owner"] == "amara.okafor@halden.example"


@needs_corpus
def test_real_registries_of_two_dates_show_what_went_and_what_came():
    """By `strings`: billing_positive and billing_query stand only in the first file, complaints_90d in the second.

    Both list completely, so that what is missing from the second has ended in between.
    """
    first = real("file-registry", "registry.2026-02-16.db")
    second = real("file-registry", "registry.db")

    def listed(found):
        return {(fact.listing, fact.key.name) for fact in of(found, Entity) if fact.listing}

    assert listed(first) - listed(second) == {
        ("feast:halden_churn/feature-views", "billing_positive"),
        ("feast:halden_churn/features", "billing_positive/amount"),
        ("feast:halden_churn/data-sources", "billing_query"),
    }
    assert listed(second) - listed(first) == {
        ("feast:halden_churn/features", "customer_stats/complaints_90d")
    }
    dates = [{to_iso(fact.since.lo)[:10] for fact in of(found, Coverage)} for found in (first, second)]
    assert dates == [{"2026-02-16"}, {"2026-04-01"}]
    assert all(fact.complete for fact in of(first, Coverage) + of(second, Coverage))


@needs_corpus
def test_real_materialisation_and_versions():
    """By jq '.featureViews[] | select(.spec.name=="customer_local_stats").meta' of the dump: two intervals."""
    found = real("file-registry", "registry.db")
    done = [fact for fact in of(found, Happened) if fact.type == "materialize"]

    assert [(fact.subject.name, fact.detail["data_from"], fact.detail["data_until"]) for fact in done] == [
        ("customer_local_stats", "2026-02-01T00:00:00Z", "2026-02-17T00:00:00Z"),
        ("customer_local_stats", "2026-02-17T00:00:00Z", "2026-03-20T00:00:00Z"),
    ]
    assert entity(found, view("customer_stats", "halden_churn")).attributes["version"] == "1"


@needs_corpus
def test_real_pairs_of_names_get_their_verdict():
    """ml/identity/pairs.json: what a Feast source is called, against what OpenLineage and MLflow call it."""
    pairs = json.loads((CORPUS / "ml" / "identity" / "pairs.json").read_text(encoding="utf-8"))["pairs"]
    seen = []
    for pair in pairs:
        if pair["a"]["source"] != "feast":
            continue
        options = {
            name: text
            for name, text in pair["a"].items()
            if name not in {"source", "kind", "name", "project"}
        }
        kind = pair["a"]["kind"].replace("_options", "Options")
        options["kafkaBootstrapServers"] = options.pop("bootstrap", "")
        got = place(dataset("feast:halden_churn/sources", "x"), {kind: options})
        other = pair["b"]
        if other["source"] == "openlineage":
            key = dataset(other["namespace"], other["name"])
        else:
            origin = json.loads(other["dataset_source"])
            table = origin.get("delta_table_name")
            key = dataset("mlflow:x/default/delta", table) if table else dataset_at(origin["uri"])
        found = {verdict(got.maybe or got.key, key)} | {
            "same" for one in got.same if verdict(one, key) == "same"
        }
        seen.append((pair["verdict"].split(" ")[0], found))
        if got.maybe is not None:
            assert not got.proven, "a place that Feast does not name in full is never proven"
    assert [word for word, _ in seen] == [
        "same",
        "part",
        "same",
        "candidate",
        "different",
        "candidate",
        "same",
    ]
    for word, found in seen:
        assert {"part": "part-of"}.get(word, word) in found


@needs_corpus
def test_real_files_are_all_accounted_for():
    """ops/feast and ml/feast: nothing is rejected and nothing is a problem; recognised without being told."""
    paths = [
        *HALDEN.rglob("*.db"),
        *HALDEN.rglob("registry-dump.json"),
        CORPUS / "ops" / "feast" / "registry.db",
    ]
    assert len(paths) == 5
    for path in paths:
        given = file_input(path)
        source, sure = recognise(sample_of(given))
        assert (source.NAME, sure) == ("feast", 0.95)
        assert of(said(given), Problem) == []


@needs_corpus
def test_real_small_registry():
    """`strings ops/feast/registry.db`: customer_orders of shopdev with n_orders and ltv, owner dev@shop.example."""
    found = said(file_input(CORPUS / "ops" / "feast" / "registry.db"))
    attributes = entity(found, view("customer_orders", "shopdev")).attributes

    assert (attributes["features"], attributes["owner"], attributes["tags"]) == (
        ["n_orders", "ltv"],
        "dev@shop.example",
        {"team": "growth"},
    )
    assert edges(found, "batch_source") == {("customer_orders_src", "customer_orders", "batch_source")}
    assert parse("2026-11-23T04:16:47Z").lo < entity(found, view("customer_orders", "shopdev")).created.lo
