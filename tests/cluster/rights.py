"""The chart's roles on the rig, given to a user without other rights, of which a test takes away one verb at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster.api import Json
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import PRODUCT
from tests.cluster.helm import DEFAULT, Helm

GROUP = "rbac.authorization.k8s.io"
RESOURCES = {
    "Role": "roles", "ClusterRole": "clusterroles", "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}  # fmt: skip
REVIEWS = "authorization.k8s.io/v1/subjectaccessreviews"
HEEDED_S = 30.0


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource (`pods`, `deployments.apps/scale`) somewhere: `house`, `default`, `everywhere`, or
    `workloads`. name: of the one object, empty for all."""

    where: str
    verb: str
    resource: str
    name: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.where, self.verb, self.resource, self.name) if part)

    @property
    def group(self) -> str:
        return self.resource.partition("/")[0].partition(".")[2]

    @property
    def plural(self) -> str:
        """With its subresource, as rules have it."""
        thing, slash, subresource = self.resource.partition("/")
        return thing.partition(".")[0] + slash + subresource


def rights(roles: list[Any], house: str) -> dict[Right, str]:
    """All that rendered roles grant, and the name of the role that does."""
    found: dict[Right, str] = {}
    for role in roles:
        where = {house: "house", "default": "default"}.get(role["metadata"].get("namespace"), "everywhere")
        where = "workloads" if role["metadata"]["name"].endswith("-workloads") else where
        for rule in role["rules"]:
            [group] = rule["apiGroups"]
            for resource in rule["resources"]:
                plural, slash, subresource = resource.partition("/")
                full = f"{plural}.{group}".rstrip(".") + slash + subresource
                for name in rule.get("resourceNames", [""]):
                    found |= {Right(where, verb, full, name): role["metadata"]["name"] for verb in rule["verbs"]}
    return found


def chart_rights(helm: Helm, house: str = "house") -> frozenset[Right]:
    """All that the chart grants with no values but those that it must have."""
    return frozenset(rights([one for one in helm.template(DEFAULT, house) if "rules" in one], house))


class ChartRoles:
    """Roles and bindings of the chart for workloads of one namespace, bound to PRODUCT in place of the ServiceAccount.

    They go with the cluster's other objects."""

    def __init__(self, cluster: Cluster, helm: Helm, house: str) -> None:
        """Has the API server heed them."""
        self._cluster, self._house = cluster, house
        named = f"rbac.namespaces={{{cluster.namespace}}}"
        rendered = [one for one in helm.template(DEFAULT, house, "--set", named) if one["kind"] in RESOURCES]
        self._roles = {one["metadata"]["name"]: one for one in rendered if "rules" in one}
        self.rights = rights(list(self._roles.values()), house)
        for body in rendered:
            bound = {"subjects": [{"kind": "User", "name": PRODUCT, "apiGroup": GROUP}]} if "roleRef" in body else {}
            cluster.create(f"{GROUP}/v1/{RESOURCES[body['kind']]}", body | bound)
        for right in self.rights:
            self._wait(right, allowed=True)

    @contextmanager
    def without(self, right: Right) -> Iterator[None]:
        """Without this one right, which must be there, for the length of the block; the API server knows at once."""
        role = self._roles[self.rights[right]]
        left = [one for one, name in self.rights.items() if name == role["metadata"]["name"] and one != right]
        self._grant(role, [_rule(one) for one in left])
        try:
            self._wait(right, allowed=False)
            yield
        finally:
            self._grant(role, role["rules"])
            self._wait(right, allowed=True)

    def refusal(self, right: Right) -> str:
        """The API server's words where it is missing."""
        place = self._namespace(right)
        scope = f' in the namespace "{place}"' if place else ""
        return f'cannot {right.verb} resource "{right.plural}" in API group "{right.group}"{scope}'

    def _grant(self, role: Any, rules: list[Json]) -> None:
        place = role["metadata"].get("namespace")
        self._cluster.api.patch(
            f"{GROUP}/v1/{RESOURCES[role['kind']]}", role["metadata"]["name"], {"rules": rules}, place
        )

    def _namespace(self, right: Right) -> str:
        places = {"house": self._house, "default": "default", "workloads": self._cluster.namespace}
        return places.get(right.where, "")

    def _wait(self, right: Right, allowed: bool) -> None:
        plural, _, subresource = right.plural.partition("/")
        asked = {
            "namespace": self._namespace(right), "verb": right.verb, "group": right.group, "resource": plural,
            "subresource": subresource, "name": right.name,
        }  # fmt: skip
        body: Json = {"metadata": {}, "spec": {"user": PRODUCT, "resourceAttributes": asked}}

        def heeded() -> bool:
            return bool(self._cluster.api.create(REVIEWS, body)["status"].get("allowed", False) == allowed)

        wait_until(heeded, f"{right} to be {'allowed' if allowed else 'refused'}", HEEDED_S)


def _rule(right: Right) -> Json:
    rule: Json = {"apiGroups": [right.group], "resources": [right.plural], "verbs": [right.verb]}
    return rule | ({"resourceNames": [right.name]} if right.name else {})
