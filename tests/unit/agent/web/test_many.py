"""Many devices on one page: what they need is said once, and none is shown better than it is."""

from __future__ import annotations

from dataclasses import replace

from unit.agent.telemetry.status_samples import NOW_MS, UNPLUGGED, device, well

from agent.telemetry.status import DeviceState
from agent.web.devices import devices
from agent.web.headline import headline
from agent.web.view import View

ZH = View("zh", NOW_MS)
NOBODY = frozenset()


def test_headline_says_once_what_many_devices_need():
    """Thirty meters behind one cable are one line with a few names, each a link to its card."""
    meters = tuple(
        device(f"E{n:02}", f"电表 {n}", DeviceState.BACKOFF, problem=UNPLUGGED)
        for n in range(1, 31)
    )
    text = str(headline(replace(well(), devices=meters), ZH))
    assert text.count("<li>") == 1
    assert text.count(UNPLUGGED.zh) == 1
    assert [f'href="#d-E{n:02}"' in text for n in (1, 5, 6)] == [True, True, False]
    assert "等 30 台：" in text


def test_a_chip_warns_of_a_device_without_a_state_that_is_degraded():
    """A meter of which points fail is not shown as well among the others."""
    status = replace(well(), devices=(device("E1", "", DeviceState.DEGRADED, machine_state=""),))
    assert 'class="state s-warn"' in str(devices(status, ZH, NOBODY))
