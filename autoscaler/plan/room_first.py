"""Room first: the floor of a gang rises only as far as whole groups have their room.

Pods of a group are bound one by one, so a group that is asked for where there is room for a part of it holds GPUs and
serves nothing. Its placeholders are made whole and released whole: where all of them are bound, the group fits.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Ints
from autoscaler.domain.bounds import Bounds
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Reason
from autoscaler.plan.guards import Draft

GANG = np.uint32(Reason.GANG)


def room_first(draft: Draft, inventory: Inventory, fleet: Fleet, bounds: Bounds) -> tuple[Draft, Ints]:
    """(floors that go no further than there is room; groups that wait for it, int [W], for which it is to be made).

    A floor is never lowered below what was asked for last. One that a person has set is left as it is, and so is one of
    a policy that only observes: nobody makes room for it.
    """
    waits = (fleet.pods_per_replica > 1) & fleet.acts
    if not np.count_nonzero(waits):
        return draft, np.zeros(fleet.size, dtype=np.int64)
    bound, _ = inventory.placeholder_counts()
    fits = (inventory.ready + inventory.starting + bound).sum(axis=1)
    held = np.maximum(fits, inventory.floor)
    waits = waits & (held < draft.floor)
    if bounds.override is not None:
        waits = waits & ~np.isfinite(bounds.override)
    floor = np.where(waits, held, draft.floor)
    return Draft(floor, draft.reasons | waits * GANG), (draft.floor - floor).astype(np.int64)
