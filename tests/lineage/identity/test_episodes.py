"""From the happenings of one target to its register: kinds of change, bounds in time, and what served when."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.identity.episodes import Change, episodes, live
from lineage.identity.person import identify
from lineage.identity.registry import ModelLink, Registry, resolve
from lineage.model.facts import Component, Key, Workload
from lineage.model.moment import Moment, exactly, parse
from lineage.model.naming import target as target_key
from lineage.model.vocabulary import Kind, LinkRule, Outcome

CORPUS = Path(os.environ.get("MODELTRAIL_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
AUDIT = CORPUS / "ops" / "k8s-audit" / "composed-isvc.log"
TARGET = target_key("prod", "shop", "inferenceservices", "fraud")


def link(name, weight=None, component="predictor", registered=True):
    """Return a link to the version `<model>/<number>`."""
    model, _, version = name.rpartition("/")
    key = Key(Kind.MODEL_VERSION, "mlflow:prod/default", name) if registered else None
    uri = f"s3://models/{name}"
    rule = LinkRule.ARTIFACT_URI if registered else LinkRule.UNRESOLVED
    if not registered:
        model, version = uri, ""
    confidence = "exact" if registered else "none"
    return ModelLink(key, model, version, uri, rule, confidence, component=component, weight=weight)


def change(at, kind, *models, name=None, print_of=None, notes=None, partial=False, image="", **more):
    """Return a change at the second `at`; the fingerprint is that of its models, weights and notes."""
    moment = at if isinstance(at, Moment) else exactly(at)
    links = tuple(link(one) if isinstance(one, str) else one for one in models)
    workload = None
    if links or print_of:
        shape = print_of or repr([(one.uri, one.weight) for one in links]) + image
        parts = tuple(Component(one.component, one.uri, image, one.weight) for one in links)
        workload = Workload("kserve", parts, shape, annotations=notes or {}, partial=partial)
    identity = name or f"{kind}-{moment.lo}"
    return Change(identity, TARGET, moment, kind, workload=workload, models=links, **more)


def applied(at, *models, **more):
    """Return an apply."""
    return change(at, "apply", *models, **more)


def seen(at, *models, **more):
    """Return a sighting in a listing."""
    return change(at, "observe", *models, **more)


def deleted(at, **more):
    """Return a deletion."""
    return change(at, "delete", **more)


def absent(at):
    """Return a complete listing without the target."""
    return change(at, "absent")


def story(*changes):
    """Return action, start, end and versions of each item."""
    return [
        (item.action, item.start.lo, item.end.lo if item.end else None, served(item))
        for item in episodes(changes)
    ]


def served(item):
    """Return the served versions, those with a weight with it."""
    return " ".join(
        one.version or one.uri if one.weight is None else f"{one.version}:{one.weight:g}"
        for one in item.models
    )


def test_a_later_version_is_a_deploy_and_an_earlier_one_a_rollback():
    """The registry's order decides: going on to 3 again is no rollback, though it had served before."""
    assert story(
        applied(10, "f/2"), applied(20, "f/3"), applied(30, "f/2"), applied(40, "f/3"), deleted(50)
    ) == [
        ("deploy", 10, 20, "2"),
        ("deploy", 20, 30, "3"),
        ("rollback", 30, 40, "2"),
        ("deploy", 40, 50, "3"),
        ("delete", 50, None, ""),
    ]


def test_a_version_older_than_what_ran_is_a_rollback_even_when_it_never_served_here():
    """An earlier version replaces a later one."""
    assert story(applied(10, "f/3"), applied(20, "f/1"))[1][0] == "rollback"


def test_without_a_registry_a_return_to_what_served_before_is_a_rollback():
    """Unregistered artifacts have no order, but A, B, A is a return; numbered siblings have one."""
    a, b = link("x/alpha", registered=False), link("x/beta", registered=False)
    assert [step[0] for step in story(applied(1, a), applied(2, b), applied(3, a))] == [
        "deploy",
        "deploy",
        "rollback",
    ]
    one, two = link("iris/1", registered=False), link("iris/2", registered=False)
    steps = story(applied(1, one), applied(2, two), applied(3, one), applied(4, two))
    assert [step[0] for step in steps] == ["deploy", "deploy", "rollback", "deploy"]


def test_nothing_changed_is_no_episode():
    """The same object applied again only confirms what runs, and its record stands with it."""
    items = episodes([applied(10, "f/1", records=(1,)), applied(20, "f/1", records=(2,))])
    assert [(item.action, item.end) for item in items] == [("deploy", None)]
    assert items[0].confirmed == (2,)


def test_the_same_version_with_another_configuration_is_a_redeploy():
    """What serves was told to run anew, with the same version."""
    assert story(applied(10, "f/1"), applied(20, "f/1", image="server:2"))[1][0] == "redeploy"


def test_a_restart_on_purpose_is_a_redeploy():
    """`kubectl rollout restart` changes only an annotation; said again later it is no second restart."""
    restarted = {"kubectl.kubernetes.io/restartedAt": "2026-06-01T10:00:00Z"}
    assert [
        step[0]
        for step in story(
            applied(1, "f/1"), applied(2, "f/1", notes=restarted), applied(3, "f/1", notes=restarted)
        )
    ] == ["deploy", "redeploy"]


def test_the_same_version_after_a_deletion_is_a_redeploy_and_replaces_nothing():
    """Between deletion and re-creation nothing served."""
    items = episodes([applied(10, "f/1"), deleted(20), applied(30, "f/1")])
    assert [item.action for item in items] == ["deploy", "delete", "redeploy"]
    assert items[1].replaces == items[0].id
    assert items[0].ended_by == items[1].id
    assert (items[1].end, items[1].ended_by, items[2].replaces) == (None, "", "")


def test_a_creation_while_something_runs_shows_a_deletion_that_nobody_recorded():
    """The verb `create` cannot meet an existing object."""
    items = episodes([applied(10, "f/1"), applied(30, "f/1", creates=True)])
    assert [(item.action, item.flags) for item in items] == [("deploy", ()), ("redeploy", ("unseen-delete",))]


def test_canary_traffic_promotion():
    """KServe names only the newcomer and its share: the rest goes to the last version rolled out fully."""
    steps = story(
        applied(10, "f/1"),
        applied(20, link("f/2", 0.1)),
        applied(30, link("f/2", 0.5)),
        applied(40, link("f/2")),
    )
    assert steps == [
        ("deploy", 10, 20, "1"),
        ("canary", 20, 30, "1:0.9 2:0.1"),
        ("traffic", 30, 40, "1:0.5 2:0.5"),
        ("promote", 40, None, "2"),
    ]


def test_a_canary_taken_back_is_a_rollback():
    """All traffic goes back to the version before; with a third version it is another canary beside the first."""
    first = (applied(10, "f/1"), applied(20, link("f/2", 0.1)))
    assert story(*first, applied(30, "f/1"))[2] == ("rollback", 30, None, "1")
    assert story(*first, applied(30, link("f/3", 0.2)))[2] == ("canary", 30, None, "1:0.8 3:0.2")


def test_weights_that_the_record_names_in_full():
    """Seldon names both predictors with their traffic; a predictor with no traffic does not serve."""
    old, new = "default", "canary"
    steps = story(
        applied(10, link("f/1", 1.0, old)),
        applied(20, link("f/1", 0.75, old), link("f/2", 0.25, new)),
        applied(30, link("f/1", 0.5, old), link("f/2", 0.5, new)),
        applied(40, link("f/1", 0.0, old), link("f/2", 1.0, new)),
    )
    assert [step[0] for step in steps] == ["deploy", "canary", "traffic", "promote"]


def test_a_canary_beside_something_unknown_says_so():
    """The first thing known of a target is a canary: who gets the rest is not evidenced."""
    (item,) = episodes([applied(10, link("f/2", 0.1))])
    assert (item.action, served(item), item.flags) == ("canary", "2:0.1", ("rest-of-traffic-unknown",))


@pytest.mark.parametrize("outcome", [Outcome.DENIED, Outcome.FAILED, Outcome.DRY_RUN])
def test_attempts_are_no_deployments(outcome):
    """Denied, failed and dry-run attempts are events, never deployments (CONTRACT.md)."""
    assert story(applied(10, "f/1"), applied(20, "f/2", outcome=outcome)) == [("deploy", 10, None, "1")]


def test_two_records_of_one_happening_are_one():
    """One auditID: the record that holds the object tells what serves, both are evidence."""
    bare = change(10, "apply", name="a", records=(1,))
    items = episodes([bare, applied(11, "f/1", name="a", records=(2,)), bare])
    assert [(item.action, item.start.lo, served(item), item.opened.records) for item in items] == [
        ("deploy", 10, "1", (1, 2))
    ]


def test_a_listing_that_agrees_only_confirms():
    """A dump of what runs adds evidence, not an episode."""
    items = episodes([applied(10, "f/1"), seen(30, "f/1", records=(7,))])
    assert [(item.action, item.confirmed, item.flags) for item in items] == [("deploy", (7,), ())]


def test_a_listing_that_differs_in_detail_only_is_no_deployment():
    """Admission fills in defaults, so the dump's digest differs while models and images are the same."""
    items = episodes([applied(10, "f/1"), seen(30, "f/1", print_of="with defaults")])
    assert [(item.action, item.flags) for item in items] == [("deploy", ("details-differ-in-listing",))]


def test_a_listing_that_disagrees_bounds_an_unrecorded_change():
    """Last seen old at 20, first seen new at 50: in between somebody changed it, nobody knows who."""
    items = episodes([applied(10, "f/1"), seen(20, "f/1"), seen(50, "f/2")])
    assert [(item.action, item.start, item.flags) for item in items] == [
        ("deploy", exactly(10), ()),
        ("deploy", Moment(20, 50), ("seen-in-listing-only",)),
    ]
    assert items[0].end == Moment(20, 50)
    assert items[1].who is None
    assert [one.id for one in live(items, 35).episodes] == [items[0].id, items[1].id]
    assert not live(items, 35).certain
    assert live(items, 20).episodes == (items[0], items[1])
    assert live(items, 19).episodes == (items[0],)
    assert live(items, 50).episodes == (items[1],)


def test_the_first_sight_of_a_target_is_bounded_by_its_creation():
    """A dump proves the state of its own time: the state began between creation and dump."""
    (item,) = episodes([seen(50, "f/1", created=exactly(30))])
    assert (item.action, item.start, item.flags) == ("deploy", Moment(30, 50), ("seen-in-listing-only",))
    assert (live([item], 40).episodes, live([item], 40).or_nothing) == ((item,), True)
    assert live([item], 50).certain


def test_absence_from_a_complete_listing_ends_an_episode_within_bounds():
    """Last seen at 20, gone by 60; who deleted it is not known."""
    items = episodes([applied(10, "f/1"), seen(20, "f/1"), absent(60)])
    assert [(item.action, item.start, item.flags) for item in items] == [
        ("deploy", exactly(10), ()),
        ("delete", Moment(20, 60), ("seen-in-listing-only",)),
    ]
    assert (live(items, 40).episodes, live(items, 40).or_nothing) == ((items[0],), True)
    assert live(items, 60) == live(items, 99)
    assert live(items, 60).episodes == ()
    assert [item.action for item in episodes([applied(10, "f/1"), deleted(30), absent(60)])] == [
        "deploy",
        "delete",
    ]


def test_an_object_made_again_unseen_is_a_redeploy():
    """The dump shows an object that is younger than the last sighting of the one that ran."""
    later = 10_000_000
    items = episodes([applied(10, "f/1"), seen(2 * later, "f/1", created=exactly(later))])
    assert items[1].action == "redeploy"
    assert items[1].start == Moment(later, 2 * later)
    assert items[1].flags == ("seen-in-listing-only", "unseen-delete")


def test_a_change_whose_record_holds_no_object_is_a_change():
    """Audit level Metadata: something changed, what is not known; the next record that shows the object decides."""
    steps = story(applied(10, "f/1"), change(20, "apply"), applied(30, "f/2"))
    assert steps == [("deploy", 10, 20, "1"), ("change", 20, 30, ""), ("deploy", 30, None, "2")]
    items = episodes([applied(10, "f/1"), change(20, "apply"), applied(30, "f/1")])
    assert items[1].flags == ("model-not-evidenced",)
    assert (items[2].action, items[2].flags) == ("redeploy", ("after-unknown-change",))


def test_a_later_listing_shows_what_an_unknown_change_made():
    """The state after the last change is what the listing saw, so the change gets its model and its kind."""
    items = episodes([applied(10, "f/2"), change(20, "apply"), seen(40, "f/1", records=(9,))])
    assert [(item.action, item.start, served(item), item.flags) for item in items] == [
        ("deploy", exactly(10), "2", ()),
        ("rollback", exactly(20), "1", ("model-from-listing",)),
    ]
    assert items[1].confirmed == (9,)
    same = episodes([applied(10, "f/1"), change(20, "apply"), seen(40, "f/1")])[1]
    assert (same.action, served(same), same.flags) == ("change", "1", ("model-from-listing", "unchanged"))
    two = episodes([applied(10, "f/1"), change(20, "apply"), change(30, "apply"), seen(40, "f/2")])
    assert [(item.action, served(item)) for item in two] == [("deploy", "1"), ("change", ""), ("deploy", "2")]


def test_a_patch_that_names_its_model_is_known_well_enough():
    """A patch holds only the changed fields: with the model it is a deployment, without one a change."""
    patched = applied(20, "f/2", partial=True)
    assert story(applied(10, "f/1"), patched, applied(30, "f/2")) == [
        ("deploy", 10, 20, "1"),
        ("deploy", 20, None, "2"),
    ]
    assert story(applied(10, "f/1"), change(20, "apply", print_of="x", partial=True))[1][0] == "change"


def test_a_moved_alias_is_no_change_of_the_target():
    """The target was told the same; what the alias stands for is asked when it starts."""
    before = ModelLink(
        Key(Kind.MODEL_VERSION, "m", "f/1"), "f", "1", "models:/f@live", LinkRule.ALIAS, "medium"
    )
    after = ModelLink(
        Key(Kind.MODEL_VERSION, "m", "f/2"), "f", "2", "models:/f@live", LinkRule.ALIAS, "medium"
    )
    assert len(episodes([applied(10, before), seen(20, after, print_of="other")])) == 1


def test_changes_whose_times_overlap_are_both_possible():
    """One happened at 10, the other between 5 and 20: at 15 either may be the last; nothing is certain after."""
    bounded = applied(Moment(5, 20), "f/1", name="b")
    items = episodes([applied(10, "f/2", name="a"), bounded])
    assert all("order-uncertain" in item.flags for item in items)
    for time in (15, 25):
        assert len(live(items, time).episodes) == 2
    assert [served(item) for item in live(items, 4).episodes] == []


def test_deleted_versions_and_conflicts_are_flagged():
    """Findings of the link stand at the item."""
    gone = ModelLink(None, "f", "", "s3://x/y", LinkRule.ARTIFACT_URI, "none", deleted=True, conflict=True)
    assert episodes([applied(1, gone)])[0].flags == ("version-deleted", "link-conflict")


def test_before_anything_is_known_nothing_is_said():
    """An empty register, and a time before the first item."""
    assert episodes([]) == ()
    assert live([], 5).episodes == ()
    items = episodes([applied(10, "f/1")])
    assert live(items, 9).episodes == ()
    assert live(items, 10).episodes == items


VERSIONS = st.sampled_from(["f/1", "f/2", "f/3"])
TIMES = st.integers(0, 30)


@st.composite
def happenings(draw):
    """Draw a set of changes with ids of their own."""
    found = []
    for place in range(draw(st.integers(0, 8))):
        kind = draw(
            st.sampled_from(["apply", "apply", "observe", "delete", "absent", "bare", "canary", "failed"])
        )
        low = draw(TIMES)
        at = Moment(low, low + draw(st.sampled_from([0, 0, 0, 5])))
        more = {"name": str(place), "records": (place,)}
        if kind == "canary":
            found.append(applied(at, link(draw(VERSIONS), draw(st.sampled_from([0.1, 0.5]))), **more))
        elif kind in {"apply", "observe", "failed"}:
            outcome = Outcome.FAILED if kind == "failed" else Outcome.DONE
            real = "apply" if kind == "failed" else kind
            found.append(change(at, real, draw(VERSIONS), outcome=outcome, **more))
        else:
            found.append(change(at, "apply" if kind == "bare" else kind, **more))
    return found


@given(happenings(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(changes, random):
    """Any order, any duplication: the same register, to the last field."""
    again = [*changes, *random.sample(changes, len(changes) // 2)]
    random.shuffle(again)
    assert episodes(again) == episodes(changes)


@given(happenings(), st.integers(-1, 40))
def test_registers_are_well_formed(changes, time):
    """Items follow each other, each ended by the next; ids differ; something is always possible once one began."""
    items = episodes(changes)
    assert len({item.id for item in items}) == len(items)
    for before, after in pairwise(items):
        assert before.start.lo <= after.start.lo
        if before.action == "delete":
            assert before.end is None
        else:
            assert (before.end, before.ended_by) == (after.start, after.id)
            assert after.replaces == before.id
    answer = live(items, time)
    assert answer.episodes or answer.or_nothing
    assert all(item.start.lo <= time for item in answer.episodes)


@given(happenings())
def test_a_listing_of_what_runs_adds_no_item(changes):
    """Looking changes nothing: a last listing that shows what runs only confirms it."""
    items = episodes(changes)
    if items and items[-1].action != "delete" and items[-1].state is not None:
        last = seen(100, *items[-1].models, name="last")
        assert [item.id for item in episodes([*changes, last])] == [item.id for item in items]


@pytest.mark.corpus
@pytest.mark.skipif(not AUDIT.exists(), reason="the shared corpus is not here")
def test_the_composed_audit_log_is_told_right():
    """Read by hand in composed-isvc.log, lines 1 to 4.

    dev creates iris at /1 on June 1; the CI account patches it to /2 on June 2; dev, as system:admin, patches it back
    to /1 on June 3, a rollback; dev deletes it on June 4.
    """
    changes = []
    for number, line in enumerate(AUDIT.read_text().splitlines(), 1):
        event = json.loads(line)
        moment = parse(event["requestReceivedTimestamp"])
        spec = event["responseObject"].get("spec")
        workload = None
        models = ()
        if spec:
            part = Component("predictor", spec["predictor"]["model"]["storageUri"])
            workload = Workload("kserve", (part,), json.dumps(spec, sort_keys=True))
            models = (resolve(part, workload, moment.lo, Registry([])),)
        actor = Key(Kind.ACTOR, "kubernetes", event["user"]["username"])
        effective = event.get("impersonatedUser", {}).get("username", "")
        changes.append(
            Change(
                event["auditID"],
                target_key("c", "dev", "inferenceservices", "iris"),
                moment,
                "delete" if event["verb"] == "delete" else "apply",
                workload=workload,
                models=models,
                creates=event["verb"] == "create",
                who=identify(actor, "", effective, (), {}, moment.lo),
                records=(number,),
            )
        )
    items = episodes(reversed(changes))
    day = "2026-06-0{}T10:00:00.000001Z".format
    dev = "dev@example.com"
    assert [
        (item.action, item.start, item.end, [one.uri for one in item.models], item.who.person)
        for item in items
    ] == [
        ("deploy", parse(day(1)), parse(day(2)), ["s3://dev/iris/1"], dev),
        ("deploy", parse(day(2)), parse(day(3)), ["s3://dev/iris/2"], None),
        ("rollback", parse(day(3)), parse(day(4)), ["s3://dev/iris/1"], dev),
        ("delete", parse(day(4)), None, [], dev),
    ]
    assert items[2].who.effective_identity == "system:admin"
    served_then = live(items, parse("2026-06-02T12:00:00Z").lo)
    assert [one.models[0].uri for one in served_then.episodes] == ["s3://dev/iris/2"]
