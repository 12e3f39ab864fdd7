"""Coding Rounds: checks that name your mistake.

from rounds import check
check("attention.softmax", softmax)
"""

__version__ = "0.1.0"
__all__ = ["check", "check_async", "given"]

from rounds.check import check, check_async, given
