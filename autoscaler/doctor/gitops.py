"""Tools that write objects from files again and again, and would write the replicas back that the controller moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autoscaler.doctor.facts import Facts, Unread, WorkloadFacts, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told
from autoscaler.placeholder.pod import Json, labels, metadata

TOPIC = "gitops"
REVERTS = Kind(
    "GitOpsReverts",
    Level.WARNING,
    "A GitOps tool manages the workload, and the replicas stand in its files: with each sync it writes them back.",
    "Leave `spec.replicas` out of the files. Argo CD: `ignoreDifferences` with `/spec/replicas`, and the sync option "
    "`RespectIgnoreDifferences=true`. Flux: a server-side apply never touches a field that the files leave out.",
)
KINDS = (REVERTS,)
SIGNS: Mapping[str, str] = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
"""Labels or annotations by which these tools know what is theirs."""
NO_FILES = ("gpu-autoscaler", "kube-controller-manager")
"""Managers that move replicas and have them from no file: we, and the HPA."""


def checks(facts: Facts) -> Iterator[Check]:
    """One for each workload that is moved."""
    for workload in facts.workloads:
        if workload.policy.model.replicas.via != "metric":
            yield check(TOPIC, workload.policy.name, _findings(workload))


def _findings(workload: WorkloadFacts) -> Iterator[Finding]:
    where = line(workload.policy, "spec", "workload")
    if isinstance(workload.whole, Unread):
        yield from not_told(where, workload.whole.said)
        return
    if workload.whole is None:
        return
    marks = {**labels(workload.whole), **(metadata(workload.whole).get("annotations") or {})}
    tools = [tool for sign, tool in SIGNS.items() if sign in marks]
    holders = _holders(workload.whole)
    if tools and holders:
        named = ", ".join(holders)
        yield Finding(REVERTS, where, f"{tools[0]} manages it, and spec.replicas was written from files by {named}")


def _holders(whole: Json) -> list[str]:
    """Managers that set the replicas with the object itself, not through its scale."""
    return [
        str(entry.get("manager"))
        for entry in metadata(whole).get("managedFields") or ()
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        and entry.get("subresource") != "scale"
        and entry.get("manager") not in NO_FILES
    ]
