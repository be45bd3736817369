"""What people should know of how a plan is served, in sentences of both languages; pure.

Nothing is told where all is as configured. `degraded` is only what makes the data worse: points
that are read in turns, sampled less often, or that may lose fast changes.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from drivers.api import Remark
from drivers.opcua.profiles import PROFILES
from drivers.opcua.subscribing.served import needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drivers.opcua.calls import Limits
    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.subscribing.served import Served

_ROUNDING: Final = 1.01  # servers round intervals to their own ticks

_WHY: Final = {
    "BadTooManyMonitoredItems": (
        "its room for monitored items is used up", "它的监视项数量已达上限",
    ),
    "BadTooManySubscriptions": ("it gives no subscription", "它不提供订阅或订阅数已满"),
}  # fmt: skip
"""Symbolic status -> what it means of a server, in English and Chinese."""


def remarks_of(served: Served, limits: Limits, *, overflows: int) -> list[Remark]:
    """Tell how a plan is served now, the worst first."""
    return [
        *_polled(served),
        *_overflowed(overflows),
        *_short(served),
        *_slower(served),
        *_missed(served),
        *_too_much(served, limits),
        *_undamped(served),
        *_published(served),
        *_parts(served, limits),
    ]


def _polled(served: Served) -> Iterator[Remark]:
    """Tell of the points that are read in turns, by reason."""
    for reason, count in Counter(served.polled.values()).most_common():
        tags = [tag for tag, why in served.polled.items() if why == reason]
        english, chinese = _WHY.get(reason, ("it does not monitor them", "它不支持订阅这些点"))
        every = _seconds(served.sampling_s)
        yield Remark(
            "polled_instead",
            f"{count} of {len(served.plan.tags)} points are read every {every} s instead of being "
            f"subscribed to; the server refuses: {english} ({reason})",
            f"{count} 个点改为轮询，每 {every} 秒读一次；服务器拒绝订阅：{chinese}（{reason}）",
            degraded=True,
            tags=_names(served.plan, tags),
        )


def _overflowed(overflows: int) -> Iterator[Remark]:
    if overflows:
        yield Remark(
            "server_overflow",
            f"Queues in the server ran over {overflows} times since it was connected; "
            "each time at least one change was lost",
            f"本次连接以来服务器的队列溢出 {overflows} 次，每次至少丢失一次变化",
            degraded=True,
        )


def _short(served: Served) -> Iterator[Remark]:
    for (sampling_s, queue_size), tags in served.short().items():
        samples = needed(sampling_s, served.publishing_s)
        every = _seconds(served.publishing_s)
        yield Remark(
            "queue_short",
            f"{len(tags)} points: the server keeps {queue_size} samples, and {samples} arise "
            f"between two messages ({every} s); fast changes are lost",
            f"{len(tags)} 个点：两次发布之间（{every} 秒）有 {samples} 个采样，"
            f"服务器队列只存 {queue_size} 个，快速变化会丢失",
            degraded=True,
            tags=_names(served.plan, tags),
        )


def _slower(served: Served) -> Iterator[Remark]:
    for sampling_s, tags in sorted(served.slower().items()):
        asked, given = _seconds(served.sampling_s), _seconds(sampling_s)
        yield Remark(
            "sampled_slower",
            f"{len(tags)} points are sampled every {given} s, not every {asked} s: "
            "the server is no faster",
            f"{len(tags)} 个点的采样周期被服务器改为 {given} 秒（配置为 {asked} 秒）",
            degraded=True,
            tags=_names(served.plan, tags),
        )


def _missed(served: Served) -> Iterator[Remark]:
    if served.missed_rounds:
        yield Remark(
            "rounds_missed",
            f"{served.missed_rounds} rounds of reading were not made: the server answers slowly",
            f"服务器应答慢，有 {served.missed_rounds} 轮轮询没有做",
            degraded=True,
        )


def _too_much(served: Served, limits: Limits) -> Iterator[Remark]:
    """Warn where a controller is known to have no time for so many samples."""
    profile = PROFILES[limits.profile]
    if profile.samples_per_s is None:
        return
    load = sum(len(tags) / s for (s, _), tags in served.monitored.items() if s > 0)
    most = profile.samples_per_s.value
    if load > most:
        yield Remark(
            "too_many_samples",
            f"{load:.0f} samples a second are asked of the controller; a {profile.title} "
            f"has time for {most:.0f}: raise the interval of the group",
            f"每秒要采样 {load:.0f} 次，{profile.title} 每秒最多 {most:.0f} 次："
            "请加大该组的采集周期",
        )


def _undamped(served: Served) -> Iterator[Remark]:
    for reason, count in Counter(served.undamped.values()).most_common():
        tags = [tag for tag, why in served.undamped.items() if why == reason]
        yield Remark(
            "no_server_deadband",
            f"{count} points come without a deadband of the server: it refuses one ({reason})",
            f"{count} 个点没有使用服务器端死区：服务器不接受（{reason}）",
            tags=_names(served.plan, tags),
        )


def _published(served: Served) -> Iterator[Remark]:
    if served.publishing_s > served.asked_publishing_s * _ROUNDING:
        asked, given = _seconds(served.asked_publishing_s), _seconds(served.publishing_s)
        yield Remark(
            "published_slower",
            f"The server sends every {given} s, not every {asked} s; no sample is lost by that",
            f"服务器每 {given} 秒发送一次（要求 {asked} 秒），采样不会因此丢失",
        )


def _parts(served: Served, limits: Limits) -> Iterator[Remark]:
    """Tell of the limits that cost more requests or subscriptions."""
    most = min(limits.monitor, served.plan.max_items_per_call)
    requests = math.ceil(len(served.plan.tags) / most)
    profile = PROFILES[limits.profile]
    if served.subscriptions > 1:
        yield Remark(
            "several_subscriptions",
            f"{served.subscriptions} subscriptions: the server takes "
            f"{limits.items_per_subscription} points in one",
            f"分成 {served.subscriptions} 个订阅：服务器每个订阅最多 "
            f"{limits.items_per_subscription} 个点",
        )
    if requests > 1:
        yield Remark(
            "several_requests",
            f"{requests} requests subscribe to the points: {most} in one ({profile.title})",
            f"订阅分 {requests} 次请求完成，每次 {most} 个点（服务器类型：{profile.title}）",
        )


def _names(plan: OpcuaPlan, tags: Iterable[int]) -> tuple[str, ...]:
    return tuple(plan.tags[tag].name for tag in sorted(tags))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g}"
