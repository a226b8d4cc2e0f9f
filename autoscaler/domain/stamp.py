"""Stamps: what somebody beside Kubernetes' objects tells of the stages of a pod's start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from autoscaler.domain.lead_time import Stage, StartPath


class Witness(IntEnum):
    """Who tells. Of two that tell of one stage of one start the larger is believed."""

    ENGINE = 1
    """The serving engine's own metrics, which tell durations."""
    AGENT = 2
    """The node agent, from the memory of the GPUs."""
    PROCESS = 3
    """The serving process itself, which knows best."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One stage of the start of one pod. pod: "namespace/name". uid: of the pod, empty where it is not told.

    from_s, until_s: when the stage began and ended, in seconds since the epoch by the clock of the pod's node; None for
    what is not told: a beginning that is the end of the stage before, or an end that is still to come. seconds: how
    long it took, of a witness that tells neither. path, model_format: as of `Start`, where they are told.
    """

    pod: str
    stage: Stage
    witness: Witness
    from_s: float | None = None
    until_s: float | None = None
    seconds: float | None = None
    uid: str = ""
    path: StartPath | None = None
    model_format: str = ""
