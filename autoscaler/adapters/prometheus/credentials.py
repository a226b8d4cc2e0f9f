"""Credentials from files, as the kubelet mounts them: read again as soon as they change."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.ports.errors import Forbidden


class SecretFile:
    """The text of a file, without white space around it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._seen: tuple[int, int, int] | None = None
        self._text = ""

    def text(self) -> str:
        """What it says now. Raises `Forbidden` where it cannot be read, is empty, or holds more than one line."""
        with self._lock:
            try:
                now = self._path.stat()
                seen = now.st_ino, now.st_mtime_ns, now.st_size
                if seen != self._seen:
                    self._text = self._path.read_text().strip()
                    self._seen = seen
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "not UTF-8"
                raise Forbidden(f"{self._path}: cannot be read ({why}), so the metric store is not asked") from error
            if not self._text or "\n" in self._text:
                raise Forbidden(f"{self._path}: must hold one line, so the metric store is not asked")
            return self._text


class BearerFile(AuthBase):
    """A bearer token from a file."""

    def __init__(self, token: SecretFile) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Adds the token to the request."""
        request.headers["Authorization"] = f"Bearer {self._token.text()}"
        return request


class BasicFiles(AuthBase):
    """User and password from two files."""

    def __init__(self, user: SecretFile, password: SecretFile) -> None:
        self._user, self._password = user, password

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Adds both to the request."""
        user, password = self._user.text().encode(), self._password.text().encode()
        signed: PreparedRequest = HTTPBasicAuth(user, password)(request)
        return signed


def credentials(settings: PrometheusSettings) -> AuthBase | None:
    """Who we are, None where nobody asks."""
    if settings.token_file is not None:
        return BearerFile(SecretFile(settings.token_file))
    if settings.user_file is not None and settings.password_file is not None:
        return BasicFiles(SecretFile(settings.user_file), SecretFile(settings.password_file))
    return None
