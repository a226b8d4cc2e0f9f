"""The way to the API server: address, TLS and credentials, from inside the cluster or from a kubeconfig."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME, load_incluster_config
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, load_kube_config

from autoscaler.ports.errors import Invalid

CONNECTIONS = 32
"""Kept open at most: one a watch, and some for calls at the same time."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One API server, and the official client's connections to it."""

    client: ApiClient
    load: Callable[[], Configuration]
    """Reads address and credentials again."""

    @property
    def server(self) -> str:
        return str(self.client.configuration.host)

    @property
    def pool(self) -> urllib3.PoolManager:
        return self.client.rest_client.pool_manager

    def authorization(self) -> dict[str, str]:
        """The header of the moment; tokens that expire are read again by the official client. Raises `Invalid`."""
        try:
            setting = self.client.configuration.auth_settings().get("BearerToken")
        except (ConfigException, OSError) as error:
            raise Invalid(f"read the token for {self.server}: {error}; check that it is mounted") from error
        return {"Authorization": str(setting["value"])} if setting and setting["value"] else {}

    def renew(self) -> bool:
        """Reads the credentials again, where the server refused them; whether they are others now. Raises `Invalid`."""
        before = self.authorization()
        fresh = self.load()
        self.client.configuration.api_key = fresh.api_key
        self.client.configuration.refresh_api_key_hook = fresh.refresh_api_key_hook
        return self.authorization() != before

    def close(self) -> None:
        """Ends idle connections; those in use end with their answer."""
        self.client.close()  # type: ignore[no-untyped-call]


def connect(kubeconfig: Path | None = None, context: str | None = None) -> Connection:
    """The cluster of the kubeconfig where one is named, else the one that we run in, else the user's usual kubeconfig.

    Nothing is sent yet. Raises `Invalid` where there is no such file, context or token.
    """

    def load() -> Configuration:
        setting = Configuration()
        setting.connection_pool_maxsize = CONNECTIONS
        source = "the service account of this pod" if kubeconfig is None else f"kubeconfig {kubeconfig}"
        try:
            if kubeconfig is None and os.environ.get(SERVICE_HOST_ENV_NAME):
                load_incluster_config(setting)  # type: ignore[no-untyped-call]
            else:
                source = f"kubeconfig {kubeconfig or KUBE_CONFIG_DEFAULT_LOCATION}"
                load_kube_config(  # type: ignore[no-untyped-call]
                    str(kubeconfig) if kubeconfig else None, context, setting, persist_config=False
                )
        except Exception as error:  # a spoiled file makes the client raise anything, its YAML reader's errors included
            raise Invalid(
                f"read {source}: {' '.join(str(error).split())}; check the file, its context and its rights"
            ) from error
        return setting

    return Connection(ApiClient(load()), load)
