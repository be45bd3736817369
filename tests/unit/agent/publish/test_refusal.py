"""What a refusal means, and what it says to people in both languages."""

from __future__ import annotations

import ssl

import pytest

from agent.publish.refusal import (
    Verdict,
    judge,
    refused_connect,
    refused_publish,
    too_large,
    unreachable,
)

CHINESE = range(0x4E00, 0x9FFF)


@pytest.mark.parametrize(
    ("code", "accept", "verdict"),
    [
        (0x00, False, Verdict.ACCEPTED), (0x10, True, Verdict.ACCEPTED),
        (0x10, False, Verdict.LATER), (0x87, False, Verdict.LATER),
        (0x97, True, Verdict.LATER), (0x80, False, Verdict.ALONE), (0x83, False, Verdict.ALONE),
        (0x99, True, Verdict.ALONE), (0x95, False, Verdict.ALONE),
    ],
)  # fmt: skip
def test_verdicts(code, accept, verdict):
    """Only success, and on request 0x10, lets rows go; some codes mean later, the rest alone."""
    assert judge(code, accept_no_subscriber=accept) is verdict


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (refused_publish(0x10, "No matching subscribers"), ["nobody", "no_subscriber: accept"]),
        (refused_publish(0x87, "Not authorized"), ["0x87", "topics"]),
        (refused_publish(0x99, "Payload format invalid"), ["Payload format invalid", "0x99"]),
        (too_large("meta", 500, 100), ["meta", "500", "100", "max_message_kb"]),
        (refused_connect(0x86, "Bad user name or password").problem, ["login", "password"]),
        (refused_connect(0x87, "Not authorized").problem, ["login"]),
        (refused_connect(0x88, "Server unavailable").problem, ["Server unavailable"]),
        (unreachable("mqtt://b", OSError("no route")).problem, ["mqtt://b", "no route", "cable"]),
        (unreachable("mqtt://b", TimeoutError()).problem, ["mqtt://b", "TimeoutError"]),
        (unreachable("mqtts://b", ssl.SSLError("bad")).problem, ["certificate", "tls.ca", "clock"]),
    ],
)
def test_what_people_are_told(message, words):
    """Every message names what matters in English, and is Chinese where it must be."""
    assert all(word in message.en for word in words)
    assert any(ord(c) in CHINESE for c in message.zh)
    assert message.text("zh") == message.zh
