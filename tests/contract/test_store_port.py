"""The contract of the store port on the store that simulated worlds use."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autoscaler.simulator.store import MemoryStore
from tests.contract.store_suite import StoreContract


class MemoryRecords:
    """A store in memory."""

    most_bytes = 4096

    def __init__(self) -> None:
        self.store = MemoryStore(self.most_bytes)

    def spoil(self, name: str, change: Callable[[str], str]) -> None:
        self.store.texts[name] = change(self.store.texts[name])


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def records(self) -> MemoryRecords:
        return MemoryRecords()
