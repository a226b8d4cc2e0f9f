"""Seats: which policy may stand in which pool, as rows that metrics are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.telemetry.samples import Labels

PRIMARY, BURST = "primary", "burst"


@dataclass(frozen=True, slots=True)
class Seats:
    """N seats of a fleet, in its order. rows, pools: int [N], of which workload and in which pool.

    names: (policy, pool). places: (policy, pool, tier, capacity type), a pool of both tiers as primary.
    """

    fleet: Fleet
    rows: Ints
    pools: Ints
    names: tuple[Labels, ...]
    places: tuple[Labels, ...]

    @staticmethod
    def of(fleet: Fleet) -> Seats:
        """All that the policies allow."""
        rows, pools = np.nonzero(fleet.primary | fleet.burst)
        both = list(zip(rows.tolist(), pools.tolist(), strict=True))
        tiers = [PRIMARY if fleet.primary[w, p] else BURST for w, p in both]
        names: list[Labels] = [(fleet.names[w], fleet.pools[p].name) for w, p in both]
        kinds = [fleet.pools[p].capacity_type.value for _, p in both]
        places: list[Labels] = [(*name, tier, kind) for name, tier, kind in zip(names, tiers, kinds, strict=True)]
        return Seats(fleet, rows, pools, tuple(names), tuple(places))
