"""GpuPool: interchangeable nodes, as platform teams describe them once for all policies."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from autoscaler.domain.pool import CapacityType
from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import Count, Number, Part, Text, Whole


class NodeAffinityTerm(Part):
    """One requirement on the labels of a node, as Kubernetes writes it."""

    key: Text = Field(description="Label of the node. Required.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(
        description="How the label is compared. Required; `In` names the values that are accepted."
    )
    values: tuple[Text, ...] = Field(
        default=(),
        description="Label values, texts: one or more for In and NotIn, one number in quotes for Gt and Lt, "
        "none for Exists and DoesNotExist. Default none.",
    )

    @model_validator(mode="after")
    def _values_fit_the_operator(self) -> Self:
        count = len(self.values)
        wrong = {
            "In": (count == 0, "`values: [...]` with one value or more"),
            "NotIn": (count == 0, "`values: [...]` with one value or more"),
            "Exists": (count > 0, "no `values`"),
            "DoesNotExist": (count > 0, "no `values`"),
        }
        one_number = count == 1 and self.values[0].removeprefix("-").isdecimal()
        failed, wants = wrong.get(self.operator, (not one_number, "`values: ['8']`, one whole number"))
        if failed:
            Conflicts.check([Conflict(("values",), f"{count} values do not fit {self.operator}", f"give {wants}")])
        return self


class Toleration(Part):
    """One taint that the placeholders of this pool tolerate, as Kubernetes writes it."""

    key: Text | None = Field(default=None, description="Key of the taint. Default any, which needs operator Exists.")
    operator: Literal["Equal", "Exists"] = Field(
        default="Equal", description="Whether the value counts. Default Equal, as in Kubernetes."
    )
    value: Text | None = Field(default=None, description="Value of the taint, for operator Equal. Default empty.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint. Default any, as in Kubernetes."
    )

    @model_validator(mode="after")
    def _value_fits_the_operator(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            Conflicts.check([Conflict(("value",), "operator Exists looks at no value", "remove `value`")])
        if self.operator == "Equal" and self.key is None:
            Conflicts.check([Conflict((), "no key", "add `key`, or `operator: Exists` to tolerate every taint")])
        return self


class NodeLimits(Part):
    """How many nodes the pool has."""

    min: Whole = Field(default=0, description="Nodes that always stand, a count. Default 0: from nothing.")
    max: Whole | None = Field(
        default=None,
        description="Nodes that can stand at most, a count. Default no limit of ours: quota and stock set it.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.min > self.max:
            hint = f"write `{self.max}` or less, or raise max"
            Conflicts.check([Conflict(("min",), f"min {self.min} is above max {self.max}", hint)])
        return self


class GpuPool(Part):
    """`spec` of kind GpuPool."""

    capacity_type: CapacityType = Field(
        description="How its nodes are bought: on-demand or spot. Required: a primary pool must not be taken away."
    )
    node_affinity: tuple[NodeAffinityTerm, ...] = Field(
        min_length=1,
        description="Selects the nodes of the pool, also when there are none yet; all terms must hold. Required: "
        "placeholders are pinned by it.",
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(), description="Taints of the nodes of this pool that placeholders must tolerate. Default none."
    )
    gpu_resource: Text = Field(
        default="nvidia.com/gpu",
        description="Extended resource that counts the GPUs of a node. Default nvidia.com/gpu, NVIDIA's device plugin.",
    )
    gpus_per_node: Count = Field(
        description="GPUs of one node, a count. Required: it decides how many replicas share a node."
    )
    price_per_gpu_hour_dollars: Number = Field(
        alias="pricePerGpuHour",
        ge=0,
        description="Dollars a GPU-hour. Required: costs cannot be told without; for own hardware what it costs you.",
    )
    zones: tuple[Text, ...] = Field(
        default=(),
        description="Zones that the nodes can stand in, by name. Default unknown, taken as one: no loss is spread.",
    )
    nodes: NodeLimits = Field(default=NodeLimits(), description="How many nodes there are. Default 0 to no limit.")
