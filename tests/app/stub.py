"""A workspace that answers from memory, with the fields of CONTRACT.md: two clusters, a rollback, hostile names."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from lineage.errors import QuestionError

HOSTILE = '<b onclick="x">fraud</b>\u202egpj.exe <img src=file:///etc/passwd>'
LONG = "feature-store/" + "customer_lifetime_value_90_days_rolling/" * 6 + "v2"
FOREIGN = "Prüfung 顧客データ نموذج"


@dataclass
class Answer:
    items: list[dict[str, Any]]
    total: int = -1
    complete: bool = True
    as_of: int | None = None
    known_at: int | None = None
    coverage: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.total < 0:
            self.total = len(self.items)

    @property
    def shown(self) -> int:
        return len(self.items)


def evidence(number: int, file: str = "audit/prod-eu.log") -> dict[str, Any]:
    """A reference to one record."""
    return {
        "source": "kubernetes-audit", "file": file, "line": number, "offset": number * 512,
        "sha256": f"{number:064x}", "imported_at": "2026-11-20T08:00:00Z", "record": number,
    }  # fmt: skip


def deployment(number: int, **changed: Any) -> dict[str, Any]:
    """One item of the register."""
    item = {
        "id": f"d{number:04d}",
        "action": "deploy",
        "outcome": "done",
        "target": f"prod-eu/fraud/scorer-{number % 3}",
        "target_id": f"target|kubernetes://prod-eu|fraud/inferenceservices/scorer-{number % 3}",
        "platform": "kserve",
        "environment": "prod",
        "cluster": "prod-eu",
        "namespace": "fraud",
        "endpoint": f"scorer-{number % 3}",
        "model": "fraud",
        "model_version": str(number),
        "models": [
            {
                "id": "model-version|mlflow:prod|fraud/8",
                "model": "fraud", "version": str(number),
                "uri": f"s3://models/fraud/{number}", "weight": 1.0,
                "component": "predictor", "run_id": "r1", "link_rule": "model-uri", "link_confidence": "exact",
                "candidates": [], "version_deleted": False,
            }
        ],
        "link_rule": "model-uri",
        "link_confidence": "exact",
        "deployed_at": f"2026-{1 + number % 9:02d}-03T10:00:00Z",
        "ended_at": None,
        "ended_by": None,
        "actor": "system:serviceaccount:ci:deployer",
        "actor_kind": "service",
        "deployed_by": "Alice Weber",
        "identity_chain": [
            {"principal": "system:serviceaccount:ci:deployer", "rule": "authenticated", "field": "user.username"},
            {"principal": "alice@example.com", "rule": "ci-run-actor", "field": "annotations"},
        ],
        "effective_identity": None,
        "on_behalf_of": None,
        "approved_by": ["Bob Ito"],
        "approved_at": "2026-01-02T10:00:00Z",
        "change_ref": "CHG-17",
        "reason": "retrained",
        "replaces": None,
        "image_digest": "sha256:" + "ab" * 32,
        "resources": {"replicas": 2, "cpu": "500m"},
        "sla": [
            {
                "name": "scorer-availability", "version": "2", "metric": "availability", "comparator": ">=",
                "target": 0.995, "unit": "ratio", "window": "P28D", "effective_from": "2026-01-01T00:00:00Z",
                "effective_to": None, "basis": "contract", "document": "sla/scorer.yaml",
            }
        ],
        "flags": [],
        "evidence": [evidence(number)],
    }  # fmt: skip
    return item | changed


def register() -> list[dict[str, Any]]:
    """The whole register: ordinary items, then odd ones."""
    items = [deployment(number) for number in range(1, 9)]
    items.append(deployment(9, action="rollback", deployed_by=None, flags=["no-approval"], sla=[]))
    items.append(
        deployment(
            10, target=HOSTILE, model=HOSTILE, models=[], link_rule="unresolved", link_confidence="none",
            deployed_at={"not_before": "2026-03-01T00:00:00Z", "not_after": "2026-03-04T00:00:00Z"},
        )
    )  # fmt: skip
    items.append(deployment(11, target=LONG, environment=FOREIGN, deployed_by=FOREIGN))
    items.append(deployment(12, action="change", model=None, model_version=None, models=[], deployed_by=None))
    return items


def thing(kind: str, namespace: str, name: str, **changed: Any) -> dict[str, Any]:
    """One entity."""
    return {
        "id": f"{kind}|{namespace}|{name}", "kind": kind, "namespace": namespace, "name": name, "display": name,
        "aliases": [], "first_seen": "2025-01-01T00:00:00Z", "last_seen": "2026-11-01T00:00:00Z", "ended": None,
        "attributes": {}, "evidence": [evidence(40)],
    } | changed  # fmt: skip


def edge(source: dict[str, Any], target: dict[str, Any], kind: str, number: int) -> dict[str, Any]:
    """One edge."""
    return {
        "from": source["id"], "to": target["id"], "type": kind, "via_run": None, "basis": "observed",
        "confidence": 1.0, "rule": "run-io", "valid_from": "2026-01-01T00:00:00Z", "valid_to": None,
        "evidence": [evidence(number, "openlineage/events.jsonl")],
    }  # fmt: skip


RAW = thing("dataset", "s3://lake", "raw/payments")
CLEAN = thing("dataset", "s3://lake", LONG)
ODD = thing("dataset", "s3://lake", HOSTILE)
JOB = thing("job", "airflow", FOREIGN)
MODEL = thing("model-version", "mlflow:prod", "fraud/8", display="fraud 8")
TARGET = thing(
    "target", "kubernetes://prod-eu", "fraud/inferenceservices/scorer-2", display="prod-eu/fraud/scorer-2"
)
THINGS = [TARGET, MODEL, CLEAN, JOB, RAW, ODD]
EDGES = [
    edge(RAW, JOB, "input", 41),
    edge(ODD, JOB, "input", 42),
    edge(JOB, CLEAN, "output", 43),
    edge(CLEAN, MODEL, "produced", 44),
    edge(MODEL, TARGET, "serves", 45),
]


class StubWorkspace:
    """Every verb the window asks, from memory; it also records from which thread it was asked."""

    def __init__(self, path: str = "stub.trail") -> None:
        self.path = path
        self.closed = False
        self.note = ""
        self.asked: list[tuple[str, Any]] = []
        self.main_thread = threading.main_thread()
        self.items = register()

    def _note(self, verb: str, what: Any = None) -> None:
        assert threading.current_thread() is not self.main_thread, f"{verb} was asked in the main thread"
        assert not self.closed, f"{verb} was asked of a closed workspace"
        self.asked.append((verb, what))

    def close(self) -> None:
        self.closed = True

    def generation(self) -> int:
        self._note("generation")
        return 1

    def counts(self) -> dict[str, int]:
        self._note("counts")
        return {"entities": len(THINGS), "edges": len(EDGES), "runs": 3, "episodes": len(self.items)}

    def recognise(self, paths: list[str]) -> Answer:
        self._note("recognise", list(paths))
        return Answer(
            [
                {"file": "logs/audit.log", "source": "kubernetes-audit", "format": "Kubernetes audit log",
                 "confidence": 0.95, "bytes": 12_345, "note": ""},
                {"file": HOSTILE, "source": None, "format": None, "confidence": 0, "bytes": 17, "note": ""},
            ]
        )  # fmt: skip

    def deployments(self, selector: str = "", **dates: Any) -> Answer:
        self._note("deployments", dates)
        return Answer(self.items)

    def live(self, **dates: Any) -> Answer:
        self._note("live", dates)
        return Answer([{**deployment(8), "since": "2026-09-03T10:00:00Z"}])

    def problems(self, **_: Any) -> Answer:
        self._note("problems")
        return Answer(
            [
                {"file": "a.jsonl", "source": "openlineage", "line": 7, "row": "", "offset": 99, "field": "eventTime",
                 "value": HOSTILE, "reason": "the time cannot be read", "code": "bad-time", "rejected": True,
                 "evidence": []}
            ]
        )  # fmt: skip

    def findings(self, **_: Any) -> Answer:
        self._note("findings")
        return Answer(
            [
                {"code": "no-approval", "severity": "high", "subject": HOSTILE, "text": "a rollback nobody approved",
                 "sides": [{"text": "deployed", "evidence": [evidence(9)]}], "evidence": [evidence(9)]}
            ]
        )  # fmt: skip

    def imports(self) -> Answer:
        self._note("imports")
        file = {
            "file": HOSTILE,
            "source": "openlineage",
            "read": 5,
            "accepted": 4,
            "duplicate": 0,
            "filtered": 0,
            "rejected": 1,
            "problems": 1,
            "reasons": {},
            "bytes": 999,
            "sha256": "ab" * 32,
            "seconds": 0.1,
        }
        return Answer(
            [{"batch": 1, "started_at": "2026-11-20T08:00:00Z", "finished_at": None, "files": [file]}]
        )

    def coverage(self, **_: Any) -> Answer:
        self._note("coverage")
        return Answer(
            [
                {"source": "kubernetes-audit", "scope": "prod-eu", "what": "target", "from": "2026-01-01T00:00:00Z",
                 "to": "2026-11-01T00:00:00Z", "complete": False, "records": 12}
            ]
        )  # fmt: skip

    def entities(self, selector: str = "", **_: Any) -> Answer:
        self._note("entities", selector)
        return Answer(THINGS)

    def search(self, text: str, limit: int = 50) -> Answer:
        self._note("search", text)
        words = text.casefold().split()
        return Answer(
            [item for item in THINGS if all(word in item["display"].casefold() for word in words)][:limit]
        )

    def show(self, selector: str, **_: Any) -> Answer:
        self._note("show", selector)
        item = self._named(selector)
        return Answer(
            [
                {
                    **item,
                    "edges": [part for part in EDGES if item["id"] in {part["from"], part["to"]}],
                    "neighbours": THINGS,
                    "history": [
                        {"attribute": "owner", "value": HOSTILE, "from": "2026-01-01T00:00:00Z", "to": None,
                         "evidence": [evidence(50)]}
                    ],
                    "events": [
                        {"at": "2026-02-01T00:00:00Z", "type": "apply", "outcome": "denied", "actor": "mallory",
                         "evidence": [evidence(51)]}
                    ],
                    "checks": [
                        {"at": "2026-02-01T00:00:00Z", "metric": "not_null", "value": None, "success": False,
                         "severity": "error", "detail": {"column": "amount"}, "evidence": [evidence(52)]}
                    ],
                    "facts": 12,
                }
            ]
        )  # fmt: skip

    def trace(self, selector: str, **how: Any) -> Answer:
        self._note("trace", (selector, how))
        centre = self._named(selector)
        depth = {centre["id"]: 0}
        for begin, end, sign, hops in (("from", "to", 1, how["down"]), ("to", "from", -1, how["up"])):
            for step in range(hops):
                for part in EDGES:
                    if depth.get(part[begin]) == sign * step:
                        depth.setdefault(part[end], sign * (step + 1))
        nodes = [{**item, "depth": depth[item["id"]]} for item in THINGS if item["id"] in depth]
        edges = [part for part in EDGES if part["from"] in depth and part["to"] in depth]
        return Answer([{"nodes": nodes, "edges": edges}])

    def record(self, seq: int) -> dict[str, Any]:
        self._note("record", seq)
        text = (
            f'{{"auditID":"{seq}","user":{{"username":"system:serviceaccount:ci:deployer"}},"name":"{LONG}"}}'
        )
        return {
            "record": seq, "text": text, "hex": None, "length": len(text), "sha256": f"{seq:064x}",
            "source": "kubernetes-audit", "file": "audit/prod-eu.log", "line": seq, "offset": seq * 512, "row": "",
            "labels": {}, "imported_at": "2026-11-20T08:00:00Z", "facts": [],
        }  # fmt: skip

    def digest(self, **_: Any) -> Answer:
        self._note("digest")
        return Answer([{"digest": "cd" * 32, "facts": 12, "entities": 6, "edges": 5, "evidence": []}])

    def rebuild(self, **_: Any) -> Answer:
        self._note("rebuild")
        return self.digest()

    def _named(self, selector: str) -> dict[str, Any]:
        found = next(
            (item for item in THINGS if item["id"] in selector or selector.strip("'\"") == item["display"]),
            None,
        )
        if found is None and "scorer" in selector:
            found = TARGET
        if found is None:
            raise QuestionError("nothing has this name", where=selector, remedy="look for it with the search")
        return found
