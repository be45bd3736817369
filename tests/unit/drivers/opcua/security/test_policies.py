"""Which endpoint is chosen."""

from __future__ import annotations

import random

import pytest

from drivers.opcua.security.policies import (
    LoginKind,
    Offer,
    Protection,
    Wanted,
    better,
    choose,
    named,
)

ALL = frozenset({0, 1, 2})
SIGNED, ENCRYPTED = Protection.SIGNED, Protection.ENCRYPTED


def offer(policy, protection=ENCRYPTED, *, logins=ALL, certificate=b"x"):
    return Offer(policy, protection, certificate, logins)


PLAIN = offer("None", Protection.NOTHING)
GOOD = [
    offer(policy, protection)
    for policy in ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
    for protection in (SIGNED, ENCRYPTED)
]
OLD = [offer("Basic256"), offer("Basic128Rsa15"), offer("Basic256", SIGNED)]
SECRET = {"login": LoginKind.PASSWORD, "secret": True}


def test_the_strongest_is_chosen_whatever_the_order():
    """Neither the order nor a level the server claims decides, only what protects."""
    offers = [PLAIN, *OLD, *GOOD]
    for seed in range(50):
        random.Random(seed).shuffle(offers)
        assert str(choose(offers, Wanted())) == "Aes256_Sha256_RsaPss SignAndEncrypt"


@pytest.mark.parametrize(
    ("offers", "wanted", "chosen"),
    [
        ([PLAIN], Wanted(), "None"),
        ([PLAIN], Wanted(**SECRET), None),
        ([PLAIN], Wanted(**SECRET, plain_login=True), "None"),
        ([PLAIN], Wanted(pinned=True), None),
        ([PLAIN], Wanted(mode="sign"), None),
        ([PLAIN], Wanted(policy="Basic256Sha256"), None),
        ([PLAIN], Wanted(login=LoginKind.CERTIFICATE), None),
        ([PLAIN, *GOOD], Wanted(policy="none"), "None"),
        (GOOD, Wanted(policy="none"), None),
        ([PLAIN, *OLD], Wanted(), None),
        (OLD, Wanted(), None),
        (GOOD, Wanted(policy="Basic256Sha256"), "Basic256Sha256 SignAndEncrypt"),
        (GOOD, Wanted(mode="sign"), "Aes256_Sha256_RsaPss Sign"),
        ([GOOD[0], PLAIN], Wanted(), "Basic256Sha256 Sign"),
        ([GOOD[0], PLAIN], Wanted(**SECRET), None),
        ([GOOD[4], GOOD[1]], Wanted(), "Basic256Sha256 SignAndEncrypt"),
        ([offer("Aes999_New")], Wanted(), None),
        ([offer("Basic256Sha256", certificate=b"")], Wanted(), None),
        ([], Wanted(), None),
    ],
)
def test_what_does_not_fit_is_not_taken(offers, wanted, chosen):
    """A password needs encryption, a pin a certificate, and nothing is taken for want of better."""
    found = choose(offers, wanted)
    assert (None if found is None else str(found)) == chosen


def test_an_endpoint_that_takes_our_login_comes_first():
    """A server may take user names on its second best endpoint only."""
    offers = [offer("Aes256_Sha256_RsaPss", logins=frozenset({0})), offer("Basic256Sha256")]
    assert choose(offers, Wanted(**SECRET)).policy == "Basic256Sha256"
    assert choose(offers, Wanted()).policy == "Aes256_Sha256_RsaPss"


def test_a_shortened_list_is_noticed():
    """What the protected list offers beyond the unprotected one is found; an equal list is not."""
    chosen = choose([GOOD[0]], Wanted())
    assert str(better([PLAIN, *GOOD], chosen, Wanted())) == "Aes256_Sha256_RsaPss SignAndEncrypt"
    assert better([PLAIN, *OLD, GOOD[0]], chosen, Wanted()) is None
    assert better(GOOD, chosen, Wanted(policy="Basic256Sha256", mode="sign")) is None


def test_endpoints_are_named_once():
    """A list for people has no repetition and never is empty."""
    assert named([PLAIN, PLAIN, GOOD[1]]) == "Basic256Sha256 SignAndEncrypt, None"
    assert named([]) == "-"
