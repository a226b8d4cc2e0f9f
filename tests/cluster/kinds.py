"""A kind that a CustomResourceDefinition brings."""

from __future__ import annotations

from dataclasses import dataclass

from tests.cluster.api import Json


@dataclass(frozen=True, slots=True)
class Defined:
    """A kind by its definition. resource: as in paths, in the version that is stored."""

    definition: str
    resource: str
    namespaced: bool

    @classmethod
    def of(cls, body: Json) -> Defined:
        """What a CustomResourceDefinition defines."""
        spec = body["spec"]
        [version] = [one["name"] for one in spec["versions"] if one["storage"]]
        resource = f"{spec['group']}/{version}/{spec['names']['plural']}"
        return cls(body["metadata"]["name"], resource, spec["scope"] == "Namespaced")
