"""The packet codec: what goes in comes out, and nothing else gets through."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulators.mqtt.decode import Framer, decode
from simulators.mqtt.encode import encode
from simulators.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
)
from simulators.mqtt.topics import levels_of, matches, valid_filter, valid_topic
from simulators.mqtt.wire import MAX_VARINT, MqttError, Property, Reader, write_varint

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
IDS = st.integers(1, 65_535)
BYTE = st.integers(0, 255)
DATA = st.binary(max_size=200)
VERSIONS = st.sampled_from(Version)
MESSAGE_PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        Property.PAYLOAD_FORMAT: BYTE,
        Property.MESSAGE_EXPIRY_S: st.integers(0, 2**32 - 1),
        Property.CONTENT_TYPE: TEXT,
        Property.CORRELATION_DATA: DATA,
        Property.USER_PROPERTY: st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3).map(tuple),
    },
)
CONNECT_PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        Property.SESSION_EXPIRY_S: st.integers(0, 2**32 - 1),
        Property.RECEIVE_MAXIMUM: IDS,
        Property.MAXIMUM_PACKET_BYTES: st.integers(0, 2**32 - 1),
    },
)


def properties_for(version, strategy):
    return strategy if version is Version.V5 else st.just({})


@st.composite
def publishes(draw, version):
    qos = draw(st.integers(0, 2))
    return Publish(
        draw(TEXT),
        draw(DATA),
        qos,
        draw(st.booleans()),
        draw(st.booleans()) if qos else False,
        draw(IDS) if qos else 0,
        draw(properties_for(version, MESSAGE_PROPERTIES)),
    )


@st.composite
def connects(draw, version):
    will = Will(
        draw(TEXT),
        draw(DATA),
        draw(st.integers(0, 2)),
        draw(st.booleans()),
        draw(properties_for(version, MESSAGE_PROPERTIES)),
    )
    return Connect(
        draw(TEXT),
        version,
        draw(st.booleans()),
        draw(st.integers(0, 65_535)),
        draw(st.sampled_from([None, will])),
        draw(st.none() | TEXT),
        draw(st.none() | DATA),
        draw(properties_for(version, CONNECT_PROPERTIES)),
    )


def subscriptions(version):
    if version is Version.V311:
        return st.builds(Subscription, TEXT, st.integers(0, 2))
    boolean = st.booleans()
    return st.builds(Subscription, TEXT, st.integers(0, 2), boolean, boolean, st.integers(0, 2))


@st.composite
def packets(draw):
    version = draw(VERSIONS)
    v5 = version is Version.V5
    some = {"min_size": 1, "max_size": 4}
    kind = draw(
        st.sampled_from(
            [
                publishes(version),
                connects(version),
                st.builds(Connack, BYTE, st.booleans()),
                st.builds(Puback, IDS, BYTE if v5 else st.just(0)),
                st.builds(Subscribe, IDS, st.lists(subscriptions(version), **some).map(tuple)),
                st.builds(Suback, IDS, st.lists(BYTE, max_size=4).map(tuple)),
                st.builds(Unsubscribe, IDS, st.lists(TEXT, **some).map(tuple)),
                st.builds(
                    Unsuback, IDS, st.lists(BYTE, max_size=4).map(tuple) if v5 else st.just(())
                ),
                st.builds(Disconnect, BYTE if v5 else st.just(0)),
                st.just(Pingreq()),
                st.just(Pingresp()),
            ]
        )
    )
    return version, draw(kind)


def reads_or_names(first, body, version):
    """Whether the bytes end in a packet or in an MqttError that can be told; others pass on."""
    try:
        return decode(first, body, version) is not None
    except MqttError as error:
        return bool(str(error)) and error.reason >= 0x80


@settings(deadline=None)
@given(packets())
def test_decode_reads_what_encode_writes(case):
    """Every packet survives the wire, in both versions."""
    version, packet = case
    frames = list(Framer(1 << 20).feed(encode(packet, version)))
    assert [decode(*frame, version) for frame in frames] == [packet]


@settings(deadline=None)
@given(st.lists(packets(), max_size=5), st.lists(st.integers(1, 50), max_size=30))
def test_framer_does_not_care_how_the_stream_is_cut(cases, cuts):
    """Packets come out the same however the bytes arrive."""
    stream = b"".join(encode(packet, version) for version, packet in cases)
    framer, frames, position = Framer(1 << 20), [], 0
    for cut in [*cuts, len(stream)]:
        frames += list(framer.feed(stream[position : position + cut]))
        position += cut
    assert [decode(*f, v) for f, (v, _) in zip(frames, cases, strict=True)] == [p for _, p in cases]


@settings(deadline=None)
@given(BYTE, st.binary(max_size=60), VERSIONS)
@example(0x10, b"\x00\x04MQTT\x05\xff\x00\x00\x00", Version.V5)
def test_any_bytes_end_in_a_packet_or_a_named_error(first, body, version):
    """Random bytes never end in anything but a packet or MqttError."""
    assert reads_or_names(first, body, version)


@settings(deadline=None)
@given(packets(), st.data())
def test_damaged_packets_end_in_a_packet_or_a_named_error(case, data):
    """A packet with one byte changed or cut off never ends in another error."""
    version, packet = case
    ((first, body),) = Framer(1 << 20).feed(encode(packet, version))
    damaged = bytearray(body)
    if damaged:
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(BYTE)
        del damaged[data.draw(st.integers(0, len(damaged))) :]
    assert reads_or_names(first, bytes(damaged), version)


def test_too_large_a_packet_is_refused_by_its_header():
    """A packet above the limit is refused before its body is there."""
    framer = Framer(100)
    with pytest.raises(MqttError, match="exceeds 100 bytes"):
        list(framer.feed(b"\x30\xff\x7f"))


@settings(deadline=None)
@given(st.integers(0, MAX_VARINT))
def test_varint_round_trip(value):
    """Variable byte integers survive the wire in at most four bytes."""
    data = write_varint(value)
    assert len(data) <= 4
    assert Reader(data).varint() == value


@pytest.mark.parametrize("value", [-1, MAX_VARINT + 1])
def test_varint_range(value):
    """What does not fit four bytes is refused."""
    with pytest.raises(ValueError, match="does not fit"):
        write_varint(value)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+/c", "a//c", True),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("+", "", True),
        ("/+", "/a", True),
        ("+", "/a", False),
        ("A", "a", False),
    ],
)
def test_filters_match_as_the_standard_says(topic_filter, topic, expected):
    """The examples of the standard's section 4.7 hold."""
    assert matches(levels_of(topic_filter), levels_of(topic)) is expected


@pytest.mark.parametrize("name", ["#", "a/#", "+/a/+", "/", "a//b", "+"])
def test_valid_filters(name):
    """Wildcards that stand alone in a level are fine."""
    assert valid_filter(name)


@pytest.mark.parametrize("name", ["", "a#", "#/a", "a/b+", "a/\0", "/" * 100])
def test_invalid_filters(name):
    """Wildcards inside a level, `#` before the end, U+0000 and abysses are refused."""
    assert not valid_filter(name)


@pytest.mark.parametrize("name", ["", "a/+", "#", "a\0", "/" * 100])
def test_invalid_topics(name):
    """A topic name holds no wildcards."""
    assert not valid_topic(name)
