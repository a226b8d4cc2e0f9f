"""Pod and container of a process, from the path of its control group."""

from __future__ import annotations

import re

POD = re.compile(
    r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?=[./:]|$)"
)
"""A static pod's uid has no dashes; systemd writes underscores for dashes."""
CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?=[/:]|$)")
"""As in `/ID`, `cri-containerd-ID.scope`, `crio-ID.scope/container` and `...slice:cri-containerd:ID`."""


def pod_and_container(text: str) -> tuple[str, str]:
    """Uid of the pod and id of the container, from /proc/PID/cgroup; empty where it is in none.

    Version 2 has one line, version 1 one for each controller; that of a pod comes first where only some tell.
    """
    for line in text.splitlines():
        path = line.split(":", 2)[-1]
        pods = list(POD.finditer(path))
        if pods:
            ids = CONTAINER.findall(path[pods[-1].end() :])
            return pods[-1][1].replace("_", "-"), ids[0] if ids else ""
    return "", ""
