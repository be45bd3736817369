"""Code systems of the state: enterprises (`uscc`), regions (`region`), trades (`industry`).

Pure and offline. Parsing never raises: it gives the normalized code with every `CodeProblem`.
"""

from agent.config.codes.industry import Industry, parse_industry
from agent.config.codes.problem import CodeProblem, Severity
from agent.config.codes.region import Region, parse_region, prefecture
from agent.config.codes.uscc import Uscc, parse_uscc

__all__ = [
    "CodeProblem",
    "Industry",
    "Region",
    "Severity",
    "Uscc",
    "parse_industry",
    "parse_region",
    "parse_uscc",
    "prefecture",
]
