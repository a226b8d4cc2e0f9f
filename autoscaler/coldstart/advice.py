"""What each stage of a start is, what makes it shorter, and what does not, in words for whoever reads a waterfall."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.domain.lead_time import Stage

NO_HELP = (
    "MPS, MIG and unified memory shorten no start: MPS shares compute, the slices of MIG load over one bus, and "
    "unified memory moves the same bytes later."
)
"""Said of the stages that people try this for."""


@dataclass(frozen=True, slots=True)
class Advice:
    """name: of the stage, as people read it. what: passes in it. shorten: what makes it shorter, the best first.
    no_help: what does not, empty where nobody tries it. All but the name begin in lower case and end without a stop,
    `no_help` is whole sentences.
    """

    name: str
    what: str
    shorten: str
    no_help: str = ""


_LOADER = "a format that is read in parallel or streamed (safetensors), fewer bytes (INT8, INT4)"

ADVICE = {
    Stage.ORDERED: Advice(
        "node ordered",
        "the node autoscaler decides, and the provider looks for a machine",
        "hold a warm node by placeholders, schedule known peaks ahead, keep a spare on-demand pool for stock-outs",
    ),
    Stage.JOINED: Advice(
        "node booted",
        "the machine boots, and joins the cluster",
        "hold a warm node by placeholders, a smaller node image, schedule known peaks ahead",
    ),
    Stage.NODE_READY: Advice(
        "node made ready",
        "network and agents of the node come up",
        "hold a warm node by placeholders, fewer DaemonSets that the node waits for",
    ),
    Stage.GPU: Advice(
        "GPU driver",
        "driver and device plugin start, until the first pod is on the node",
        "a node image with the driver in it (20-40 s, where an operator installs it in 3-5 min), hold a warm node",
    ),
    Stage.IMAGE: Advice(
        "image",
        "the image is pulled, and init containers run",
        "pull it to the nodes beforehand (prefetch), image streaming, a boot disk that has it, model files out of the "
        "image",
    ),
    Stage.START: Advice(
        "process start",
        "the process starts; where nobody stamps weights, CUDA and transfer, these too",
        "publish stamps to see what is in it (docs/start-stages.md), fewer and later imports, a compile cache",
    ),
    Stage.WEIGHTS: Advice(
        "weights",
        "the model comes from its store to the memory of the node",
        f"keep it on the node (hostPath or PVC cache, OCI volume, local NVMe), {_LOADER}",
        NO_HELP,
    ),
    Stage.CUDA: Advice(
        "CUDA context",
        "the process makes its context on the GPU; once for each process, on a warm node too",
        "only a process that lives already saves it: a warm replica, or a restore from a snapshot",
        NO_HELP,
    ),
    Stage.TRANSFER: Advice(
        "transfer to GPU",
        "the model goes over the bus to the memory of the GPU",
        "fewer bytes (INT8, INT4), tensor parallelism (each GPU over its own bus), a streaming loader",
        NO_HELP,
    ),
    Stage.LOAD: Advice(
        "model load",
        "weights, CUDA context and transfer, which nobody tells apart",
        f"keep the model on the node, {_LOADER}; publish stamps to see which of the three it is (docs/start-stages.md)",
        NO_HELP,
    ),
    Stage.WARM_UP: Advice(
        "warm-up",
        "the model is loaded; kernels are compiled, graphs captured, caches filled, until the pod is ready",
        "keep the compile cache on a volume, capture fewer graph sizes, a readiness probe that looks often, a warm "
        "replica",
    ),
}  # fmt: skip
"""Of every stage."""
