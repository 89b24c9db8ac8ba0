import json
from io import BytesIO
from pathlib import Path

import pytest

from lineage.model.facts import Entity, Objective
from lineage.model.moment import parse, to_iso
from lineage.model.naming import dataset
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import odcs
from lineage.sources._agreement_places import place
from lineage.text import load_yaml

SAMPLES = Path(__file__).parents[2] / "sources" / "odcs"
OLD = (SAMPLES / "orders-2.odcs.yaml").read_text()
NEW = (SAMPLES / "scores-3.odcs.yaml").read_text()


class Text:
    """An input that is a text in memory."""

    name, path = "contract.odcs.yaml", None

    def __init__(self, text):
        self.raw = text.encode() if isinstance(text, str) else text
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(text, **labels):
    """Everything that the contracts in `text` say."""
    origin = Origin("somewhere/contract.odcs.yaml", labels)
    found = []
    for item in odcs.records(Text(text), origin):
        assert isinstance(item, Record), item
        found.extend(odcs.read(item, origin))
    return found


def objectives(text, **labels):
    """Every objective that is read."""
    return [fact for fact in said(text, **labels) if isinstance(fact, Objective)]


def problems(text, **labels):
    """Code and value of every problem."""
    return [(fact.code, fact.value) for fact in said(text, **labels) if isinstance(fact, Problem)]


def test_version_two_with_synonyms_in_any_case():
    """`AV` is availability, `er` the error rate, `ly` latency; percent becomes a ratio and hours become seconds."""
    found = objectives(OLD)
    assert [(fact.metric, fact.comparator, fact.target, fact.unit) for fact in found] == [
        ("availability", ">=", 0.999, "ratio"),
        ("latency", "<=", 14400.0, "s"),
        ("error-rate", "<=", 0.005, "ratio"),
    ]
    assert {fact.key.namespace for fact in found} == {"11111111-aaaa-bbbb-cccc-000000000001"}
    assert [fact.key.name for fact in found] == ["availability", "latency", "error-rate"]
    assert {(fact.version, fact.document) for fact in found} == {
        ("2.0.1", "data contract orders version 2.0.1")
    }
    assert problems(OLD) == []


def test_the_contract_dates_are_the_interval():
    """General availability to the end of support, whose last day is included; who left is owner no more."""
    fact = objectives(OLD)[0]
    assert (to_iso(fact.since.lo), to_iso(fact.until.hi)) == ("2025-02-01T00:00:00Z", "2028-01-01T00:00:00Z")
    assert (fact.since.assumed, fact.ground, fact.owner) == (True, "contract", "mia")


def test_an_element_narrows_to_its_table():
    """The column `refunds.refunded_at` is about that table alone, the default column about the other."""
    found = objectives(OLD)
    assert found[0].datasets == (dataset("bigquery", "shop-prod.sales.orders_2_0_1"),)
    assert found[1].datasets == (dataset("bigquery", "shop-prod.sales.refunds"),)


def test_version_three_on_two_servers():
    """A table and a topic; equal properties are told apart by their driver; creation dates what has no availability."""
    fast, slow, clock = objectives(NEW)
    assert fast.datasets == (
        dataset("postgres://db.internal:5432", "risk.public.scores_v1"),
        dataset("kafka://k1:9092", "scores_v1"),
    )
    assert [(fact.key.name, fact.target) for fact in (fast, slow)] == [
        ("latency/operational", 900.0),
        ("latency/regulatory", 3600.0),
    ]
    assert (fast.since.lo, fast.until, fast.ground) == (parse("2026-01-15T07:00:00Z").lo, None, "contract")
    assert (clock.metric, clock.target, clock.unit, clock.zone) == (
        "time-of-availability",
        34200.0,
        "s",
        "+01:00",
    )


def test_levels_that_are_no_number_are_problems():
    """Free text and a missing value are problems with their field; the other levels stand."""
    found = [fact for fact in said(NEW) if isinstance(fact, Problem)]
    assert [(fact.code, fact.field, fact.value, fact.fatal) for fact in found] == [
        ("bad-number", "slaProperties[3].value", "weekdays", False),
        ("missing-field", "slaProperties[4].value", "", False),
    ]


@pytest.mark.parametrize("status", ["draft", "proposed", "in development", "test"])
def test_a_draft_promises_nothing(status):
    """The levels of a draft can be found, marked as such and under their own name, and are no objectives."""
    text = NEW.replace("status: active", f"status: {status}")
    assert objectives(text) == []
    entities = [fact for fact in said(text) if isinstance(fact, Entity)]
    assert {entity.attributes["draft"] for entity in entities} == {True}
    assert entities[0].key.name == "latency/operational (draft 1.0.0)"


def test_a_retired_contract_needs_an_end():
    """Retired without an end of support or of life: the promise stands and a problem says what is missing."""
    text = NEW.replace("status: active", "status: retired")
    assert ("no-end", "retired") in problems(text)
    assert len(objectives(text)) == 3


def test_elements_and_servers_that_lead_nowhere():
    """An unknown table or a server without a database ties the level to no dataset, and says so."""
    text = NEW.replace("element: scored_at", "element: other.scored_at")
    assert ("unknown-element", "other.scored_at") in problems(text)
    assert objectives(text)[0].datasets == ()
    text = NEW.replace("database: risk, ", "").replace(
        "  - {server: events", "  - {server: events, type: api}\n  - {x"
    )
    assert ("incomplete-server", "postgres, api, kafka") not in problems(text)
    text = "\n".join(line for line in text.splitlines() if "kafka" not in line)
    assert ("incomplete-server", "postgres, api") in problems(text)


PLACES = """
type: snowflake, account: org-acc, database: DB, schema: S    | T      | snowflake://org-acc   DB.S.T
type: sqlserver, host: h, port: 1433, database: d, schema: dbo | t      | mssql://h:1433        d.dbo.t
type: mysql, host: h, database: d                             | t      | mysql://h             d.t
type: postgresql, host: h, database: d                        | s.t    | postgres://h          d.s.t
type: trino, host: 'https://h/', port: 8080, catalog: c, schema: s | t | trino://h:8080        c.s.t
type: bigquery, project: p, dataset: d                        | t      | bigquery              p.d.t
type: kafka, host: 'a:9092,b:9092'                            | orders | kafka://a:9092,b:9092 orders
type: azure, location: 'abfss://c@a.dfs.core.windows.net/x/*.csv' | x  | abfss://c@a.dfs.core.windows.net x
type: s3, location: 's3://lake/{model}/data'                  | orders | s3://lake             orders/data
type: local, path: ./out/orders.csv                           | orders | file                  ./out/orders.csv
type: api, location: 'https://api.example.org/v1'             | orders |
type: postgres, host: h, database: d                          | t      |
"""


@pytest.mark.parametrize("row", PLACES.strip().splitlines())
def test_places_in_openlineage_naming(row):
    """Each type of server becomes namespace and name as docs/spec/naming has them, or nothing where a part is missing.

    A postgres table without its schema is nothing: which schema is meant is not in the contract.
    """
    server, physical, expected = (cell.strip() for cell in row.split("|"))
    found = place(load_yaml(f"{{{server}}}"), physical, alone=True)
    assert (found[1:] if found else ()) == tuple(expected.split())


def test_a_location_above_several_files_is_joined_with_their_names():
    """With two objects, `s3://lake/in` holds each below it; a location that ends in the name is the place itself."""
    assert place({"type": "s3", "location": "s3://lake/in"}, "a", alone=False)[1:] == ("s3://lake", "in/a")
    assert place({"type": "s3", "location": "s3://lake/in/a/"}, "a", alone=False)[1:] == ("s3://lake", "in/a")


@pytest.mark.parametrize(
    "text",
    [
        "dataContractSpecification: 1.2.1\nid: a\nkind: DataContract\n",
        '{"$schema": "https://json-schema.org/draft", "properties": {"kind": {"enum": ["DataContract"]}}}',
        "apiVersion: v1\nkind: ConfigMap\n",
        "openslo: 1\nkind: SLO\n",
    ],
)
def test_other_documents_are_not_taken(text):
    """The other contract specification, JSON schemas and Kubernetes objects are left to others."""
    assert odcs.recognises(Sample("a.yaml", text.encode())) == 0


def test_json_and_broken_documents():
    """A contract in JSON is one too; what is no YAML, has no id or no list of levels is a problem."""
    level = {"property": "availability", "value": 99.9, "unit": "%"}
    text = json.dumps({"kind": "DataContract", "apiVersion": "v3.0.0", "id": "a", "slaProperties": [level]})
    assert odcs.recognises(Sample("a.json", text.encode())) > 0.9
    assert objectives(text)[0].target == 0.999
    assert problems("kind: DataContract\nid: [\n")[0][0] == "malformed-yaml"
    assert problems("kind: DataContract\nslaProperties: [{property: av, value: 1}]\n") == [
        ("missing-field", "")
    ]
    assert problems("kind: DataContract\nid: a\nslaProperties: soon\n") == [("bad-value", "soon")]
    assert said("kind: DataContract\nid: a\nslaProperties: [{property: ga, value: 2026-01-01}]\n") == [
        Filtered("no-service-levels")
    ]


def test_real_contracts(corpus):
    """All examples of the standard are recognised and accounted for, its JSON schema is not a contract.

    Read in full-example.odcs.yaml: latency 4 d, retention 3 y, general availability 2022-05-12T09:30:10-08:00, end of
    support ten years later, member daustin is Owner; its `element: tab1.txn_ref_dt` names no table of its schema.
    """
    folder = corpus / "ops" / "odcs"
    levels = {}
    for path in sorted(folder.rglob("*.yaml")):
        raw = path.read_bytes()
        sure = recognise(Sample(path.name, raw[:65536], whole=len(raw) < 65536))
        assert sure is not None
        assert sure[0].NAME == "odcs"
        facts = said(raw)
        assert facts
        levels[path.name] = facts
    assert len(levels) == 18
    promised = {name for name, facts in levels.items() if any(isinstance(fact, Objective) for fact in facts)}
    assert promised == {"full-example.odcs.yaml", "database-table-sla.odcs.yaml"}
    assert all(
        facts == [Filtered("no-service-levels")] for name, facts in levels.items() if name not in promised
    )
    found = {fact.key.name: fact for fact in levels["full-example.odcs.yaml"] if isinstance(fact, Objective)}
    assert set(found) == {
        "latency",
        "retention",
        "frequency",
        "time-of-availability/regulatory",
        "time-of-availability/analytics",
    }
    latency = found["latency"]
    assert (latency.target, latency.comparator, latency.owner, latency.version) == (
        345600.0,
        "<=",
        "daustin",
        "1.1.0",
    )
    assert (to_iso(latency.since.lo), to_iso(latency.until.lo)) == (
        "2022-05-12T17:30:10Z",
        "2032-05-12T17:30:10Z",
    )
    assert found["retention"].target == 3 * 365 * 86400
    assert found["time-of-availability/analytics"].target == 8 * 3600
    assert latency.datasets == ()
    schema = (folder / "schema" / "odcs-json-schema-v3.1.0.json").read_bytes()
    assert odcs.recognises(Sample("schema.json", schema[:65536], whole=len(schema) < 65536)) == 0
