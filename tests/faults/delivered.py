"""The end of every delivery row: what was stored has arrived, once, unaltered and in order."""

from __future__ import annotations

from system.waiting import until


async def settle(agent, subscriber, *, within_s=120.0, codes=(0,)):
    """Have the agent send what waits and stop; give the books of what arrived, found right.

    Nothing is dropped or refused, every number of the stream has come, repeats are alike, and
    the first deliveries of each device are in order. `codes` are the exit codes that are right.
    """
    await agent.drained(within_s=within_s)
    code = await agent.stop(within_s=30)
    assert code in codes, agent.complaints()
    law = agent.verify()
    acked = law["acked"]["rows"]
    await until(
        lambda: len(subscriber.books().rows) >= acked,
        within_s=within_s, what=f"{acked} rows arrive",
    )  # fmt: skip
    books = subscriber.books()
    assert (books.holes, books.altered, disorder(subscriber)) == ([], 0, [])
    assert law["dropped"]["rows"] == law["rejected"]["rows"] == 0
    unsaid = len(books.rows) - law["acked"]["rows"]  # arrived, and the store did not hear of it
    assert unsaid == 0 or code, "a clean stop knows all that arrived"
    assert law["stored"]["rows"] == len(books.rows) + law["waiting"]["rows"] - unsaid
    assert "Traceback" not in agent.complaints()
    return books


def disorder(subscriber):
    """Give first deliveries of a device that came after a later row of its own, stream by stream.

    What is live goes ahead of what waited; each of the two is in order by itself.
    """
    highest, seen, wrong = {}, set(), []
    for level in ("data", "hist"):
        for _, body in subscriber.of(level):
            for row in body["b"]:
                key, n = (row["d"], level), (body["ep"], row["n"])
                if n in seen:
                    continue
                seen.add(n)
                if n < highest.get(key, ("", 0)):
                    wrong.append((key, n, highest[key]))
                highest[key] = max(n, highest.get(key, n))
    return wrong
