"""Kinds of servers: chosen by what they say of themselves, every figure with its source."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from drivers.opcua.config import ProfileName
from drivers.opcua.profiles import PROFILES, UNKNOWN, Figure, profile_of


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (["urn:SIMATIC.S7-1500.OPC-UA.Application:PLC_1", "https://www.siemens.com/s7-1500"],
         "s7-1500"),
        (["urn:SIMATIC.S7-1200.OPC-UA.Application:PLC_1"], "s7-1200"),
        (["urn:x", "SinumerikVarProvider"], "sinumerik-840d"),
        (["SINUMERIK 828D", "SinumerikVarProvider"], "sinumerik-828d"),
        (["urn:host:Kepware.KEPServerEX.V6:UA Server"], "kepware"),
        (["FANUC CORPORATION"], "fanuc"),
        (["urn:open62541.server.application", "open62541"], "unknown"),
        ([], "unknown"),
    ],
)  # fmt: skip
def test_kind_is_chosen_by_what_a_server_says(said, name):
    """URIs, names and namespaces tell the maker, in any case of letters."""
    assert profile_of(said).name == name


def test_configuration_knows_every_kind():
    """What can be configured is what there is, and auto."""
    assert set(get_args(ProfileName)) == {"auto", *PROFILES}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_figure_has_a_source(profile):
    """No figure stands without who published it, or the word that nobody did."""
    figures = [getattr(profile, each.name) for each in fields(profile)]
    given = [figure for figure in figures if isinstance(figure, Figure)]
    assert all(figure.value > 0 and len(figure.source) > 10 for figure in given)
    assert given or profile.note
    assert profile is not UNKNOWN or all(figure.assumed for figure in given)
