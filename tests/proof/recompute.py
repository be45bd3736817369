"""Recomputes a proof file with the standard library alone; imports nothing of the program.

Written from docs/specs/proof and docs/specs/rate, so that the program is not its own witness:

    python recompute.py evidence.zip

Checks every hash and line, and computes from ledger, settings, devices and days: who counts, what
speaks against a machine, each machine's status and reason, and every rate as an exact fraction.
Takes no figure as given; the signature needs a library and is left to `openssl` (README.txt in the
file).
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path


def beside(name):
    """Give a module that lies beside this file; `python -I` does not look there."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Findings = beside("against").Findings
intact = beside("intact")
DISCRETE = {"NC", "CNC", "DNC", "FMC", "robot"}
PROCESS = {"PLC", "DCS", "PCS"}
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CONTRADICTING = {
    "duplicate_endpoint", "simulator", "identity_mismatch", "copied", "flat_line",
}  # fmt: skip
WITNESS_DAYS = 366


def within(day, first, last):
    """Tell whether a day lies in a span whose ends may be open (None)."""
    return (not first or date.fromisoformat(first) <= day) and (
        not last or day <= date.fromisoformat(last)
    )


def can_run(machine, process, day):
    """Tell whether a machine can run a process on a day."""
    links = machine.get("links", ())
    return process in machine["processes"] or any(
        link["process"] == process and within(day, link["valid_from"], link["valid_to"])
        for link in links
    )


class Book:
    """The ledger as of a day under one control set: P, D, C."""

    def __init__(self, ledger, day, control_set):
        kind = ledger["enterprise"]["industry_kind"]
        own = {"discrete": DISCRETE, "process": PROCESS, "mixed": DISCRETE | PROCESS}[kind]
        types = DISCRETE | PROCESS if control_set == "broad" else own
        self.machines = {m["id"]: m for m in ledger["equipment"]}
        present = [
            m for m in ledger["equipment"]
            if within(day, m["in_service_from"], m["in_service_to"])
        ]  # fmt: skip
        self.in_service = {m["id"] for m in present}
        units = [m for m in present if not m["part_of"]]
        self.counted = {m["id"] for m in units if m["control_type"] in types}
        self.able = {
            p["id"]: {m["id"] for m in units if can_run(m, p["id"], day)}
            for p in ledger["processes"]
            if p["key"] and not p["outsourced"] and within(day, p["valid_from"], p["valid_to"])
        }

    def controlled(self, machines):
        """Give C of each process, held to some machines."""
        return {p: able & self.counted & machines for p, able in self.able.items()}

    def declared(self):
        """Give every machine that is in some C."""
        return set().union(*self.able.values()) & self.counted


def rates(able, controlled):
    """Give the five formulas as fractions; a text is the reason why there is none."""
    if not able:
        return dict.fromkeys(("any", "all", "mean", "pool", "dedup"), "no_key_process")
    n = {p: len(machines) for p, machines in able.items()}
    c = {p: len(controlled[p]) for p in able}
    every, held = set().union(*able.values()), set().union(*controlled.values())
    shares = [Fraction(c[p], n[p]) if n[p] else Fraction(0) for p in able]
    return {
        "any": Fraction(sum(c[p] > 0 for p in able), len(able)),
        "all": Fraction(sum(n[p] > 0 and c[p] == n[p] for p in able), len(able)),
        "mean": sum(shares, Fraction(0)) / len(able),
        "pool": Fraction(sum(c.values()), sum(n.values())) if every else "no_machine",
        "dedup": Fraction(len(held), len(every)) if every else "no_machine",
    }


def days_of(spans):
    """Give the days of texts `DAY` or `DAY/DAY`."""
    found = set()
    for text in spans:
        ends = [date.fromisoformat(one) for one in text.split("/")]
        found |= {ends[0] + timedelta(n) for n in range((ends[-1] - ends[0]).days + 1)}
    return found


class Asked:
    """The window and how many days are needed."""

    def __init__(self, settings):
        rate, shifts = settings["rate"], settings["shifts"]
        self.last = date.fromisoformat(settings["as_of"])
        self.first = self.last - timedelta(rate["period_days"] - 1)
        self._given = rate["scheduled_days"]
        self._weekdays = {WEEK.index(one) for one in shifts["weekdays"]}
        self._off, self._on = days_of(shifts["holidays"]), days_of(shifts["workdays"])
        span = [self.first + timedelta(n) for n in range(rate["period_days"])]
        self.scheduled_days = self._given or sum(map(self.worked, span))
        share = Fraction(str(rate["min_day_share"]))
        self.needed = max(rate["min_days"], math.ceil(share * self.scheduled_days))
        self.assessable = self.scheduled_days >= rate["min_days"]
        rules = {"period_days": 30, "min_days": 5, "min_day_share": 0.5,
                 "scheduled_days": sum(map(self.worked, span))}  # fmt: skip
        self.eased = {
            n: rate[n] for n, own in rules.items() if rate[n] is not None and rate[n] < own
        }

    def worked(self, day):
        """Tell whether the enterprise works on a day."""
        return day in self._on or (day not in self._off and day.weekday() in self._weekdays)

    def scheduled(self, day):
        """Tell whether a day counts; where their number is given as such, every day does."""
        return bool(self._given) or self.worked(day)


def why_not_claimed(machine, book):
    """Give the reason of a machine that is in no C."""
    if machine["id"] not in book.in_service:
        return "not_in_service"
    if machine["part_of"]:
        return "part_of"
    return "no_key_process" if machine["id"] in book.counted else "not_claimed"


def judge(machine, book, asked, *, days, against, named, unread):
    """Give (status, reason) of a machine; the first rule that applies. `days`: of the window."""
    if machine["id"] not in book.declared():
        return "not_claimed", why_not_claimed(machine, book)
    device = machine["device"]
    claims = sum(book.machines[id_]["device"] == device for id_ in book.counted)
    if device and claims > 1:
        return "contradicted", "same_source"
    if against and against[0] in CONTRADICTING:
        return "contradicted", against[0]
    oldest = asked.last - timedelta(WITNESS_DAYS)
    visits = [date.fromisoformat(one["on"]) for one in machine.get("witnessed", ())]
    if any(oldest < on <= asked.last for on in visits):
        return "verified", "witnessed"
    own = [one for one in days if one["device"] == device]
    worked = [one for one in own if asked.scheduled(date.fromisoformat(one["day"]))]
    told = sum(bool(one["control_good"]) for one in worked)
    rules = (
        (not device, "no_device"),
        (not asked.assessable, "too_few_scheduled_days"),
        (not own, "no_data"),
        (len(worked) < asked.needed, "too_few_days"),
        (not any(one["metrics_changed"] for one in own), "no_change"),
        (bool(against), against[0] if against else ""),
        (unread, "identity_unread"),
        (told < asked.needed and not named, "no_control_identity"),
    )
    failed = next((reason for applies, reason in rules if applies), None)
    return ("unverified", failed) if failed else ("verified", "verified")


def figure(value):
    """Give a figure of result.json as a fraction, or the reason why there is none."""
    return Fraction(value["num"], value["den"]) if "num" in value else value["null"]


def in_window(members, asked):
    """Give the days of the window that hold a good value."""
    days = [json.loads(line) for line in members["days.jsonl"].splitlines()]
    return [
        one
        for one in days
        if one["good"] > 0 and asked.first <= date.fromisoformat(one["day"]) <= asked.last
    ]


def recompute(members):
    """Compute every finding, status and rate; give what the file says otherwise, as texts."""
    ledger, settings = json.loads(members["ledger.json"]), json.loads(members["settings.json"])
    result, asked = json.loads(members["result.json"]), Asked(settings)
    days = in_window(members, asked)
    findings = Findings(days, json.loads(members["devices.json"]), settings, asked.worked)
    wrong = []
    if [asked.scheduled_days, asked.needed] != [result["scheduled_days"], result["needed_days"]]:
        wrong.append(f"window: {asked.scheduled_days} scheduled, {asked.needed} needed")
    told = {one["setting"]: one["is"] for one in (result["eased"] or {}).get("settings", ())}
    if told != asked.eased:
        wrong.append(f"eased: {asked.eased} instead of {told}")
    for name, said in result["sets"].items():
        book = Book(ledger, asked.last, name)
        devices = {book.machines[id_]["device"] for id_ in book.counted}
        status = {}
        for one in said["machines"]:
            machine = book.machines[one["id"]]
            against = findings.against(machine, devices)
            named = findings.named(machine)
            unread = findings.unread(machine)
            found = judge(
                machine, book, asked, days=days, against=against, named=named, unread=unread
            )
            status[one["id"]] = found[0]
            if found != (one["status"], one["reason"]):
                wrong.append(f"{name} {one['id']}: {found} instead of {one['status']}")
            if against != [told["reason"] for told in one["findings"]]:
                wrong.append(f"{name} {one['id']}: findings {against}")
        wrong += [f"{name} {text}" for text in compared(book, status, asked, said)]
    return wrong


def compared(book, status, asked, said):
    """Yield every figure of one set that is not as computed from the statuses."""
    declared = book.declared()
    verified = {id_ for id_ in declared if status[id_] == "verified"}
    false = {id_ for id_ in declared if status[id_] == "contradicted"}
    held = {"declared": declared, "adjusted": declared - false, "verified": verified}
    for key, machines in held.items():
        for method, rate in rates(book.able, book.controlled(machines)).items():
            barred = key == "verified" and not asked.assessable and isinstance(rate, Fraction)
            expected = "too_few_scheduled_days" if barred else rate
            if figure(said["rates"][method][key]) != expected:
                yield f"{method} {key}: {rate}"
    for method, one in said["rates"].items():
        parts = figure(one["declared"]), figure(one["verified"])
        reason = next((part for part in parts if isinstance(part, str)), None)
        if figure(one["gap"]) != (reason or parts[0] - parts[1]):
            yield f"{method} gap"
    share = Fraction(len(verified), len(declared)) if declared else "no_declared_machine"
    share = share if asked.assessable else "too_few_scheduled_days"
    if figure(said["coverage"]) != share:
        yield f"coverage: {share}"


def main(path):
    """Print what was found; give 0 if everything is as the file says."""
    members = intact.read(path)
    wrong = [f"changed: {name}" for name in intact.wrong_hashes(members)]
    wrong += [f"changed: {name} line {line}" for name, line in intact.wrong_lines(members)]
    if json.loads(members["manifest.json"])["data_sha256"] != intact.data_fingerprint(members):
        wrong.append("data_sha256")
    wrong += intact.wrong_journal(members)
    differences = recompute(members)
    for text in (*wrong, *differences):
        print("WRONG", text)
    for text in intact.backdated(members):
        print("REMARK", text)
    headline = json.loads(members["result.json"])
    one = headline["sets"][headline["control_set"]]["rates"][headline["method"]]
    for key in ("declared", "adjusted", "verified", "gap"):
        print(f"{headline['method']} {key}: {figure(one[key])}")
    return 1 if wrong or differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
