"""What must agree within the ledger, told by `chulian check`."""

from __future__ import annotations

import pytest

from agent.config.load import examine

HEAD = """\
gateway: {id: g}
enterprise: {id: e, ENTERPRISE}
publish: [{name: p, url: "mqtt://h"}]
devices: [{id: D1, driver: modbus, host: h, tags: [{name: a, address: "ir:0", type: uint16}]}]
"""


def codes(tmp_path, body, enterprise="name: x"):
    path = tmp_path / "agent.yaml"
    path.write_text(HEAD.replace("ENTERPRISE", enterprise) + body, "utf-8")
    return [(one.code, one.where) for one in examine(path).problems]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("equipment: [{id: A, control_type: NC, location: W}]", ("E1701", "equipment[A].location")),
        ("equipment: [{id: A, control_type: CNC, part_of: B}]", ("E1702", "equipment[A].part_of")),
        ("equipment: [{id: A, control_type: CNC, part_of: A}]", ("E1703", "equipment[A].part_of")),
        ("locations: [{id: S, kind: site, inside: T}]", ("E1701", "locations[S].inside")),
        ("locations: [{id: S, kind: shed}]", ("E1105", "locations[S].kind")),
        ("locations: [{id: S, kind: site, region: '42'}]", ("E1208", "locations[S].region")),
        ("locations: [{id: S, kind: site, park: G111001}]", ("W1701", "locations[S].park")),
        ("equipment: [{id: A, control_type: CNC, links: [{process: p}]}]",
         ("E1204", "equipment[A].links[p]")),
        ("equipment: [{id: A, control_type: CNC, documents: [{kind: asset, sha256: abc}]}]",
         ("E1106", "equipment[A].documents[0].sha256")),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path, body, found):
    """Each mistake is told once, at its place."""
    assert codes(tmp_path, body + "\n") == [found]


def test_circles_are_told_at_every_member(tmp_path):
    """A chain of parts that comes back to itself has no whole."""
    body = (
        "equipment:\n  - {id: A, control_type: CNC, part_of: B}\n"
        "  - {id: B, control_type: CNC, part_of: A}\n"
    )
    assert codes(tmp_path, body) == [
        ("E1703", "equipment[A].part_of"), ("E1703", "equipment[B].part_of"),
    ]  # fmt: skip


def test_doubtful_entries(tmp_path):
    """Two equal nameplates, a part with processes, an unknown cluster: usable, and told."""
    body = """\
processes: [{id: p}]
equipment:
  - {id: F, control_type: FMC, processes: [p]}
  - {id: A, control_type: CNC, part_of: F, processes: [p], serial: 0123}
  - {id: B, control_type: CNC, serial: 0123}
"""
    assert codes(tmp_path, body, "cluster: 低空经济") == [
        ("W1702", "enterprise.cluster"),
        ("W1703", "equipment[A]"),
        ("W1704", "equipment[B].serial"),
    ]


def test_spans_that_end_before_they_begin(tmp_path):
    """Links and titles are checked as processes and machines are."""
    body = """\
processes: [{id: p}]
equipment:
  - id: A
    control_type: CNC
    links: [{process: p, valid_from: 2026-02-01, valid_to: 2026-01-01}]
"""
    title = "titles: [{kind: innovative, issued_on: 2026-02-01, expires_on: 2025-01-01}]"
    assert codes(tmp_path, body, title) == [
        ("E1209", "enterprise.titles[0].expires_on"),
        ("E1209", "equipment[A].links[p].valid_to"),
    ]
