"""Strategies for the standard's answers, filled at random; asyncua encodes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import prod

from asyncua import ua
from hypothesis import strategies as st
from unit.drivers.opcua.opcua_wire import SCALAR_VALUES

T = ua.VariantType
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.integers(1, 2_650_467_743_000_000_00).map(
    lambda tens_of_us: datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=tens_of_us)
)
STATUSES = st.integers(0, 2**32 - 1).map(ua.StatusCode)
INDEXES = st.integers(0, 2**16 - 1)

node_ids = st.one_of(
    st.builds(ua.NodeId, st.integers(0, 2**32 - 1), INDEXES, st.just(ua.NodeIdType.Numeric)),
    st.builds(ua.NodeId, st.integers(0, 255), st.just(0), st.just(ua.NodeIdType.TwoByte)),
    st.builds(ua.NodeId, st.text(max_size=6), INDEXES, st.just(ua.NodeIdType.String)),
    st.builds(ua.NodeId, st.uuids(), INDEXES, st.just(ua.NodeIdType.Guid)),
    st.builds(ua.NodeId, st.binary(max_size=6), INDEXES, st.just(ua.NodeIdType.ByteString)),
)
expanded = st.builds(
    ua.ExpandedNodeId,
    st.text(max_size=6),
    INDEXES,
    st.just(ua.NodeIdType.String),
    st.text(min_size=1, max_size=6),
    st.integers(1, 99),
)
names = st.builds(ua.QualifiedName, TEXTS, st.integers(0, 2**15 - 1))
texts = st.builds(ua.LocalizedText, TEXTS, TEXTS)

structures = st.one_of(
    st.builds(ua.Range, st.floats(allow_nan=False), st.floats(allow_nan=False)),
    st.builds(ua.EUInformation, TEXTS, st.integers(-9, 9), texts, texts),
    st.builds(ua.EnumValueType, st.integers(-9, 9), texts, texts),
    st.builds(ua.ReadRawModifiedDetails, st.booleans(), TIMES, TIMES, st.integers(0, 9)),
)
"""Structures of the standard, as asyncua's objects."""
opaque = st.builds(
    ua.ExtensionObject,
    st.builds(ua.NodeId, st.integers(1, 999), st.integers(1, 9), st.just(ua.NodeIdType.Numeric)),
    st.binary(min_size=1, max_size=12),
)
"""Structures of somebody else; the library sets their encoding when it sends them."""

elements = SCALAR_VALUES | {
    T.NodeId: node_ids,
    T.ExpandedNodeId: expanded | node_ids,
    T.ExtensionObject: structures,
}
kinds = st.sampled_from(list(elements))
scalars = kinds.flatmap(lambda kind: elements[kind].map(lambda value: ua.Variant(value, kind)))
arrays = kinds.flatmap(
    lambda kind: st.lists(elements[kind], max_size=5).map(
        lambda values: ua.Variant(values, kind, is_array=True)
    )
)


@st.composite
def matrices(draw):
    """Draw a variant of two or three dimensions, none of them empty."""
    kind = draw(kinds)
    dimensions = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    flat = draw(st.lists(elements[kind], min_size=prod(dimensions), max_size=prod(dimensions)))
    for size in reversed(dimensions[1:]):
        flat = [flat[start : start + size] for start in range(0, len(flat), size)]
    return ua.Variant(flat, kind, dimensions, is_array=True)


nested = st.lists(scalars, max_size=3).map(lambda them: ua.Variant(them, T.Variant, is_array=True))
variants = st.one_of(scalars, arrays, matrices(), nested)
values = st.builds(
    ua.DataValue, variants, st.none() | STATUSES, st.none() | TIMES, st.none() | TIMES
)

headers = st.builds(
    ua.ResponseHeader,
    TIMES,
    st.integers(0, 99),
    st.just(ua.StatusCode(0)),
    st.just(ua.DiagnosticInfo()),
    st.lists(TEXTS, max_size=2),
    st.just(ua.ExtensionObject()),
)
references = st.builds(
    ua.ReferenceDescription, node_ids, st.booleans(), expanded, names, texts,
    st.sampled_from(ua.NodeClass), expanded,
)  # fmt: skip
browsed = st.builds(
    ua.BrowseResult, STATUSES, st.none() | st.binary(max_size=5), st.lists(references, max_size=3)
)
endpoints = st.builds(
    ua.EndpointDescription, TEXTS,
    st.builds(ua.ApplicationDescription, TEXTS, TEXTS, texts, st.sampled_from(ua.ApplicationType)),
    st.binary(max_size=9), st.sampled_from(ua.MessageSecurityMode), TEXTS,
    st.lists(st.builds(ua.UserTokenPolicy, TEXTS, st.sampled_from(ua.UserTokenType)), max_size=2),
)  # fmt: skip
kept = st.builds(
    ua.HistoryReadResult, STATUSES, st.none() | st.binary(max_size=5),
    st.builds(ua.HistoryData, st.lists(values, max_size=3)),
)  # fmt: skip
created = st.builds(
    ua.MonitoredItemCreateResult, STATUSES, st.integers(0, 9), st.floats(0, 9), st.integers(0, 9)
)


def _lists(kind, results):
    return st.builds(kind, ResponseHeader=headers, Results=st.lists(results, max_size=3))


answers = st.one_of(
    _lists(ua.ReadResponse, values),
    _lists(ua.WriteResponse, STATUSES),
    _lists(ua.BrowseResponse, browsed),
    _lists(ua.HistoryReadResponse, kept),
    _lists(ua.CreateMonitoredItemsResponse, created),
    st.builds(
        ua.GetEndpointsResponse, ResponseHeader=headers, Endpoints=st.lists(endpoints, max_size=3)
    ),
    st.builds(ua.ServiceFault, ResponseHeader=headers),
)
"""Answers of every shape the driver asks for."""
