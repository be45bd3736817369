"""C2: a box without a battery boots in 1970: it collects, connects, waits, and dates once."""

from __future__ import annotations

import pytest
from matrix.clock.boxes import READ_MS, box, counts, disagreements_ms, make_certificates

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(180)]

EARLY_S = 600
"""The box was switched on ten minutes after 1970 began, as far as it knows."""
POLLS = 20
GENUINE_MS = 1_767_225_600_000
"""2026 began; no true time of this program is earlier."""


@pytest.mark.parametrize(
    "killed",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["one life", "killed meanwhile"],
)
async def test_c2_data_of_1970_is_dated_once(tmp_path, report, figure, killed):
    """C2: TLS comes up in 1970, nothing is sent; with the time source all of it is, rightly."""
    async with box(tmp_path, at_s=EARLY_S) as gateway:
        gateway.agent.start()
        wrong = await gateway.connected()
        problem = wrong["destinations"][0]["problem"]
        assert "without its dates" in problem["en"], "told on the page"
        await gateway.collects(POLLS)
        if killed:
            await gateway.agent.kill()
            gateway.agent.start()
            await gateway.connected()
            await gateway.collects(POLLS)
        seen = await gateway.agent.up()
        assert (seen["clock"], "cannot be right" in seen["clock_note"]["en"]) == ("free", True)
        assert seen["store"]["waiting"]["rows"] > 0
        assert gateway.subscriber.of("data", "hist", "event") == [], "nothing is sent meanwhile"
        gateway.clock.set()
        gateway.clock.synchronise()
        right = await gateway.agent.until(
            lambda s: s["clock"] == "sync" and s["destinations"][0]["connected"]
            and s["destinations"][0]["problem"] is None,
            what="is in sync and has looked at the certificate in full",
        )  # fmt: skip
        assert right["destinations"][0]["connects"] >= 2, "connected anew, with dates"
        books = await gateway.ends()
        trust = {body["clk"] for _, body in gateway.subscriber.of("data", "hist", "event")}
    off = disagreements_ms(books.rows)
    found = counts(books.rows)
    figure("rows", len(books.rows))
    figure("spread of times, ms", round(max(off) - min(off)))
    report(f"rows={len(books.rows)} lost=0 spread_ms={max(off) - min(off):.0f} trust={trust}")
    assert found == sorted(found), "reordered"
    assert max(off) - min(off) <= READ_MS, "dated by the step, exactly"
    assert all(row.get("t0", row.get("t")) > GENUINE_MS for row in books.rows.values())
    assert trust == {"sync"}
    assert [event["state"] for event in books.events("settled")] == ["sync"]


async def test_c2_without_a_time_source_nothing_is_stuck(tmp_path, report, figure):
    """C2: after the hold data is sent as of an untrusted clock; a late source alters none."""
    async with box(tmp_path, at_s=EARLY_S, max_hold_s=3) as gateway:
        gateway.agent.start()
        await gateway.connected()
        await gateway.collects(POLLS)
        await gateway.agent.until(
            lambda s: s["store"]["acked"]["rows"] > 0, what="sends what it held"
        )
        await gateway.collects(POLLS)
        gateway.clock.set()
        gateway.clock.synchronise()
        await gateway.agent.until(lambda s: s["clock"] == "sync", what="is in sync")
        await gateway.collects(POLLS)
        books = await gateway.ends()
        messages = gateway.subscriber.of("data", "hist")
    early = [row["t0"] < GENUINE_MS for _, body in messages for row in body["b"]]
    told = [body["clk"] == "free" for _, body in messages for _ in body["b"]]
    figure("rows", len(books.rows))
    report(f"rows={len(books.rows)} lost=0 untrusted={sum(told)}")
    assert all(free for of_1970, free in zip(early, told, strict=True) if of_1970)
    assert any(early), "what was held is sent as it was stamped"
    assert not told[-1], "the time source ends the distrust"


async def test_c2_an_impersonator_is_refused_in_1970_too(tmp_path, report):
    """C2: a broker with a certificate of another authority gets nothing in 1970 either."""
    strange = make_certificates(tmp_path / "strange")
    ours = make_certificates(tmp_path / "ours")
    async with box(tmp_path, at_s=EARLY_S, certificates=strange) as gateway:
        config = gateway.agent.config
        config.write_text(config.read_text().replace(str(strange), str(ours)))
        gateway.agent.start()
        seen = await gateway.agent.until(
            lambda s: s["destinations"][0]["problem"] is not None, what="is refused"
        )
        assert not seen["destinations"][0]["connected"]
        await gateway.collects(POLLS)
        assert await gateway.agent.stop() == 0
        assert gateway.subscriber.messages == []
        complaints = gateway.agent.complaints()
    assert "not accepted" in complaints
    assert "without its dates" not in complaints
    report("refused")
