"""Every Prometheus metric of the project, read from one `Status` snapshot per scrape.

Nothing is counted here and nothing costs anything per value: a scrape turns the numbers that the
agent keeps anyway into metric families. There is no global registry. Labels are `device`,
`destination` and small fixed vocabularies: `state`, `kind`, `cause`, `unit`; never a tag. What is
not known (no data yet, a rate that cannot be assessed) has no sample: it can never read as 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector

from agent.losses.causes import CAUSES, Unit
from agent.losses.spans import totals_by_cause
from agent.telemetry.status import DeviceState
from agent.telemetry.taglist import not_good

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.metrics_core import Metric

    from agent.telemetry.status import (
        DeviceStatus,
        RateStatus,
        Status,
        StoreStatus,
    )

MACHINE_STATES: Final = ("running", "idle", "alarm", "setup", "off", "unknown")
"""The six machine states, as `agent.config.model.MachineState` names them."""

CLOCK_STATES: Final = ("sync", "hold", "free")
"""How far the wall clock can be trusted."""

UP: Final = frozenset({DeviceState.ONLINE, DeviceState.DEGRADED})
"""States in which a device answers."""

_MS = 1000


class Metrics:
    """The collector: asks for a snapshot at each scrape. Satisfies prometheus-client's protocol."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status
        self._process = ProcessCollector(namespace="chulian", registry=None)

    def collect(self) -> Iterator[Metric]:
        """Yield every family with its samples of now."""
        status = self._status()
        yield from _agent(status)
        yield from _devices(status)
        yield from _store(status)
        yield from _destinations(status)
        yield from _rate(status.rate)
        yield from self._process.collect()


def exposition(metrics: Metrics, accept: str) -> tuple[bytes, str]:
    """Render a scrape: body and content type, in the format the `Accept` header prefers."""
    encode, content_type = choose_encoder(accept)
    return encode(metrics), content_type


def _gauge(name: str, text: str, value: float | None) -> Metric:
    """Make a gauge without labels; no sample when there is no value."""
    family = GaugeMetricFamily(f"chulian_{name}", text, labels=())
    if value is not None:
        family.add_metric((), value)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"chulian_{name}", text, value=value)


def _one_hot(name: str, text: str, current: str, states: Iterable[str]) -> Metric:
    family = GaugeMetricFamily(f"chulian_{name}", text, labels=("state",))
    for state in states:
        family.add_metric((state,), state == current)
    return family


def _age_s(now_ms: int, then_ms: int | None) -> float | None:
    """Give seconds since then; 0 when the clock was set back in between, None when never."""
    return None if then_ms is None else max(0, now_ms - then_ms) / _MS


def _agent(status: Status) -> Iterator[Metric]:
    build = GaugeMetricFamily("chulian_build_info", "Always 1; the version is in the label.",
                              labels=("version",))  # fmt: skip
    build.add_metric((status.version,), 1)
    yield build
    yield _gauge("start_time_seconds", "UTC time of the agent's start.", status.started_ms / _MS)
    yield _gauge("ready", "1 when every device has been tried and the store accepts rows.",
                 status.ready)  # fmt: skip
    process = status.process
    yield _gauge("memory_limit_bytes", "What resident memory is kept below.",
                 None if process is None else process.limit_bytes)  # fmt: skip
    yield _gauge("memory_steps", "Steps taken to save memory; 0 while there is enough.",
                 None if process is None else len(process.shed))  # fmt: skip
    yield _gauge("stalled_stages", "Stages that stand still.",
                 None if process is None else len(process.stalled))  # fmt: skip
    yield _one_hot("clock_state", "1 at the state of the wall clock.", status.clock, CLOCK_STATES)


_DEVICE_COUNTERS: Final = (
    ("reads_total", "Reads made of the device.", "reads"),
    ("read_failures_total", "Reads that gave no answer or an unusable one.", "failures"),
    ("missed_polls_total", "Polls that were due and not made.", "missed"),
    ("lost_changes_total", "Changes the device or a full buffer lost.", "lost_changes"),
    ("gaps_total", "Spans in which changes may have been missed.", "gaps"),
    ("values_total", "Values collected.", "values"),
    ("past_values_total", "Values taken from the device's own history.", "past_values"),
    ("coalesced_values_total", "Values on a compressed line, not stored.", "coalesced"),
)


def _devices(status: Status) -> Iterator[Metric]:
    yield _device_gauge(status, "up", "1 while the device answers.", lambda d: d.state in UP)
    yield _device_states(status, "link_state", "1 at the state of the device's link.",
                         [str(s) for s in DeviceState], lambda d: str(d.state))  # fmt: skip
    yield _device_states(status, "machine_state", "1 at the state of the machine.",
                         MACHINE_STATES, lambda d: d.machine_state)  # fmt: skip
    yield _device_gauge(status, "last_data_age_seconds", "Age of the last data of the device.",
                        lambda d: _age_s(status.now_ms, d.last_data_ms))  # fmt: skip
    yield _device_gauge(status, "degraded_points", "Points served worse than configured.",
                        lambda d: sum(r.points for r in d.remarks if r.degraded))  # fmt: skip
    yield _device_gauge(status, "tags", "Tags configured.", lambda d: len(d.tags))
    yield _device_gauge(status, "tags_not_good", "Tags whose last value is not good.",
                        lambda d: len(not_good(d.tags)))  # fmt: skip
    for name, text, field in _DEVICE_COUNTERS:
        counter = CounterMetricFamily(f"chulian_device_{name}", text, labels=("device",))
        for device in status.devices:
            counter.add_metric((device.id,), getattr(device, field))
        yield counter
    yield from _alarms(status)


_ALARM_COUNTERS: Final = (
    ("told", "Alarms and events of the device's own that were stored."),
    ("repeats", "Reports of alarms that a newer one of the same alarm replaced."),
    ("lost", "Alarms lost by the device, on the way, or over the limit per minute."),
)


def _alarms(status: Status) -> Iterator[Metric]:
    """Give the counts of alarms of those devices that are asked for them."""
    for name, text in _ALARM_COUNTERS:
        counter = CounterMetricFamily(f"chulian_device_alarms_{name}_total", text,
                                      labels=("device",))  # fmt: skip
        for device in status.devices:
            if device.alarms is not None:
                counter.add_metric((device.id,), getattr(device.alarms, name))
        yield counter


def _device_gauge(
    status: Status, name: str, text: str, of: Callable[[DeviceStatus], float | None]
) -> Metric:
    family = GaugeMetricFamily(f"chulian_device_{name}", text, labels=("device",))
    for device in status.devices:
        value = of(device)
        if value is not None:
            family.add_metric((device.id,), value)
    return family


def _device_states(
    status: Status, name: str, text: str, states: Iterable[str], of: Callable[[DeviceStatus], str]
) -> Metric:
    family = GaugeMetricFamily(f"chulian_device_{name}", text, labels=("device", "state"))
    for device in status.devices:
        for state in states if of(device) else ():
            family.add_metric((device.id, state), of(device) == state)
    return family


_STORE_COUNTERS: Final = (
    ("stored", "Committed to disk"),
    ("acked", "Accepted by the platform"),
    ("rejected", "Refused by the platform for good and kept aside"),
    ("dropped", "Dropped because of the size or age limit"),
)


def _store(status: Status) -> Iterator[Metric]:
    store = status.store
    for part, text in _STORE_COUNTERS:
        count = getattr(store, part)
        yield _counter(f"store_{part}_rows_total", f"{text}, rows.", count.rows)
        yield _counter(f"store_{part}_values_total", f"{text}, values.", count.values)
    yield _gauge("store_waiting_rows", "Rows waiting to be sent.", store.waiting.rows)
    yield _gauge("store_waiting_values", "Values waiting to be sent.", store.waiting.values)
    yield _gauge("store_waiting_bytes", "Bytes of the rows that wait.", store.waiting_bytes)
    yield _gauge("store_limit_bytes", "Bytes the store may hold.", store.limit_bytes)
    yield _gauge("store_oldest_age_seconds", "Age of the oldest waiting row; 0 when none waits.",
                 _age_s(status.now_ms, store.oldest_ms) or 0)  # fmt: skip
    yield _gauge("store_intake_frames", "Frames collected and not yet committed.",
                 store.intake_frames)  # fmt: skip
    yield _counter("store_commits_total", "Commits made.", store.commits)
    yield _gauge("store_balanced", "1 while stored = acked + rejected + dropped + waiting.",
                 store.balanced)  # fmt: skip
    yield _counter("store_produced_values_total", "Values that came in to be stored.",
                   store.produced_values or 0)  # fmt: skip
    yield _gauge("store_intake_values", "Values collected and not yet committed.",
                 store.intake_values)  # fmt: skip
    yield _gauge("store_notice", "1 where the store's file was set aside or had lost rows.",
                 store.notice is not None)  # fmt: skip
    yield from _causes(store)
    yield _gauge("store_problem", "1 while the store reports a problem, such as a full disk.",
                 store.problem is not None)  # fmt: skip


def _causes(store: StoreStatus) -> Iterator[Metric]:
    """Give what was dropped and what is missing, by cause."""
    for part in ("rows", "values"):
        counter = CounterMetricFamily(f"chulian_store_dropped_{part}_by_cause_total",
                                      f"Dropped, {part}.", labels=("cause",))  # fmt: skip
        for cause, count in store.causes.items():
            counter.add_metric((cause,), getattr(count, part))
        yield counter
    times = CounterMetricFamily("chulian_losses_total", "How often something went missing.",
                                labels=("cause",))  # fmt: skip
    amount = CounterMetricFamily("chulian_lost_total", "How much, in the unit of the cause.",
                                 labels=("cause", "unit"))  # fmt: skip
    for code, (often, lost) in totals_by_cause(store.losses).items():
        times.add_metric((code,), often)
        known = CAUSES.get(code)
        if known is not None and known.unit is not Unit.SPANS:
            amount.add_metric((code, known.unit.value), lost)
    yield times
    yield amount


_DESTINATION: Final = (
    ("connected", "1 while the broker is connected.", "connected", GaugeMetricFamily),
    ("connects_total", "Connections made to the broker.", "connects", CounterMetricFamily),
    ("in_flight_messages", "Messages sent and not yet acknowledged.", "in_flight",
     GaugeMetricFamily),
    ("sent_messages_total", "Messages sent.", "sent_messages", CounterMetricFamily),
    ("acked_messages_total", "Messages acknowledged.", "acked_messages", CounterMetricFamily),
    ("unconfirmed_rows", "Rows the broker took and the platform has not confirmed.", "unconfirmed",
     GaugeMetricFamily),
)  # fmt: skip


_DESTINATION_ROWS: Final = (
    ("waiting_rows", "Rows waiting for the destination.", "waiting", GaugeMetricFamily),
    ("acked_rows_total", "Rows accepted by the destination.", "acked", CounterMetricFamily),
    ("rejected_rows_total", "Rows refused by the destination for good.", "rejected",
     CounterMetricFamily),
    ("dropped_rows_total", "Rows that the destination will never get.", "dropped",
     CounterMetricFamily),
)  # fmt: skip


def _destinations(status: Status) -> Iterator[Metric]:
    """Give each destination's connection and its rows: the store's own where there is but one."""
    for name, text, field, family_type in _DESTINATION:
        family = family_type(f"chulian_mqtt_{name}", text, labels=("destination",))
        for destination in status.destinations:
            family.add_metric((destination.name,), getattr(destination, field))
        yield family
    for name, text, field, family_type in _DESTINATION_ROWS:
        family = family_type(f"chulian_mqtt_{name}", text, labels=("destination",))
        for destination in status.destinations:
            rows = destination.rows or status.store
            family.add_metric((destination.name,), getattr(rows, field).rows)
        yield family
    balanced = GaugeMetricFamily("chulian_mqtt_balanced", "1 while the destination's rows add up.",
                                 labels=("destination",))  # fmt: skip
    for destination in status.destinations:
        balanced.add_metric((destination.name,), (destination.rows or status.store).balanced)
    yield balanced


_RATE_KINDS: Final = ("declared", "adjusted", "verified", "coverage")


def _rate(rate: RateStatus | None) -> Iterator[Metric]:
    """Give the exact fractions as they are; a ratio is the quotient of the two."""
    numerator = GaugeMetricFamily(
        "chulian_nc_rate_numerator", "Numerator of the key-process CNC rate.", labels=("kind",)
    )
    denominator = GaugeMetricFamily(
        "chulian_nc_rate_denominator", "Denominator of the key-process CNC rate.", labels=("kind",)
    )
    for kind in _RATE_KINDS:
        fraction = None if rate is None else getattr(rate, kind)
        if fraction is not None:
            numerator.add_metric((kind,), fraction[0])
            denominator.add_metric((kind,), fraction[1])
    yield numerator
    yield denominator
