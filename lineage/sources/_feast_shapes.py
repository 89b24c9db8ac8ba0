"""Which field of Feast's registry has which number? The messages that are read, named as in protobuf's JSON.

So a registry file, the blobs of an SQL registry and the JSON of `feast registry-dump` come out alike. Numbers:
feast-dev/feast, protos/feast/core, of 2026-08; the older ones have stood since 0.10.
"""

from __future__ import annotations

from lineage.sources._feast_wire import (
    SOURCE_TYPES,
    STATES,
    TYPES,
    Decoder,
    Field,
    Wire,
    duration,
    flag,
    integer,
    keyed,
    message,
    text,
    time,
    word,
)


def _texts(**numbers: int) -> dict[int, Field]:
    """Return text fields by the numbers given."""
    return {number: Field(name, text) for name, number in numbers.items()}


def _spec(shape: dict[int, Field]) -> Decoder:
    return message({1: Field("spec", message(shape)), 2: Field("meta", _META)})


_MADE = {1: Field("createdTimestamp", time), 2: Field("lastUpdatedTimestamp", time)}
_META = message(_MADE)
_FEATURE = message(
    {
        **_texts(name=1, description=4, vectorSearchMetric=6),
        2: Field("valueType", word(TYPES)),
        3: keyed("tags"),
        5: Field("vectorIndex", flag),
        7: Field("vectorLength", integer),
    }
)
_FEATURES = Field("features", _FEATURE, many=True)
_ENTITIES = Field("entities", text, many=True)
_ENTITY_COLUMNS = Field("entityColumns", _FEATURE, many=True)

_FILE = message(_texts(uri=2, s3EndpointOverride=3))
_QUERIED = message(_texts(table=1, query=2))
_TABLE = message(_texts(table=1, query=2, schema=3, database=4))
_ATHENA = message(_texts(table=1, query=2, database=3, dataSource=4))
_SPARK = message(_texts(table=1, query=2, path=3, fileFormat=4))
_CUSTOM = message(_texts(configuration=1))
_KAFKA = message(_texts(kafkaBootstrapServers=1, topic=2))
_KINESIS = message(_texts(region=1, streamName=2))
_REQUEST = message({3: Field("schema", _FEATURE, many=True)})
_SOURCE_META = message({3: Field("createdTimestamp", time), 4: Field("lastUpdatedTimestamp", time)})
_SOURCE_FIELDS = {
    **_texts(
        name=20,
        project=21,
        description=23,
        owner=25,
        timestampField=3,
        datePartitionColumn=4,
        createdTimestampColumn=5,
        dataSourceClassType=17,
    ),
    1: Field("type", word(SOURCE_TYPES)),
    2: keyed("fieldMapping"),
    24: keyed("tags"),
    11: Field("fileOptions", _FILE),
    12: Field("bigqueryOptions", _QUERIED),
    13: Field("kafkaOptions", _KAFKA),
    14: Field("kinesisOptions", _KINESIS),
    15: Field("redshiftOptions", _TABLE),
    16: Field("customOptions", _CUSTOM),
    18: Field("requestDataOptions", _REQUEST),
    19: Field("snowflakeOptions", _TABLE),
    22: Field("pushOptions", message({})),
    27: Field("sparkOptions", _SPARK),
    30: Field("trinoOptions", _QUERIED),
    35: Field("athenaOptions", _ATHENA),
    50: Field("meta", _SOURCE_META),
}


def _source(value: Wire, depth: int) -> object:
    return _SOURCE(value, depth)


_SOURCE_FIELDS[26] = Field("batchSource", _source)
_SOURCE = message(_SOURCE_FIELDS)

_INTERVAL = message({1: Field("startTime", time), 2: Field("endTime", time)})
_VIEW_META = message(
    {
        **_MADE,
        3: Field("materializationIntervals", _INTERVAL, many=True),
        4: Field("currentVersionNumber", integer),
        5: Field("versionId", text),
        6: Field("state", word(STATES)),
    }
)
_FUNCTION = message(_texts(name=1, bodyText=3, mode=4))
_TRANSFORMATION = message(
    {1: Field("userDefinedFunction", _FUNCTION), 2: Field("substraitTransformation", message({}))}
)
_VIEW_FIELDS = {
    **_texts(name=1, project=2, description=10, owner=11, mode=16, version=18, org=19),
    3: _ENTITIES,
    4: _FEATURES,
    5: keyed("tags"),
    6: Field("ttl", duration),
    7: Field("batchSource", _source),
    8: Field("online", flag),
    9: Field("streamSource", _source),
    12: _ENTITY_COLUMNS,
    13: Field("offline", flag),
    15: Field("featureTransformation", _TRANSFORMATION),
    20: Field("disabled", flag),
}


def _view_spec(value: Wire, depth: int) -> object:
    return _VIEW_SPEC(value, depth)


_VIEW_FIELDS[14] = Field("sourceViews", _view_spec, many=True)
_VIEW_SPEC = message(_VIEW_FIELDS)
_VIEW = message({1: Field("spec", _VIEW_SPEC), 2: Field("meta", _VIEW_META)})

_PROJECTION = message(
    {
        **_texts(featureViewName=1, featureViewNameAlias=3, viewType=11),
        2: Field("featureColumns", _FEATURE, many=True),
        4: keyed("joinKeyMap"),
        8: Field("batchSource", _source),
        9: Field("streamSource", _source),
        10: Field("versionTag", integer),
    }
)
_STREAM_VIEW = message(
    {
        1: Field(
            "spec",
            message(
                {
                    **_texts(name=1, project=2, description=6, owner=8, mode=14, version=21, org=22),
                    3: _ENTITIES,
                    4: _FEATURES,
                    5: _ENTITY_COLUMNS,
                    7: keyed("tags"),
                    9: Field("ttl", duration),
                    10: Field("batchSource", _source),
                    11: Field("streamSource", _source),
                    12: Field("online", flag),
                    13: Field("userDefinedFunction", _FUNCTION),
                    17: Field("featureTransformation", _TRANSFORMATION),
                    23: Field("disabled", flag),
                }
            ),
        ),
        2: Field("meta", _VIEW_META),
    }
)
_INGREDIENT = message(
    {
        1: Field("featureView", _VIEW),
        2: Field("requestDataSource", _source),
        3: Field("featureViewProjection", _PROJECTION),
    }
)
_ON_DEMAND_VIEW = message(
    {
        1: Field(
            "spec",
            message(
                {
                    **_texts(name=1, project=2, description=6, owner=8, mode=11, version=17, org=18),
                    3: _FEATURES,
                    4: keyed("sources", _INGREDIENT),
                    5: Field("userDefinedFunction", _FUNCTION),
                    7: keyed("tags"),
                    10: Field("featureTransformation", _TRANSFORMATION),
                    12: Field("writeToOnlineStore", flag),
                    13: _ENTITIES,
                    14: _ENTITY_COLUMNS,
                    19: Field("disabled", flag),
                }
            ),
        ),
        2: Field(
            "meta",
            message(
                {
                    **_MADE,
                    3: Field("currentVersionNumber", integer),
                    4: Field("versionId", text),
                    5: Field("state", word(STATES)),
                }
            ),
        ),
    }
)
_LABEL_VIEW = _spec(
    {
        **_texts(name=1, project=2, description=9, owner=10, labelerField=12, referenceFeatureView=15),
        3: _ENTITIES,
        4: _FEATURES,
        5: keyed("tags"),
        6: Field("ttl", duration),
        7: Field("source", _source),
        8: Field("online", flag),
        11: _ENTITY_COLUMNS,
    }
)
_SERVICE = _spec(
    {
        **_texts(name=1, project=2, description=5, owner=6),
        3: Field("features", _PROJECTION, many=True),
        4: keyed("tags"),
    }
)
_ENTITY = _spec(
    {
        **_texts(name=1, project=9, description=3, joinKey=4, owner=10),
        2: Field("valueType", word(TYPES)),
        8: keyed("tags"),
    }
)
_STORAGE = message(
    {
        4: Field("fileStorage", _FILE),
        5: Field("bigqueryStorage", _QUERIED),
        6: Field("redshiftStorage", _TABLE),
        7: Field("snowflakeStorage", _TABLE),
        8: Field("trinoStorage", _QUERIED),
        9: Field("sparkStorage", _SPARK),
        10: Field("customStorage", _CUSTOM),
        11: Field("athenaStorage", _ATHENA),
    }
)
_SAVED = _spec(
    {
        **_texts(name=1, project=2, featureServiceName=8, description=11),
        3: Field("features", text, many=True),
        4: Field("joinKeys", text, many=True),
        6: Field("storage", _STORAGE),
        7: keyed("tags"),
    }
)
_NAMED = _spec(_texts(name=1, project=2))
_RECORD = message(
    {
        **_texts(featureViewName=1, projectId=2, featureViewType=4, description=7, versionId=8),
        3: Field("versionNumber", integer),
        6: Field("createdTimestamp", time),
    }
)
HISTORY = message({1: Field("records", _RECORD, many=True)})

REGISTRY: dict[int, tuple[str, Decoder]] = {
    1: ("entity", _ENTITY),
    2: ("feature-table", message({})),
    6: ("feature-view", _VIEW),
    7: ("feature-service", _SERVICE),
    8: ("on-demand-feature-view", _ON_DEMAND_VIEW),
    10: ("infra", message({})),
    11: ("saved-dataset", _SAVED),
    12: ("data-source", _SOURCE),
    13: ("validation-reference", message(_texts(name=1, project=3))),
    14: ("stream-feature-view", _STREAM_VIEW),
    16: ("permission", _NAMED),
    17: ("project", _spec(_texts(name=1, description=2, owner=4))),
    19: ("label-view", _LABEL_VIEW),
}
"""The kind of object under each field of `Registry`, and how it is read."""

SCHEMA_VERSION, VERSION_ID, LAST_UPDATED, PROJECT_METADATA, VERSION_HISTORY = 3, 4, 5, 15, 18
"""The fields of `Registry` that are no objects."""

KINDS = dict(REGISTRY.values())
"""How an object of each kind is read."""

TABLES = {
    "projects": ("project", "project"),
    "entities": ("entity", "entity"),
    "data_sources": ("data_source", "data-source"),
    "feature_views": ("feature_view", "feature-view"),
    "stream_feature_views": ("feature_view", "stream-feature-view"),
    "on_demand_feature_views": ("feature_view", "on-demand-feature-view"),
    "label_views": ("feature_view", "label-view"),
    "feature_services": ("feature_service", "feature-service"),
    "saved_datasets": ("saved_dataset", "saved-dataset"),
    "validation_references": ("validation_reference", "validation-reference"),
    "permissions": ("permission", "permission"),
    "managed_infra": ("infra", "infra"),
}
"""The tables of an SQL registry: what the columns `*_name` and `*_proto` begin with, and the kind of object in them."""

DUMPED = {
    "entities": "entity",
    "dataSources": "data-source",
    "featureViews": "feature-view",
    "streamFeatureViews": "stream-feature-view",
    "onDemandFeatureViews": "on-demand-feature-view",
    "labelViews": "label-view",
    "featureServices": "feature-service",
    "savedDatasets": "saved-dataset",
    "validationReferences": "validation-reference",
    "permissions": "permission",
    "infra": "infra",
    "projects": "project",
}
"""The lists of `feast registry-dump`, and the kind of object in them."""
