"""Where the way to the API server is read from, and what is said when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.adapters.kubernetes.connection import connect
from autoscaler.ports.errors import Invalid
from tests.unit.adapters.kubernetes.conftest import Login, Script


def test_address_and_token_come_from_the_kubeconfig(script: Script, login: Login) -> None:
    connection = connect(login.kubeconfig)
    assert connection.server == script.url
    assert connection.authorization() == {"Authorization": "Bearer first"}


def test_renewed_credentials_are_seen(login: Login) -> None:
    connection = connect(login.kubeconfig)
    assert not connection.renew()
    login.token.write_text("second")
    assert connection.renew()
    assert connection.authorization() == {"Authorization": "Bearer second"}


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"read kubeconfig .*/none: .*check the file, its context and its rights"):
        connect(tmp_path / "none")


def test_no_such_context(login: Login) -> None:
    with pytest.raises(Invalid, match=r"read kubeconfig .*Expected object with name other"):
        connect(login.kubeconfig, "other")


@pytest.mark.parametrize("text", ["", "[]", "{", "a: b", "\x00"], ids=["empty", "list", "cut", "foreign", "binary"])
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(Invalid, match=r"read kubeconfig .*/config: "):
        connect(file)


def test_in_a_pod_without_a_mounted_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(Invalid, match="read the service account of this pod: Service token file does not exist"):
        connect()
