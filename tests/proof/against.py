"""What speaks against a machine (rate, section 5.1), from a proof file's members alone.

Written from docs/specs/rate with the standard library; part of `recompute.py`. Hours are counted
from the start of the shop day, so it holds for time zones without summer time.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from datetime import date

ORDER = (
    "duplicate_endpoint", "simulator", "identity_mismatch", "copied", "flat_line",
    "no_transition", "counter_back", "too_regular", "outside_shifts", "alike", "duplicate_serial",
)  # fmt: skip
"""The gravest first."""
BETWEEN = {"duplicate_endpoint", "duplicate_serial"}
SPACE = 2**32


def plain(text):
    """Give a text without case, blanks and signs."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def agree(one, other):
    """Tell whether one text contains the other."""
    one, other = plain(one), plain(other)
    return bool(one and other) and (one in other or other in one)


def serial(text):
    """Give a serial number that is one; empty for defaults."""
    text = plain(text)
    return "" if len(text) < 4 or len(set(text)) == 1 or text in "0123456789" else text


def family(text, side, signatures):
    """Give the one family of controllers that a text names."""
    text = unicodedata.normalize("NFKC", text).casefold()
    found = {
        name
        for name, words in signatures["controllers"].items()
        if any(word in text for word in words[side])
    }
    return found.pop() if len(found) == 1 else ""


def told(identity, signatures):
    """Give the family of controllers that a device names."""
    says = f"{identity['maker']} {identity['model']} {identity['uri']}"
    return family(says, "device", signatures)


def names_controller(machine, facts, signatures):
    """Tell whether the device names the family of controllers that the ledger declares."""
    declared = family(machine["controller"], "ledger", signatures)
    return bool(facts and declared) and declared == told(facts["identity"], signatures)


def by_identity(machine, facts, signatures):
    """Yield what the texts of the device say against a machine."""
    if not facts:
        return
    identity = facts["identity"]
    texts = [text for key, text in identity.items() if key != "raw"]
    texts += [text for _, text in identity["raw"]]
    lower = [unicodedata.normalize("NFKC", text).casefold() for text in texts]
    if any(word in text for text in lower for word in signatures["simulators"]):
        yield "simulator"
    declared, device = (
        family(machine["controller"], "ledger", signatures), told(identity, signatures),
    )  # fmt: skip
    if declared and device:
        if declared != device:
            yield "identity_mismatch"
        return
    if device:
        return
    maker, model = (agree(machine[key], identity[key]) for key in ("maker", "model"))
    other_model = maker and plain(machine["model"]) and plain(identity["model"]) and not model
    numbers = serial(machine["serial"]), serial(identity["serial"])
    other_number = (maker or model) and all(numbers) and not agree(*numbers)
    if other_model or other_number:
        yield "identity_mismatch"


def between(devices):
    """Give (finding, rival) by device of devices that are one source, or say one serial number."""
    found = defaultdict(list)
    for one, mine in devices.items():
        for other, theirs in devices.items():
            if one == other:
                continue
            common = set(mine["controls"]) & set(theirs["controls"])
            fewer = min(len(mine["controls"]), len(theirs["controls"]))
            same_place = mine["endpoint"] == theirs["endpoint"]
            if mine["endpoint"] and same_place and fewer and 2 * len(common) >= fewer:
                found[one].append(("duplicate_endpoint", other))
            says, said = mine["identity"], theirs["identity"]
            if not same_place and says["model"] and serial(says["serial"]) and (
                (says["maker"], says["model"], serial(says["serial"]))
                == (said["maker"], said["model"], serial(said["serial"]))
            ):  # fmt: skip
                found[one].append(("duplicate_serial", other))
    return found


def equal_days(days, key, least, *, share):
    """Yield (earlier, later) of neighbours with equal content, each as (day, device)."""
    rich = []
    for one in days:
        kept = one[key]["kept"]
        hashes = [int(kept[n : n + 8], 16) for n in range(0, len(kept), 8)]
        offered = one[key]["offered"]
        if offered >= least and len(hashes) >= 12:
            different = (len(hashes) - 1) * SPACE / max(hashes[-1], 1)
            if different >= offered * 0.5:
                rich.append(((one["day"], one["device"]), set(hashes)))
    rich.sort(key=lambda item: item[0])
    holders = defaultdict(list)
    for at, (_, hashes) in enumerate(rich):
        met = defaultdict(int)
        for hashed in hashes:
            for other in holders[hashed][-8:]:
                met[other] += 1
            holders[hashed].append(at)
        for other in (one for one, count in met.items() if count > 1):
            known = rich[other][1]
            size = min(len(hashes), len(known))
            smallest = sorted(hashes | known)[:size]
            if sum(h in hashes and h in known for h in smallest) >= size * share:
                yield rich[other][0], rich[at][0]


def copied(days, key, least, *, share, at_least):
    """Give the devices with enough days that are those of one other."""
    seen = defaultdict(set)
    for (earlier_day, earlier), (later_day, later) in equal_days(days, key, least, share=share):
        seen[later, earlier].add(later_day)
        if earlier_day == later_day:
            seen[earlier, later].add(earlier_day)
    return {device for (device, _), found in seen.items() if len(found) >= at_least}


def minutes(text):
    """Give a time of day as minutes after midnight."""
    hour, _, minute = text.partition(":")
    return (int(hour) * 60 + int(minute)) % 1440


def in_shifts(hour, shifts):
    """Tell whether an hour of a working day touches a shift."""
    begins = minutes(shifts["day_starts"])
    spans = [
        ((minutes(s["start"]) - begins) % 1440,
         (minutes(s["end"]) - minutes(s["start"])) % 1440 or 1440)
        for s in shifts["shifts"]
    ]  # fmt: skip
    return any(start < (hour + 1) * 60 and hour * 60 < start + size for start, size in spans)


def by_days(days, shifts, works):
    """Yield what the days of one device show against it."""
    flat = [
        d for d in days
        if d["states"].get("running", 0) >= 4 * 3600 and d["movers"] >= 2 and not d["moved"]
        and not any(c["increase"] for c in d["counters"])
    ]  # fmt: skip
    if len(flat) >= 3 and not any(d["moved"] for d in days):
        yield "flat_line"
    states = {state for d in days for state in d["states"]}
    seen_s = sum(s for d in days for s in d["states"].values())
    if seen_s >= 40 * 3600 and len(states) == 1 and not any(d["transitions"] for d in days):
        yield "no_transition"
    back = defaultdict(int)
    for counter in (c for d in days for c in d["counters"]):
        back[counter["name"]] += counter["back"]
    if max(back.values(), default=0) >= 3:
        yield "counter_back"
    even = [
        d for d in days
        if d["stays"]["offered"] >= 100 and d["hours"] & 0xFFFFFF == 0xFFFFFF
        and d["even"] >= d["stays"]["offered"] * 0.995
    ]  # fmt: skip
    if len(even) >= 5 and len(even) == len(days):
        yield "too_regular"
    if shifts["shifts"]:
        parts = [
            (s, works(date.fromisoformat(d["day"])) and in_shifts(int(hour), shifts))
            for d in days
            for hour, s in d["running"].items()
        ]
        outside = sum(s for s, inside in parts if not inside)
        if outside >= 20 * 3600 and outside > sum(s for s, _ in parts) * 0.9:
            yield "outside_shifts"


class Findings:
    """Everything found in the window, asked machine by machine."""

    def __init__(self, days, devices, settings, works):
        self._devices, self._signatures = devices, settings["signatures"]
        self._between = between(devices)
        self._found = defaultdict(set)
        own = defaultdict(list)
        for one in days:
            own[one["device"]].append(one)
        for device, found in own.items():
            self._found[device].update(by_days(found, settings["shifts"], works))
        accused = copied(days, "values", 60, share=0.5, at_least=3)
        for device in accused:
            self._found[device].add("copied")
        for device in copied(days, "stays", 24, share=0.75, at_least=5) - accused:
            self._found[device].add("alike")

    def against(self, machine, counted_devices):
        """Give what speaks against a machine, the gravest first."""
        device = machine["device"]
        if device is None:
            return []
        found = set(self._found[device])
        found.update(by_identity(machine, self._devices.get(device), self._signatures))
        found.update(code for code, rival in self._between[device] if rival in counted_devices)
        return sorted(found, key=ORDER.index)

    def unread(self, machine):
        """Tell whether nobody has asked the device yet who it is."""
        return self._devices.get(machine["device"], {}).get("unread", False)

    def named(self, machine):
        """Tell whether the device names the ledger's own family of controllers."""
        return names_controller(machine, self._devices.get(machine["device"]), self._signatures)
