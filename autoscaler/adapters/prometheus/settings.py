"""How the metric store is reached, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """Raises ValueError where the fields contradict one another; it calls them as the settings of the process do, after
    `prometheus`. Files are read when they are needed and read again when they change; secrets come in files only."""

    url: str
    """Address of the HTTP API without `/api/v1`; a path before it is kept (`https://store/prometheus`)."""
    token_file: Path | None = None
    """A bearer token. Not together with user and password."""
    user_file: Path | None = None
    """The user of basic authentication; needs `password_file`."""
    password_file: Path | None = None
    """The password of basic authentication; needs `user_file`."""
    tenant: str | None = None
    """Sent as `X-Scope-OrgID`, for Mimir, Cortex and Loki-like gateways."""
    ca_file: Path | None = None
    """Certificates that the server's is checked against; None: those that come with the client."""
    certificate_file: Path | None = None
    """Our own certificate, where the server asks for one; needs `key_file`."""
    key_file: Path | None = None
    """Its key; needs `certificate_file`."""
    connect_s: float = 2.0
    """Longest wait for a connection: the store is near, and a lost packet is sent again within a second."""
    query_s: float = 5.0
    """Longest wait for the answer of one query, all attempts together; the server is told to give up then too."""
    tick_s: float = 10.0
    """Longest wait for all queries of one tick; what has not answered by then is missing. Two thirds of a tick."""
    history_s: float = 60.0
    """Longest wait for one piece of history: up to 11,000 points over days."""
    concurrency: int = 10
    """Queries under way at once. Half of what Prometheus runs at once by default (20), so that people can ask too."""
    retries: int = 2
    """Further attempts after a failed connection, or the answer 502, 503 or 504."""
    retry_s: float = 0.1
    """Wait before the first further attempt; each later wait is twice the one before."""
    answer_bytes: int = 16 * 1024 * 1024
    """Largest answer that is read: 11,000 points of six series are 2 MB."""

    def __post_init__(self) -> None:
        """Checks the fields against one another."""
        _check_address(self.url)
        for one, other in (("user_file", "password_file"), ("certificate_file", "key_file")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"prometheus_{one} and prometheus_{other} go together; give both or none")
        if self.token_file is not None and self.user_file is not None:
            raise ValueError("prometheus_token_file and prometheus_user_file exclude each other; give one")
        for name in ("connect_s", "query_s", "tick_s", "history_s", "concurrency", "answer_bytes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: must be above 0")
        for name in ("retries", "retry_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: must not be below 0")


def _check_address(url: str) -> None:
    no_address = f"prometheus: {url!r} is no address; write http://HOST:PORT or https://HOST"
    try:
        address = urlsplit(url)
        address.port  # noqa: B018 - raises where it is no number
    except ValueError:
        raise ValueError(no_address) from None
    if address.username or address.password:
        raise ValueError("prometheus: the address holds a password; put it into a file, prometheus_password_file")
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(no_address)
    if address.query or address.fragment:
        raise ValueError(f"prometheus: {url!r} must end with its path; leave out what follows")
    if address.path.rstrip("/").endswith("/api/v1"):
        raise ValueError(f"prometheus: {url!r} must end before /api/v1, which each question adds; leave it out")
