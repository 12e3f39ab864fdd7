"""Shared by all tests: the small topics of tests/topics, beside the course's own."""

import gc
from pathlib import Path

import pytest

import rounds.topics
from rounds.engine import guard

# What thousands of wrong programs did is kept while the bank is judged. A collector
# that goes through all of it at each turn takes a tenth of the time for nothing.
gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file go to one process, a notebook's cells above all. test_bank.py,
    which takes longest, says itself what belongs together."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture
def small_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the topics of tests/topics known: running_mean, gather, lines and so on."""
    folder = str(Path(__file__).parent / "topics")
    monkeypatch.setattr(
        rounds.topics, "__path__", [*rounds.topics.__path__, folder], raising=True
    )


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop a candidate after a moment, so that tests of endless ones are quick."""
    monkeypatch.setattr(guard, "SECONDS", 0.6)
