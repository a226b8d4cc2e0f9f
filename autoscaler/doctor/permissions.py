"""Permissions: which of those that the controller needs are missing."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.doctor.facts import Facts, Told
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told
from autoscaler.doctor.needs import Permission

TOPIC = "permissions"
MISSING = Kind(
    "PermissionMissing",
    Level.ERROR,
    "Whoever runs `doctor` may not do something that the controller must do.",
    "Run `doctor` as the controller (`kubectl exec` into its pod), and give its service account the right; the chart "
    "does with `rbac.create`, for kinds of workloads that `rbac.workloads` lists, for work that waits with "
    "`rbac.queuedWork`, in the namespaces of `rbac.namespaces`.",
)
OPTIONAL_MISSING = Kind(
    "OptionalPermissionMissing",
    Level.WARNING,
    "The controller may not read what Karpenter says of nodes on order, so it takes every pool for obtainable.",
    "Set `rbac.karpenter: true` in the chart's values, or grant the right that is named.",
)
KINDS = (MISSING, OPTIONAL_MISSING)


def checks(facts: Facts) -> Iterator[Check]:
    """One for each namespace, and one for everywhere."""
    places = dict.fromkeys(permission.where for permission, _ in facts.permissions)
    for where in places:
        asked = [(permission, said) for permission, said in facts.permissions if permission.where == where]
        yield check(TOPIC, where, _missing(where, asked))


def _missing(where: str, asked: list[tuple[Permission, Told[bool]]]) -> Iterator[Finding]:
    unread = [said.said for _, said in asked if not isinstance(said, bool)]
    if unread:
        yield from not_told(where, unread[0])
    lacking: dict[tuple[str, str, bool], list[str]] = {}
    for permission, said in asked:
        if said is False:
            lacking.setdefault((permission.named, permission.use, permission.optional), []).append(permission.verb)
    for (named, use, optional), verbs in lacking.items():
        what = f"may not {', '.join(verbs)} {named} (for {use})"
        yield Finding(OPTIONAL_MISSING if optional else MISSING, where, what)
