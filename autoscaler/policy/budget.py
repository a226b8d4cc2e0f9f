"""Budget: what may stand at once, for one policy or for several that share it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import Count, Name, Number, Part


class Budget(Part):
    """`spec` of kind Budget, and a policy's own. Bounds what is asked for: floors and placeholders together."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    gpus: Count | None = Field(
        default=None, description="GPUs that may be asked for at once, a count. Default no limit."
    )
    dollars_per_hour: Number | None = Field(
        default=None,
        gt=0,
        description="Dollars an hour that what is asked for may cost, by the prices of the pools. Default no limit.",
    )

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.gpus is None and self.dollars_per_hour is None:
            Conflicts.check([Conflict((), "limits nothing", "add `gpus: 64` or `dollarsPerHour: 260`")])
        return self


def _own_or_shared(value: object) -> str:
    return "own" if isinstance(value, dict | Budget) else "shared"


SharedOrOwn = Annotated[Annotated[Name, Tag("shared")] | Annotated[Budget, Tag("own")], Discriminator(_own_or_shared)]
"""The name of a Budget that policies share, or a policy's own."""
