"""The contract of the store port: what a record store must do, whatever keeps the records."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Protocol

import pytest

from autoscaler.ports.errors import Conflict, Damaged, Invalid
from autoscaler.ports.store import StorePort

CONTENT: dict[str, object] = {
    "loop": 1.25, "orders": [{"pool": "spot", "slots": [1, 2]}], "since": None, "trusted": True, "note": "ü \n \"x\""
}  # fmt: skip


class Records(Protocol):
    """A store, and the hand of a stranger in it."""

    @property
    def store(self) -> StorePort: ...

    @property
    def most_bytes(self) -> int: ...

    def spoil(self, name: str, change: Callable[[str], str]) -> None:
        """Changes the text that is kept under a name, past the store."""
        ...


class StoreContract:
    """Every test takes `records`, a fixture of whoever runs the suite."""

    def test_what_was_saved_is_loaded(self, records: Records) -> None:
        version = records.store.save("chat", CONTENT, None)
        stored = records.store.load("chat")
        assert stored is not None
        assert stored.content == CONTENT
        assert stored.version == version

    def test_without_a_record_there_is_none(self, records: Records) -> None:
        assert records.store.load("chat") is None
        assert records.store.names() == ()

    def test_each_save_names_the_one_before(self, records: Records) -> None:
        version = None
        for number in range(4):
            version = records.store.save("chat", {"n": number}, version)
        stored = records.store.load("chat")
        assert stored is not None
        assert stored.content == {"n": 3}
        assert stored.version == version

    def test_a_save_on_an_old_version_changes_nothing(self, records: Records) -> None:
        first = records.store.save("chat", {"n": 1}, None)
        second = records.store.save("chat", {"n": 2}, first)
        for stale in (first, None):
            with pytest.raises(Conflict):
                records.store.save("chat", {"n": 3}, stale)
        stored = records.store.load("chat")
        assert stored is not None
        assert (stored.content, stored.version) == ({"n": 2}, second)

    def test_a_save_on_a_record_that_was_deleted_is_a_conflict(self, records: Records) -> None:
        version = records.store.save("chat", {"n": 1}, None)
        records.store.delete("chat")
        with pytest.raises(Conflict):
            records.store.save("chat", {"n": 2}, version)
        assert records.store.load("chat") is None

    def test_of_two_that_save_at_once_one_wins(self, records: Records) -> None:
        version = records.store.save("chat", {"by": "nobody"}, None)
        start, outcomes = Barrier(2), list[str]()

        def save(who: str) -> None:
            start.wait()
            try:
                records.store.save("chat", {"by": who}, version)
                outcomes.append(who)
            except Conflict:
                outcomes.append("")

        threads = [Thread(target=save, args=(who,)) for who in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stored = records.store.load("chat")
        assert stored is not None
        assert sorted(outcomes) == ["", stored.content["by"]]

    def test_names_keep_records_apart(self, records: Records) -> None:
        for name in ("chat", "chat-2", "a.b"):
            records.store.save(name, {"is": name}, None)
        assert records.store.names() == ("a.b", "chat", "chat-2")
        records.store.delete("chat")
        assert records.store.names() == ("a.b", "chat-2")
        other = records.store.load("chat-2")
        assert other is not None
        assert other.content == {"is": "chat-2"}

    def test_deleting_what_is_not_there_is_done_already(self, records: Records) -> None:
        records.store.delete("chat")
        records.store.save("chat", {}, None)
        records.store.delete("chat")
        records.store.delete("chat")
        assert records.store.names() == ()

    def test_what_was_loaded_is_the_callers_own(self, records: Records) -> None:
        content: dict[str, object] = {"list": [1]}
        records.store.save("chat", content, None)
        content["list"] = [2]
        first = records.store.load("chat")
        assert first is not None
        first.content["list"] = [3]
        again = records.store.load("chat")
        assert again is not None
        assert again.content == {"list": [1]}

    def test_too_much_is_refused_and_what_was_there_stays(self, records: Records) -> None:
        version = records.store.save("chat", {"n": 1}, None)
        with pytest.raises(Invalid, match="are allowed"):
            records.store.save("chat", {"n": "x" * records.most_bytes}, version)
        stored = records.store.load("chat")
        assert stored is not None
        assert (stored.content, stored.version) == ({"n": 1}, version)

    def test_nearly_too_much_is_kept(self, records: Records) -> None:
        content: dict[str, object] = {"n": "x" * (records.most_bytes - 200)}
        records.store.save("chat", content, None)
        stored = records.store.load("chat")
        assert stored is not None
        assert stored.content == content

    @pytest.mark.parametrize("value", [float("nan"), (1, 2), {1: 2}, object()], ids=["nan", "tuple", "key", "object"])
    def test_what_json_cannot_say_is_refused(self, records: Records, value: object) -> None:
        with pytest.raises(Invalid, match="not JSON"):
            records.store.save("chat", {"n": value}, None)
        assert records.store.names() == ()

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda text: text[: len(text) // 2], id="half written"),
            pytest.param(lambda _: "", id="emptied"),
            pytest.param(lambda text: text.replace("1.25", "9.25"), id="edited"),
            pytest.param(lambda _: '{"loop": 1.25}', id="somebody else's"),
            pytest.param(lambda text: text.replace('"form":1', '"form":2'), id="of another form"),
        ],
    )
    def test_a_spoiled_record_is_not_believed_and_can_be_replaced(
        self, records: Records, change: Callable[[str], str]
    ) -> None:
        records.store.save("chat", CONTENT, None)
        records.spoil("chat", change)
        with pytest.raises(Damaged, match=r"chat: .*go on without it") as raised:
            records.store.load("chat")
        version = records.store.save("chat", {"n": 1}, raised.value.version)
        stored = records.store.load("chat")
        assert stored is not None
        assert (stored.content, stored.version) == ({"n": 1}, version)
