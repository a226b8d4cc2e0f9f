"""Certificates for servers and clients on this machine: an authority of the rig's own, and what it signs."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.processes import LOOPBACK

DAYS = "2"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates, all in one folder; `certificate` is its own."""

    def __init__(self, folder: Path) -> None:
        """Makes it. FileNotFoundError where there is no openssl."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.certificate, self._key = folder / "ca.crt", folder / "ca.key"
        _openssl(
            "req", "-x509", *NEW_KEY, "-days", DAYS, "-subj", "/CN=rig", "-keyout", self._key, "-out", self.certificate
        )  # fmt: skip

    @property
    def bundle(self) -> str:
        """Its certificate as a `caBundle`."""
        return base64.b64encode(self.certificate.read_bytes()).decode()

    def issue(self, name: str) -> Certificate:
        """For a server on the loopback address and for a client that is called `name`, at once."""
        made = Certificate(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        uses = "extendedKeyUsage=serverAuth,clientAuth"
        extensions.write_text(f"subjectAltName=DNS:localhost,IP:{LOOPBACK}\n{uses}\n")
        _openssl("req", "-new", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
            "-days", DAYS, "-extfile", extensions, "-out", made.certificate,
        )  # fmt: skip
        return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
