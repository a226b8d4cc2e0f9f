"""Webhooks of a program on this machine, from the manifest in its module, for as long as it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from tests.cluster.api import Api, Json

GROUP = "admissionregistration.k8s.io/v1"
PLURALS = {
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
}


@contextmanager
def called(api: Api, manifest: Path, prefix: str, fitted: Callable[[Json], Json | None]) -> Iterator[None]:
    """Has the API server call the webhooks of a manifest for the length of the block, in configurations whose names
    begin with `prefix`. `fitted` has each webhook as it shall be, or None to leave it out.

    They must not outlive their program: the API server refuses what a webhook does not answer for."""
    made = []
    try:
        for body in YAML(typ="safe", pure=True).load_all(manifest.read_text()):
            resource, name = f"{GROUP}/{PLURALS[body['kind']]}", f"{prefix}{body['metadata']['name']}"
            webhooks = [hook for hook in map(fitted, body["webhooks"]) if hook is not None]
            api.create(resource, {"metadata": {"name": name}, "webhooks": webhooks})
            made.append((resource, name))
        yield
    finally:
        for resource, name in made:
            api.delete(resource, name)


def resources(webhook: Json) -> list[str]:
    """Resources of core and of groups that a webhook is about, as `pods` or `batch/jobs`."""
    return [
        f"{group}/{plural}".lstrip("/")
        for rule in webhook["rules"]
        for group in rule["apiGroups"]
        for plural in rule["resources"]
    ]
