"""Who set a field last, as the API server keeps it in `metadata.managedFields`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoscaler.placeholder.pod import Json, metadata


def setters(thing: Json, path: Sequence[str]) -> tuple[Json, ...]:
    """The entries of all managers that hold this field, the newest first; empty where the server does not say."""
    found = [entry for entry in metadata(thing).get("managedFields") or () if _holds(entry, path)]
    return tuple(sorted(found, key=lambda entry: str(entry.get("time") or ""), reverse=True))


def said(entries: Sequence[Json]) -> str:
    """The managers in words: `kubectl-edit at 2026-11-25T12:00:00Z, argocd at ...`; empty where there is none."""
    return ", ".join(_words(entries))


def _words(entries: Sequence[Json]) -> Iterator[str]:
    for entry in entries:
        when = f" at {entry['time']}" if entry.get("time") else ""
        yield f"{entry.get('manager')}{when}"


def _holds(entry: Json, path: Sequence[str]) -> bool:
    fields = entry.get("fieldsV1") or {}
    for part in path:
        fields = fields.get(f"f:{part}")
        if fields is None:
            return False
    return True
