"""Topic names and topic filters: which are valid, which match. Source: MQTT 5.0, section 4.7."""

from __future__ import annotations

from typing import Final

MAX_LEVELS: Final = 64
"""Deeper names are refused, so that matching stays cheap whatever a peer sends."""


def valid_topic(topic: str) -> bool:
    """Whether a message may be published under this name."""
    return bool(topic) and not set(topic) & {"+", "#", "\0"} and topic.count("/") < MAX_LEVELS


def valid_filter(topic_filter: str) -> bool:
    """Whether the wildcards stand alone in their levels, and `#` only at the end."""
    levels = topic_filter.split("/")
    if not topic_filter or len(levels) > MAX_LEVELS or "\0" in topic_filter:
        return False
    if "#" in levels[:-1]:
        return False
    return all(level in {"+", "#"} or not set(level) & {"+", "#"} for level in levels)


def matches(filter_levels: tuple[str, ...], topic_levels: tuple[str, ...]) -> bool:
    """Whether a filter takes a topic; a leading wildcard never takes a `$` topic."""
    if topic_levels[0].startswith("$") and filter_levels[0] in {"+", "#"}:
        return False
    for index, level in enumerate(filter_levels):
        if level == "#":
            return True
        if index >= len(topic_levels) or level not in {"+", topic_levels[index]}:
            return False
    return len(filter_levels) == len(topic_levels)


def levels_of(name: str) -> tuple[str, ...]:
    """Split a topic or filter into its levels."""
    return tuple(name.split("/"))
