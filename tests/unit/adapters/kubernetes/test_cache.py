"""What a cache says has happened, from lists and single events alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.adapters.kubernetes.cache import Cache, Change, Entry, Happened, Key

A, B = Key("gpu", "a"), Key("gpu", "b")


def entry(value: str, version: str = "1", uid: str = "u") -> Entry[str]:
    return Entry(uid, version, value)


def test_a_first_list_adds_all() -> None:
    cache: Cache[str] = Cache()
    assert cache.replace({A: entry("a"), B: entry("b")}) == [
        Change(Happened.ADDED, A, "a", None),
        Change(Happened.ADDED, B, "b", None),
    ]
    assert dict(cache.items()) == {A: "a", B: "b"}


def test_the_same_list_again_says_nothing() -> None:
    cache: Cache[str] = Cache()
    cache.replace({A: entry("a")})
    assert cache.replace({A: entry("a")}) == []


def test_a_later_list_says_what_went_first_and_then_what_came() -> None:
    cache: Cache[str] = Cache()
    cache.replace({A: entry("a"), B: entry("b")})
    changes = cache.replace({A: entry("a2", "2"), Key("gpu", "c"): entry("c")})
    assert changes == [
        Change(Happened.DELETED, B, "b", "b", unseen=True),
        Change(Happened.CHANGED, A, "a2", "a"),
        Change(Happened.ADDED, Key("gpu", "c"), "c", None),
    ]


def test_another_object_under_the_same_name_is_a_loss_and_a_gain() -> None:
    for taken_over in ("list", "event"):
        cache: Cache[str] = Cache()
        cache.replace({A: entry("old", "1", "u1")})
        fresh = entry("new", "5", "u2")
        changes = cache.replace({A: fresh}) if taken_over == "list" else cache.put(A, fresh)
        assert changes == [
            Change(Happened.DELETED, A, "old", "old", unseen=True),
            Change(Happened.ADDED, A, "new", None),
        ]


def test_a_deletion_carries_the_last_state() -> None:
    cache: Cache[str] = Cache()
    cache.put(A, entry("running"))
    assert cache.remove(A, entry("preempted", "2")) == [Change(Happened.DELETED, A, "preempted", "running")]
    assert cache.remove(A, entry("preempted", "2")) == []
    assert dict(cache.items()) == {}


def test_what_was_handed_out_stays_as_it_was() -> None:
    cache: Cache[str] = Cache()
    cache.put(A, entry("a"))
    before = cache.items()
    cache.put(B, entry("b"))
    cache.remove(A, entry("a"))
    assert dict(before) == {A: "a"}
    assert dict(cache.items()) == {B: "b"}


STATES = st.dictionaries(
    st.sampled_from([A, B, Key("", "c")]),
    st.builds(lambda uid, version: Entry(str(uid), str(version), (uid, version)), st.integers(0, 2), st.integers(0, 3)),
)


@given(st.lists(STATES, max_size=6))
def test_whoever_follows_the_changes_has_the_same_objects(lists: list[dict[Key, Entry[tuple[int, int]]]]) -> None:
    cache: Cache[tuple[int, int]] = Cache()
    followed: dict[Key, tuple[int, int]] = {}
    for listed in lists:
        for change in cache.replace(listed):
            assert followed.get(change.key) == change.before
            if change.happened is Happened.DELETED:
                del followed[change.key]
            else:
                followed[change.key] = change.now
        assert followed == dict(cache.items()) == {key: one.value for key, one in listed.items()}
