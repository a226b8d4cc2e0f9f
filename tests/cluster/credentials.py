"""Users of the rig's API server: a token each, and the files that programs read them from."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path

from tests.cluster.processes import LOOPBACK

MASTERS = "system:masters"
ADMIN, KWOK, AUTOSCALER, OWNERS = "admin", "kwok", "autoscaler", "owners"  # may do anything
PRODUCT = "product"  # may do nothing until a test grants it a role
CONTROLLERS, SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"  # known to the server by name
USERS = {
    ADMIN: MASTERS,
    KWOK: MASTERS,
    AUTOSCALER: MASTERS,
    OWNERS: MASTERS,
    PRODUCT: "",
    CONTROLLERS: "",
    SCHEDULER: "",
}


class Credentials:
    """Tokens of all users in a folder of their own, with a key pair for the tokens of service accounts."""

    def __init__(self, folder: Path) -> None:
        """Writes the files. FileNotFoundError where there is no openssl."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.tokens = {user: secrets.token_hex(16) for user in USERS}
        self.token_file = folder / "tokens.csv"
        lines = [f'{self.tokens[user]},{user},{user},"{group}"' for user, group in USERS.items()]
        self.token_file.write_text("\n".join(lines) + "\n")
        self.private_key, self.public_key = folder / "sa.key", folder / "sa.pub"
        _openssl("genrsa", "-out", str(self.private_key), "2048")
        _openssl("rsa", "-in", str(self.private_key), "-pubout", "-out", str(self.public_key))

    def kubeconfig(self, user: str, port: int, ca: Path) -> Path:
        """A kubeconfig for one of the USERS, made at its first use."""
        path = self._folder / f"{user.replace(':', '-')}.kubeconfig"
        cluster = {"server": f"https://{LOOPBACK}:{port}", "certificate-authority": str(ca)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "rig", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": user}}],
            "current-context": "rig",
        }
        path.write_text(json.dumps(content, indent=1))
        return path


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
