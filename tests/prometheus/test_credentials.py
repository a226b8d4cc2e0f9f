"""Who we are, and whom we trust: tokens, passwords, tenants, certificates."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autoscaler.adapters.prometheus.answer import QueryState
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.ports.errors import Unavailable
from tests.cluster.processes import LOOPBACK
from tests.prometheus.desk import number
from tests.prometheus.server import Prometheus

if TYPE_CHECKING:
    from tests.prometheus.conftest import Connect, OpenDesk

PASSWORD = "test"
PASSWORD_HASH = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"
KEY = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
LEAF = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca), and what it issued (server, client)."""
    folder = tmp_path_factory.mktemp("certificates")
    for who in ("ca", "server", "client"):
        files = ["-keyout", f"{who}.key", "-out", f"{who}.crt", "-subj", f"/CN={who}"]
        leaf = [] if who == "ca" else [*LEAF, "-addext", f"subjectAltName=IP:{LOOPBACK}"]
        subprocess.run(["openssl", *KEY, *files, *leaf], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def guarded(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A real server that shows a certificate, wants one, and a password."""
    web: dict[str, object] = {
        "tls_server_config": {
            "cert_file": str(certificates / "server.crt"),
            "key_file": str(certificates / "server.key"),
            "client_ca_file": str(certificates / "ca.crt"),
            "client_auth_type": "RequireAndVerifyClientCert",
        },
        "basic_auth_users": {"reader": PASSWORD_HASH},
    }
    server = Prometheus(tmp_path_factory.mktemp("guarded"), web=web)
    server.start()
    yield server
    server.stop()


def basic(folder: Path, password: str) -> dict[str, Path]:
    (folder / "user").write_text("reader\n")
    (folder / "password").write_text(f"{password}\n")
    return {"user_file": folder / "user", "password_file": folder / "password"}


def tls(folder: Path) -> dict[str, Path]:
    return {
        "ca_file": folder / "ca.crt",
        "certificate_file": folder / "client.crt",
        "key_file": folder / "client.key",
    }


def test_certificates_and_password(guarded: Prometheus, certificates: Path, connect: Connect, tmp_path: Path) -> None:
    client = connect(guarded.url, **tls(certificates), **basic(tmp_path, PASSWORD))
    assert client.answer("vector(7)").value == 7.0


def test_a_wrong_password_is_refused_until_its_file_is_right(
    guarded: Prometheus, certificates: Path, connect: Connect, tmp_path: Path
) -> None:
    metrics = connect(guarded.url, **tls(certificates), **basic(tmp_path, "wrong one")).metrics("vector(7)")
    with pytest.raises(Unavailable, match=r"401 Unauthorized.*check the token or password file"):
        metrics.read(0.0)
    assert metrics.reports[0].answer.state is QueryState.FORBIDDEN
    basic(tmp_path, PASSWORD)
    assert metrics.read(0.0).values[0, 0] == 7.0


@pytest.mark.parametrize("left_out", ["ca_file", "certificate_file"])
def test_without_a_certificate_nobody_is_trusted(
    guarded: Prometheus, certificates: Path, connect: Connect, tmp_path: Path, left_out: str
) -> None:
    given = tls(certificates)
    del given[left_out]
    if left_out == "certificate_file":
        del given["key_file"]
    with pytest.raises(Unavailable, match=r"check prometheus_ca_file and prometheus_certificate_file|no connection"):
        connect(guarded.url, **given, **basic(tmp_path, PASSWORD)).answer("vector(7)")


def test_a_token_is_read_again_when_it_changes(open_desk: OpenDesk, connect: Connect, tmp_path: Path) -> None:
    desk = open_desk(lambda asked: number("1"))
    token = tmp_path / "token"
    token.write_text("first\n")
    metrics = connect(desk.url, token_file=token, tenant="team-a").metrics("vector(1)")
    metrics.read(0.0)
    rotated = tmp_path / "rotated"
    rotated.write_text("other\n")
    rotated.replace(token)
    metrics.read(0.0)
    assert [asked.headers["authorization"] for asked in desk.asked] == ["Bearer first", "Bearer other"]
    assert {asked.headers["x-scope-orgid"] for asked in desk.asked} == {"team-a"}


@pytest.mark.parametrize("content", [None, "", "two\nlines"], ids=["missing", "empty", "two lines"])
def test_without_a_good_token_nobody_is_asked(
    open_desk: OpenDesk, connect: Connect, tmp_path: Path, content: str | None
) -> None:
    desk = open_desk(lambda asked: number("1"))
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
    with pytest.raises(Unavailable, match=f"{token}: .*so the metric store is not asked"):
        connect(desk.url, token_file=token).answer("vector(1)")
    assert not desk.asked


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"url": "prometheus:9090"}, "is no address", id="no scheme"),
        pytest.param({"url": "http://store:web"}, "is no address", id="no port"),
        pytest.param({"url": "http://[::1"}, "is no address", id="half an address"),
        pytest.param({"url": "http://me:secret@store"}, "holds a password", id="password in the address"),
        pytest.param({"url": "http://store/?x=1"}, "must end with its path", id="query in the address"),
        pytest.param({"url": "http://store/x/api/v1/"}, "must end before /api/v1", id="the API in the address"),
        pytest.param({"user_file": Path("u")}, "prometheus_user_file and prometheus_password_file go", id="user alone"),
        pytest.param({"key_file": Path("k")}, "prometheus_certificate_file and prometheus_key_file go", id="key alone"),
        pytest.param(
            {"token_file": Path("t"), "user_file": Path("u"), "password_file": Path("p")}, "exclude", id="two ways"
        ),
        pytest.param({"tick_s": 0.0}, "tick_s: must be above 0", id="no time"),
        pytest.param({"retries": -1}, "retries: must not be below 0", id="negative"),
    ],
)
def test_settings_that_contradict_one_another(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        PrometheusSettings(**({"url": "http://store"} | settings))  # type: ignore[arg-type]
    assert "secret" not in str(error.value)
