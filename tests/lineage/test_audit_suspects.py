"""Which change upstream is the first to look at? From the story of the sample, where one delivery was bad."""

import json

import pytest

import lineage
from lineage.cli import main
from lineage.errors import QuestionError
from resources.sample import truth

TARGET = "prod-eu/parcels/eta-parcel"
AT = "2026-05-14T01:31:00Z"


def reasons(item):
    """The factors of an item with their weights."""
    return {reason["factor"]: reason["weight"] for reason in item["why"]}


@pytest.fixture
def answer(company_workspace):
    """What may have made the EU target misbehave when it was noticed."""
    return company_workspace.suspects(TARGET, AT)


def test_the_bad_delivery_is_first_and_says_why(answer):
    """The extract of 2026-05-10 brought 33,907 rows where some 412,000 are usual; what was made of it was odd too."""
    story = truth.incident()
    first = answer.items[0]
    assert first["rank"] == 1
    assert first["thing_id"] == "dataset|" + "|".join(story["dataset"])
    assert first["what"].endswith(story["partition"])
    volume = next(reason["text"] for reason in first["why"] if reason["factor"] == "volume")
    assert volume.startswith(f"{story['rows']} rows")
    assert first["path"][-2:] == [
        f"model-version|{first['path'][-2].split('|')[1]}|eta-parcel/{story['version']}",
        first["path"][-1],
    ]
    assert first["path"][-1].startswith("target|")


def test_the_checks_that_warned_stand_at_what_they_checked(answer):
    """Two checks of staging/scans warned; that it is odd is inherited from the extract."""
    story = truth.incident()
    staged = next(
        item for item in answer.items if item["thing_id"] == "dataset|" + "|".join(story["checked"])
    )
    assert reasons(staged)["warned-check"] > 0 > reasons(staged)["inherited"]
    text = next(reason["text"] for reason in staged["why"] if reason["factor"] == "warned-check")
    assert all(check in text for check in story["failed_checks"])


def test_the_deployment_is_a_suspect_too_and_scores_add_up(answer):
    """Version 6 came the day before; each score is the sum of its weights, in falling order."""
    assert [item["at"] for item in answer.items if item["what"].startswith("deployment")] == [
        truth.incident()["served"][0][1]
    ]
    ranked = [item for item in answer.items if item["rank"] is not None]
    assert [item["rank"] for item in ranked] == list(range(1, len(ranked) + 1))
    assert [item["score"] for item in ranked] == sorted((item["score"] for item in ranked), reverse=True)
    for item in ranked:
        assert item["score"] == pytest.approx(sum(reasons(item).values()), abs=0.02)
        assert item["evidence"]


def test_before_it_was_deployed_nothing_of_the_delivery_is_suspected(company_workspace):
    """On 2026-05-12 version 5 served, which did not learn from it; what shows no reason is ruled out."""
    answer = company_workspace.suspects(TARGET, "2026-05-12T12:00:00Z", window="24h")
    assert answer.items
    assert not any("dt=2026-05-10" in item["what"] for item in answer.items)
    assert any(item["ruled_out"] for item in answer.items)
    assert all(item["rank"] is None and item["score"] == 0 for item in answer.items if item["ruled_out"])


def test_the_verb_is_typed(trail, capsys):
    """It answers in every format; a window that is none is said in one line."""
    for form in ("csv", "table", "json"):
        capsys.readouterr()
        assert main(["-w", str(trail), "suspects", TARGET, "--at", AT, "--limit", "2", "--format", form]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["shown"], told["complete"], told["as_of"]) == (2, False, AT)
    assert main(["-w", str(trail), "suspects", TARGET, "--at", AT, "--window", "soon"]) == 2
    assert "72h" in capsys.readouterr().err


def test_what_has_no_training_on_record_is_not_complete(imported, audit_event):
    """A deployment without its registry: it alone is suspected, and the answer says that it is not all."""
    path = imported(audit_event("2026-02-01T00:00:00Z", "ada"), cluster="prod-eu")
    with lineage.open(path) as workspace:
        answer = workspace.suspects("prod-eu/fraud/scorer", "2026-02-01T06:00:00Z", window="6h")
        assert [item["what"].partition(":")[0] for item in answer.items] == ["deployment"]
        assert not answer.complete
        with pytest.raises(QuestionError, match="deployed"):
            workspace.suspects("kind:actor", "2026-02-01")


def test_a_window_is_a_span(company_workspace):
    """Hours, days and minutes are understood, nothing else."""
    with pytest.raises(QuestionError, match="window"):
        company_workspace.suspects(TARGET, AT, window="-1h")
