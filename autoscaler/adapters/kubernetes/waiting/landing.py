"""Where the pods of queued work could land: their shape in each pool, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.waiting.kinds import Flavor
from autoscaler.adapters.kubernetes.waiting.work import Template, Work
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import Json, has_claims, spec
from autoscaler.placeholder.quantity import ONE
from autoscaler.placeholder.refusal import Refusal
from autoscaler.placeholder.request import effective_amounts
from autoscaler.placeholder.shape import Shape, shape
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Invalid, PortError, Unavailable

FRESH_S = 60.0
"""How long a landing is believed: neighbours and volumes change."""
CLAIMS = "it gets its GPUs by claims, which no placeholder can hold"


@dataclass(frozen=True, slots=True)
class Landing:
    """gpus: of one pod in this pool; None where it cannot land: refused says why."""

    gpus: int | None
    refused: str


class Landings:
    """Used by one thread at a time."""

    def __init__(
        self, pins: Sequence[Pin], around: Callable[[Json], Surroundings], flavor: Callable[[str], Flavor | None],
        clock: ClockPort,
    ) -> None:  # fmt: skip
        """around: of a pod. flavor: of Kueue, by name. Both may raise `PortError`."""
        self._pins, self._around, self._flavor, self._clock = tuple(pins), around, flavor, clock
        self._known: dict[tuple[str, str, str, int], Landing] = {}
        self._since_s = clock.monotonic_s()

    def asking(self, work: Work, pools: Sequence[int]) -> list[Template]:
        """Its pod sets that ask for GPUs of any of these pools, or for devices by claims."""
        return [one for one in work.templates if any(self._asks(one.pod, pool) for pool in pools)]

    def landing(self, work: Work, template: Template, pool: int) -> Landing:
        """Whether and how its pods could land in a pool, as of `FRESH_S` ago at most. Raises `Unavailable`."""
        now_s = self._clock.monotonic_s()
        if now_s > self._since_s + FRESH_S:
            self._known, self._since_s = {}, now_s
        key = (work.uid, work.version, template.name, pool)
        if key not in self._known:
            self._known[key] = self._landing(template, pool)
        return self._known[key]

    def shape(self, template: Template, pool: int) -> Shape:
        """As it is now. Raises `Invalid` where such a pod cannot land there, and other `PortError`s."""
        pin = self._pins[pool]
        pod = self._flavored(template)
        said = f"shape placeholders of pods {template.name} in pool {pin.pool}"
        try:
            found = shape(pod, pin, self._around(pod))
        except ValueError as error:
            raise Invalid(f"{said}: {error}; correct the requests of the work") from error
        if isinstance(found, Refusal):
            raise Invalid(f"{said}: {found.cause}: {found.reason}; correct the work, or take the pool out")
        return found

    def _landing(self, template: Template, pool: int) -> Landing:
        if has_claims(template.pod):
            return Landing(None, CLAIMS)
        pin = self._pins[pool]
        try:
            pod = self._flavored(template)
            found = shape(pod, pin, self._around(pod))
            gpus = effective_amounts(pod).get(pin.gpu_resource, 0) // ONE
        except Unavailable:
            raise
        except (PortError, ValueError) as error:
            return Landing(None, str(error))
        return Landing(None, found.reason) if isinstance(found, Refusal) else Landing(gpus, "")

    def _asks(self, pod: Json, pool: int) -> bool:
        """Also where its quantities cannot be read, which is said where it would land."""
        try:
            return has_claims(pod) or effective_amounts(pod).get(self._pins[pool].gpu_resource, 0) > 0
        except ValueError:
            return True

    def _flavored(self, template: Template) -> Json:
        """With what its flavors will add when Kueue lets it go."""
        flavors = [found for name in template.flavors if (found := self._flavor(name)) is not None]
        if not flavors:
            return template.pod
        own = spec(template.pod)
        selector, tolerations = dict(own.get("nodeSelector") or {}), list(own.get("tolerations") or ())
        for one in flavors:
            selector |= one.node_labels
            tolerations += one.tolerations
        return {**template.pod, "spec": {**own, "nodeSelector": selector, "tolerations": tolerations}}
