"""What service accounts asked of the API server, and whether it let them: its audit log, but for the system's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.api import Json

POLICY: Json = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as permissions see it. `resource` with its group and subresource, empty where it is a path."""

    verb: str
    resource: str
    namespace: str
    allowed: bool


class AuditLog:
    """The log of one API server, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._policy, self._log = folder / "audit-policy.json", folder / "audit.log"

    def flags(self) -> list[str]:
        """Of the API server; writes the policy."""
        self._policy.write_text(json.dumps(POLICY))
        return [f"--audit-policy-file={self._policy}", f"--audit-log-path={self._log}"]

    def asked(self, namespace: str) -> list[Asked]:
        """What service accounts of this namespace have asked so far; watches as soon as they end."""
        user = f"system:serviceaccount:{namespace}:"
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        events = (json.loads(line) for line in lines if user in line)
        return [_asked(event) for event in events if event["user"]["username"].startswith(user)]


def _asked(event: Any) -> Asked:
    thing = event.get("objectRef") or {}
    names = (thing.get("apiGroup", ""), thing.get("resource", ""), thing.get("subresource", ""))
    decision = event.get("annotations", {}).get("authorization.k8s.io/decision")
    return Asked(
        event["verb"], "/".join(name for name in names if name), thing.get("namespace", ""), decision == "allow"
    )
