"""Rights for queued work: none by default, and with all of them switched on just those that its policies need."""

from __future__ import annotations

from autoscaler.doctor.facts import QueueFacts
from autoscaler.doctor.queue_needs import queue_permissions
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS
from autoscaler.policy.queue import QueuePolicy
from tests.cluster.helm import DEFAULT, Helm
from tests.cluster.rights import rights

POLICY = b"""
apiVersion: gpu-autoscaler.io/v1alpha1
kind: QueuePolicy
metadata: {name: training}
spec:
  mode: act
  namespaces: [training]
  pools: {primary: [steady]}
  budget: {gpus: 8}
  admissionCheck: {name: nodes}
"""
SWITCHES = ("jobs", "jobsets", "kueue", "admissionChecks")


def granted(helm: Helm, *switches: str) -> set[tuple[str, str]]:
    """(resource, verb) of what the chart grants with these switches on and not without."""
    more = [part for one in switches for part in ("--set", f"rbac.queuedWork.{one}=true")]
    with_them, without = (
        {(right.resource, right.verb) for right in rights([one for one in rendered if "rules" in one], "house")}
        for rendered in (helm.template(DEFAULT, "house", *more), helm.template(DEFAULT, "house"))
    )
    return with_them - without


def test_the_chart_grants_what_the_policies_need_and_nothing_else(helm: Helm) -> None:
    [document] = of_kind(parse_documents(POLICY, "queue.yaml", KINDS, lambda _: b""), QueuePolicy)
    needed = {(one.named.strip(), one.verb) for one in queue_permissions([QueueFacts(document, (), None)])}
    assert granted(helm, *SWITCHES) == needed
    assert granted(helm, "jobs") == {("jobs.batch", "list"), ("jobs.batch", "watch")}
    assert not any(verb not in ("list", "watch") for _, verb in granted(helm, "jobs", "jobsets", "kueue"))


def test_namespaces_are_kept_to(helm: Helm) -> None:
    """What is in a namespace is granted in the named ones alone."""
    more = ["--set", "rbac.queuedWork.jobs=true", "--set", "rbac.namespaces={training}"]
    bindings = [one for one in helm.template(DEFAULT, "house", *more) if one["kind"].endswith("Binding")]
    mine = [one for one in bindings if one["roleRef"]["name"].endswith("-queued")]
    assert [(one["kind"], one["metadata"]["namespace"]) for one in mine] == [("RoleBinding", "training")]
