"""Whatever comes in whatever order, each user's own value stands in the end, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscaler.ports.errors import PortError
from tests.cluster.cluster import Cluster
from tests.cluster.external_metrics import HPAS, ExternalMetrics, hpa
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.owned import Owned, owned

LEAST, MOST, WAITING = 2, 30, "waiting"
STEPS = st.one_of(
    st.tuples(st.just("floor"), st.integers(LEAST, MOST)),
    st.tuples(st.just("edit"), st.integers(1, MOST)),
    st.tuples(st.sampled_from(["crash", "half", "other", "dead", "alive", "later", "policy gone"]), st.just(0)),
)
"""half: stopped between the record and the write. other: a second controller that reads the records takes over."""


@dataclass
class Script:
    """What stands by the words of the promise: `users` is the value that the user of the HPA wrote last."""

    chat: Owned
    metrics: ExternalMetrics
    users: int = LEAST

    def do(self, step: str, value: int) -> None:
        chat = self.chat
        if step == "floor":
            with suppress(PortError):  # left alone for a while after an edit: one of the promises
                chat.set_floor(max(value, self.users))
        elif step == "edit":
            space, before = chat.cluster.namespace, least(chat)
            chat.cluster.api.patch(HPAS, "chat", {"spec": {"minReplicas": value}}, space)
            if value != before:  # what changes nothing the server does not record, and nobody can tell of
                self.users = value
        elif step == "half":
            self._half()
        elif step in ("crash", "other"):
            chat.restarted()
        elif step in ("dead", "alive"):
            self.metrics.down = step == "dead"
        elif step == "later":
            chat.later_s += 4000.0
        else:
            self.policy_gone()

    def policy_gone(self) -> None:
        self.chat.remove_policy()
        assert least(self.chat) == self.users

    def _half(self) -> None:
        """The record is written, and the process is gone before the field is."""
        chat = self.chat
        with suppress(PortError):
            chat.interrupted()
        chat.restarted()


def least(chat: Owned) -> int:
    return int(chat.cluster.api.get(HPAS, "chat", chat.cluster.namespace)["spec"]["minReplicas"])


@pytest.fixture
def chat(cluster: Cluster, external_metrics: ExternalMetrics) -> Iterator[Owned]:
    external_metrics.set(WAITING, 40.0)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, LEAST))
    with owned(cluster) as found:
        yield found


_runs = count()


@settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(steps=st.lists(STEPS, min_size=3, max_size=12))
def test_the_users_own_value_stands_in_the_end(
    chat: Owned, external_metrics: ExternalMetrics, steps: list[tuple[str, int]]
) -> None:
    space, api = chat.cluster.namespace, chat.cluster.api
    external_metrics.down = False
    made = api.create(HPAS, hpa("chat", space, LEAST, MOST, WAITING))
    chat.later_s = 10_000.0 * next(_runs)
    chat.restarted()
    script = Script(chat, external_metrics)
    try:
        for step, value in steps:
            script.do(step, value)
        script.policy_gone()
        chat.restarted()
        assert chat.remove_policy() == ()
        assert least(chat) == script.users
        there = api.list(HPAS, space)
        assert [one["metadata"]["uid"] for one in there] == [made["metadata"]["uid"]]
    finally:
        api.delete(HPAS, "chat", space)
