"""What do SageMaker's answers say of what serves: models, endpoint configurations, endpoints?

A model and a configuration never change, so their description says what the call that made them said. An endpoint
changes: its description is a sighting, as of its last modification, of the configuration that serves; nothing in it
says who put it there, that is CloudTrail's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from lineage.model.facts import Claim, Component, Entity, Fact, Happened, Json, Key, Workload
from lineage.model.moment import Moment
from lineage.model.vocabulary import Outcome
from lineage.source import Filtered, Problem
from lineage.sources import _recorded_serving as calls
from lineage.sources._model_claims import items, mapping, scalar
from lineage.sources._recorded_call import Call
from lineage.sources._sagemaker_answer import Answer, as_written
from lineage.text import clip

SHOWS = frozenset({"InService", "SystemUpdating"})
"""States in which the configuration that is named serves. While an endpoint is updated or rolled back it may be either
that of before or that of after, and one that is made, broken or deleted serves nothing."""
_FAILS = "Failed"

Said = Fact | Problem | Filtered


def model(answer: Answer) -> Iterator[Said]:
    """Say what the containers of a model hold."""
    if not any(answer.said.get(name) for name in ("PrimaryContainer", "Containers")):
        yield Filtered("listed-by-name")
        return
    if answer.said.get("Containers") == [answer.said.get("PrimaryContainer")]:
        answer = _with(answer, {**answer.said, "Containers": []})
    yield from _defined(answer, "CreateModel", calls.define_model)


def config(answer: Answer) -> Iterator[Said]:
    """Say which models share the traffic under a configuration."""
    if not any(answer.said.get(name) for name in ("ProductionVariants", "ShadowProductionVariants")):
        yield Filtered("listed-by-name")
        return
    yield from _defined(answer, "CreateEndpointConfig", calls.define_config)


def _with(answer: Answer, said: dict[str, Json]) -> Answer:
    return Answer(said, answer.arn, answer.account, answer.region, answer.origin, answer.problems)


def _defined(answer: Answer, name: str, read: Callable[[Call], Iterator[Fact | Problem]]) -> Iterator[Said]:
    at = answer.time("CreationTime")
    if at is None:
        yield Problem("missing-field", "the answer does not say when it was made", "CreationTime")
        return
    for said in read(answer.call(name, at)):
        if isinstance(said, Happened):
            detail = {key: value for key, value in said.detail.items() if key != "call"}
            workload = said.workload and replace(
                said.workload, components=tuple(map(_as_written, said.workload.components))
            )
            yield replace(said, workload=workload, detail={**detail, "listed": True})
        elif isinstance(said, Problem):
            yield replace(said, field=as_written(said.field))
        else:
            yield said


def _as_written(part: Component) -> Component:
    claims = tuple(claim._replace(where=as_written(claim.where)) for claim in part.claims)
    return replace(part, claims=claims)


def endpoint(answer: Answer) -> Iterator[Said]:
    """Say what an endpoint is seen to run, where its state shows that it runs it."""
    name, status = answer.text("EndpointName"), answer.text("EndpointStatus")
    created, modified = answer.time("CreationTime"), answer.time("LastModifiedTime")
    at = modified or created
    if at is None:
        yield Problem("missing-field", "the answer does not say when this was so", "LastModifiedTime")
        return
    key, same = calls.target_of(answer.call("DescribeEndpoint", at), name)
    yield from same
    pending = mapping(answer.said.get("PendingDeploymentSummary"))
    attributes: dict[str, Json] = {
        "platform": calls.PLATFORM,
        "arn": answer.arn,
        "status": status,
        "config": answer.text("EndpointConfigName"),
        "pending_config": scalar(pending.get("EndpointConfigName")),
        "failure_reason": clip(answer.text("FailureReason"), 500),
    }
    known = {field: value for field, value in attributes.items() if value}
    yield Entity(key, known, at=at, created=created)
    yield from _state(answer, key, at, created, status)


def _state(answer: Answer, key: Key, at: Moment, created: Moment | None, status: str) -> Iterator[Said]:
    made = created.lo if created else None
    config_name = answer.text("EndpointConfigName")
    identity = f"{answer.arn}@{at.text or at.lo}"
    if status == _FAILS:
        yield Happened(
            type="apply",
            subject=key,
            at=at,
            id=f"{identity}#failed",
            outcome=Outcome.FAILED,
            detail={
                "verb": "create",
                "created_at": made,
                "config": config_name,
                "message": clip(answer.text("FailureReason"), 500),
                "listed": True,
            },
        )
    elif status in SHOWS and config_name:
        weights, instances = _running(answer)
        claim = Claim("sagemaker-config", config_name, "EndpointConfigName")
        detail: dict[str, Json] = {
            "config": config_name,
            "created_at": made,
            "status": status,
            "weights": weights,
            "instances": instances,
            "listed": True,
        }
        yield Happened(
            type="observe",
            subject=key,
            at=at,
            id=identity,
            workload=Workload(calls.PLATFORM, (Component("", claims=(claim,)),)),
            detail={field: value for field, value in detail.items() if value not in (None, {})},
        )


def _running(answer: Answer) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the weights and instance counts that the variants have now."""
    weights: dict[str, Json] = {}
    instances: dict[str, Json] = {}
    for field in ("ProductionVariants", "ShadowProductionVariants"):
        for number, variant in enumerate(map(mapping, items(answer.said.get(field)))):
            called = scalar(variant.get("VariantName"))
            weight = variant.get("CurrentWeight")
            if isinstance(weight, (int, float)) and not isinstance(weight, bool) and weight >= 0:
                weights[called] = float(weight)
            elif weight is not None:
                where = f"{field}[{number}].CurrentWeight"
                answer.problems.append(
                    Problem(
                        "bad-number", "a weight is no number of 0 or more", where, clip(weight), fatal=False
                    )
                )
            if isinstance(variant.get("CurrentInstanceCount"), int):
                instances[called] = variant["CurrentInstanceCount"]
    return weights, instances
