"""What is different between two times, and what did a bad delivery reach? From the story of the sample, and by hand."""

import json

import pytest

import lineage
from lineage.cli import main
from lineage.errors import QuestionError
from resources.sample import truth

OUT = "s3://lake"


def event(run, at, *, inputs=(), outputs=(), job="job", kind="COMPLETE"):
    """One OpenLineage event; a dataset is a name, or a name and its version."""

    def used(name, version=""):
        facets = {"version": {"_producer": "x:y", "_schemaURL": "x:y", "datasetVersion": version}}
        return {"namespace": OUT, "name": name, "facets": facets if version else {}}

    return {
        "eventType": kind,
        "eventTime": at,
        "producer": "https://example.com",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"0190d9a0-0000-7000-8000-{run:012d}"},
        "job": {"namespace": "etl", "name": job},
        "inputs": [used(*each) for each in inputs],
        "outputs": [used(*each) for each in outputs],
    }


def changed(answer, what):
    """Change, subject, before and after of each item of a sort."""
    return [
        (item["change"], item["subject"], item["before"], item["after"])
        for item in answer.items
        if item["what"] == what
    ]


def test_what_serves_is_compared_with_the_event_and_the_person(company_workspace):
    """On 2026-05-13 version 6 replaced 5 in the EU, by the release job for Oluwaseun; nothing else served anew."""
    answer = company_workspace.compare("2026-05-12T12:00:00Z", "2026-05-13T12:00:00Z")
    story = next(
        item
        for item in truth.deployments()
        if item["target"] == "prod-eu/parcels/eta-parcel" and item["applied_version"] == "6"
    )
    assert changed(answer, "serving") == [
        ("changed", "prod-eu/parcels/eta-parcel", "eta-parcel 5", "eta-parcel 6")
    ]
    item = answer.items[0]
    assert (item["at"], item["actor"], item["person"]) == (
        story["deployed_at"],
        "system:serviceaccount:ci:release-bot",
        "Oluwaseun Adéyẹmí",
    )
    assert item["certain"]
    assert item["evidence"][0]["file"].endswith("k8s/prod-eu/audit-2026.log")
    assert answer.complete


def test_a_deleted_version_and_a_gap_between_two_looks_at_the_registry(company_workspace):
    """Version 6 was deleted on 2026-06-08; the alias moved at some time between the two copies: either value."""
    answer = company_workspace.compare("2026-05-30", "2026-06-10")
    assert ("removed", "eta-parcel 6", "registered", None) in changed(answer, "version")
    removed = next(item for item in answer.items if item["subject"] == "eta-parcel 6")
    assert removed["at"] == truth.incident()["version_deleted"]
    alias = next(
        item for item in answer.items if item["what"] == "alias" and item["subject"] == "address-match"
    )
    assert alias["after"] == "champion=4 or champion=5"
    assert not alias["certain"]
    assert alias["before"] == "not known: nobody had looked yet"


def test_a_promise_that_rises_is_a_difference(company_workspace):
    """On 2026-07-01 the promise for eta-parcel rose to 99.9 %, its latency fell to 0.2 s; in both clusters."""
    told = changed(company_workspace.compare("2026-06-30", "2026-07-02"), "sla")
    assert [(change, before, after) for change, _, before, after in told] == 2 * [
        ("changed", ">= 0.995 ratio", ">= 0.999 ratio"),
        ("changed", "<= 0.3 s", "<= 0.2 s"),
    ]


def test_the_same_time_is_no_difference_and_one_time_is_no_question(company_workspace):
    """Nothing differs from itself; without a second time one is asked for."""
    assert company_workspace.compare("2026-06-05", "2026-06-05").items == []
    with pytest.raises(QuestionError, match="two times"):
        company_workspace.compare("2026-06-05")


def test_two_known_times_are_compared(imported, audit_event):
    """What is imported later is what is known later: nothing served, then churn 1."""
    path = imported(event(1, "2026-01-01T00:00:00Z", outputs=[("a",)]), name="events.json")
    with lineage.open(path) as workspace:
        first = workspace.imports().items[0]["finished_at"]
    imported(audit_event("2026-02-01T00:00:00Z", "ada"), cluster="prod-eu")
    with lineage.open(path) as workspace:
        answer = workspace.compare("2026-03-01", known_at=first, known_with="2999-01-01")
        assert [(change, subject) for change, subject, _, _ in changed(answer, "serving")] == [
            ("added", "prod-eu/fraud/scorer")
        ]


def test_the_bad_delivery_is_followed_to_where_its_model_served(company_workspace):
    """Only version 6 of eta-parcel learned from the partition of 2026-05-10 and served, until it was taken back."""
    story = truth.incident()
    answer = company_workspace.exposure("raw/scans", version=story["partition"], until="2026-05-15")
    served = [item for item in answer.items if item["target"]]
    assert [(item["model"], item["model_version"]) for item in served] == [("eta-parcel", story["version"])]
    assert [(item["target"], item["served_from"], item["served_to"]) for item in served] == story["served"]
    names = [hop["display"].rpartition("/")[2] for hop in served[0]["path"] if hop["kind"] == "dataset"]
    assert names == ["scans", "scans", "eta", "eta"]
    assert story["run_id"] in [hop["run_id"] for hop in served[0]["path"]]
    # MLflow names what it read by a digest, not by the partition: the last step had to be assumed, and says so.
    assert [hop["certain"] for hop in served[0]["path"]].count(False) == 1
    assert not served[0]["certain"]


def test_a_good_partition_reached_no_bad_model(company_workspace):
    """The Sunday after is another partition: version 6, trained before, did not learn from it."""
    answer = company_workspace.exposure("raw/scans", version="dt=2026-05-17")
    assert all((item["model"], item["model_version"]) != ("eta-parcel", "6") for item in answer.items)


def test_only_a_dataset_can_be_bad(company_workspace):
    """A target is no dataset: that is said, not answered with nothing."""
    with pytest.raises(QuestionError, match="no dataset"):
        company_workspace.exposure("prod-eu/parcels/eta-parcel")


def test_the_verbs_are_typed(trail, capsys):
    """Both answer in every format; compare without its second time says what is missing, in one line."""
    for form in ("json", "csv", "table"):
        assert (
            main(
                [
                    "-w",
                    str(trail),
                    "compare",
                    "--as-of",
                    "2026-05-12",
                    "--with",
                    "2026-05-14",
                    "--format",
                    form,
                ]
            )
            == 0
        )
        assert main(["-w", str(trail), "exposure", "raw/scans", "--limit", "1", "--format", form]) == 0
    capsys.readouterr()
    assert main(["-w", str(trail), "exposure", "raw/scans", "--limit", "1", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["shown"] == 1 < answer["total"]
    assert not answer["complete"]
    assert main(["-w", str(trail), "compare", "--as-of", "2026-05-12"]) == 2
    assert "--with" in capsys.readouterr().err
