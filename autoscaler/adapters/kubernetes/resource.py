"""Where a kind of object lives in the API."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind. `group` is empty for the core group; `plural` is its name in paths."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The path of one object, or of all; `namespace` None: in every namespace, or of a kind without namespaces."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        parts += ["namespaces", namespace] if namespace else []
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(quote(part, safe="") for part in parts)

    def where(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The same for people: `pods gpu/slot-1`, `pods in gpu`, `nodes`."""
        plural = f"{self.plural}/{subresource}" if subresource else self.plural
        if name:
            return f"{plural} {namespace}/{name}" if namespace else f"{plural} {name}"
        return f"{plural} in {namespace}" if namespace else plural


PODS = Resource("", "v1", "pods", "Pod")
NODES = Resource("", "v1", "nodes", "Node")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
