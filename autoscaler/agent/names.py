"""Every metric of the agent: its name with its unit, what it says, and its labels.

Where DCGM's exporter has a metric that means the same, it has that name here, with that exporter's labels and units.
"""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.coldstart.published import STAMP

PREFIX = "gpu_autoscaler_agent_"
GPU = ("gpu", "UUID", "device", "modelName", "Hostname", "GPU_I_ID", "GPU_I_PROFILE", "namespace", "pod", "container")
"""Labels of a GPU, or of a MIG part of one; pod, namespace and container are empty where several hold it, or none."""
CONTAINER = ("namespace", "pod", "container", "uid", "gpu")


@dataclass(frozen=True, slots=True)
class AgentMetric:
    """`text`: the full name. A counter's has the suffix that it gets."""

    text: str
    help: str
    labels: tuple[str, ...] = ()
    is_counter: bool = False


def _dcgm(text: str, help: str) -> AgentMetric:
    return AgentMetric(f"DCGM_FI_DEV_{text}", help, GPU)


def _own(text: str, help: str, *labels: str) -> AgentMetric:
    return AgentMetric(PREFIX + text, help, labels, text.endswith("_total"))


GPU_UTIL = _dcgm("GPU_UTIL", "Share of time with a kernel on the GPU, in percent; a GPU in parts does not tell it.")
COPY_UTIL = _dcgm("MEM_COPY_UTIL", "Share of time in which memory of the GPU is read or written, in percent.")
FB_USED = _dcgm("FB_USED", "Memory of the GPU or part in use, in MiB.")
FB_FREE = _dcgm("FB_FREE", "Memory of the GPU or part that is free, in MiB.")
FB_TOTAL = _dcgm("FB_TOTAL", "Memory of the GPU or part, in MiB.")
POWER = _dcgm("POWER_USAGE", "Power of the GPU, in watts.")
TEMPERATURE = _dcgm("GPU_TEMP", "Temperature of the GPU, in degrees Celsius.")
XID = _dcgm("XID_ERRORS", "Number of the last XID error since the agent looks, 0 for none.")

STAGE = AgentMetric(
    STAMP,
    "When a stage of the start of a container began or ended, in seconds since the epoch by the clock of the node; "
    "absent for a beginning that nobody saw, and for an end that is to come.",
    ("namespace", "pod", "container", "uid", "stage", "edge", "witness"),
)
USED = _own("container_gpu_memory_used_bytes", "Memory of a GPU that the processes of a container use.", *CONTAINER)
SM = _own(
    "container_sm_utilization_ratio",
    "Share of the time of a GPU's multiprocessors that the processes of a container use, 0 to 1.",
    *CONTAINER,
)
PHASE = _own(
    "container_phase",
    "1 for what the processes of a container do on a GPU: context, loading, warming, loaded, idle, serving.",
    *CONTAINER, "phase",
)  # fmt: skip
RECEIVED = _own(
    "gpu_received_bytes_per_second", "What a GPU receives over its bus; told while a start goes on.", "gpu", "UUID"
)
STATE = _own("gpu_state", "1 for the state of a GPU: ok, lost, denied or failed.", "gpu", "UUID", "state")
DRIVER = _own("driver_reachable", "1 where the NVIDIA driver answers, 0 where not: none on this node, or not yet.")
KUBELET = _own("kubelet_reachable", "1 where the kubelet tells whose devices are, 0 where not.")
LOOKS = _own("looks_total", "Looks at the GPUs.")
LATE = _own("looks_late_total", "Looks that began half an interval late or more, those left out included.")
FAILED = _own("looks_failed_total", "Looks that ended in an error of the agent's own.")
LOOK = _own("look_seconds", "How long the last look took.")
CLOCK = _own("clock_seconds", "Time by the clock of the node, in seconds since the epoch: tells how far it is off.")

ALL = (
    GPU_UTIL, COPY_UTIL, FB_USED, FB_FREE, FB_TOTAL, POWER, TEMPERATURE, XID, STAGE, USED, SM, PHASE, RECEIVED, STATE,
    DRIVER, KUBELET, LOOKS, LATE, FAILED, LOOK, CLOCK,
)  # fmt: skip
