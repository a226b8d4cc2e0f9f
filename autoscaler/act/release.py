"""Which placeholders go when some must: those that wait for a node first, then whole nodes, then parts of nodes.

A node autoscaler takes away what is empty, and what is left on a node in part it pays for and comes back to late. So
nodes are emptied one by one, those first that cost the fewest placeholders; a node counts only where nothing else holds
GPUs on it. Every choice is the same whatever the order of what is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from autoscaler.domain.inventory import Placeholder

Place = tuple[int, int]
"""Workload and pool."""
Places = Mapping[Place, Sequence[Placeholder]]
"""The placeholders that stand."""


def released(places: Places, surplus: Mapping[Place, int]) -> dict[Place, list[Placeholder]]:
    """Of each place as many as are too many (all where fewer stand), in the order in which they go."""
    plain = {place: sorted(places[place], key=_plainly)[:count] for place, count in surplus.items() if count > 0}
    nodes = _nodes(placeholder for standing in places.values() for placeholder in standing) if plain else []
    if not nodes:
        return plain
    by_node = _by_node(plain, places, nodes)
    better = _emptied(by_node, nodes) >= _emptied(plain, nodes)  # several workloads on a node: no order is best always
    return by_node if better else plain


def _by_node(plain: Places, places: Places, nodes: Sequence[list[Placeholder]]) -> dict[Place, list[Placeholder]]:
    """As many of each place as in `plain`."""
    chosen = {place: [one for one in going if not one.bound] for place, going in plain.items()}
    left = Counter({place: len(going) - len(chosen[place]) for place, going in plain.items()})
    for node in nodes:
        need = Counter((one.workload, one.pool) for one in node)
        if all(left[place] >= count for place, count in need.items()):
            left -= need
            for one in sorted(node, key=_plainly):
                chosen[one.workload, one.pool].append(one)
    rank = {node[0].node: n for n, node in enumerate(nodes)}
    for place, count in left.items():
        gone = {one.slot for one in chosen[place]}
        rest = [one for one in places[place] if one.bound and one.slot not in gone]
        rest.sort(key=lambda one: (rank.get(one.node, len(nodes)) if one.alone else len(nodes), -one.slot))
        chosen[place] += rest[:count]
    return chosen


def _plainly(one: Placeholder) -> tuple[bool, int]:
    """Pending ones first, then the highest slots."""
    return one.bound, -one.slot


def _nodes(standing: Iterable[Placeholder]) -> list[list[Placeholder]]:
    """The placeholders of each node that can be emptied, the fewest first, of equals those of the highest slots."""
    found: dict[str, list[Placeholder]] = {}
    for one in standing:
        if one.node and one.alone:
            found.setdefault(one.node, []).append(one)
    return sorted(found.values(), key=lambda node: (len(node), sorted(-one.slot for one in node), node[0].node))


def _emptied(going: Places, nodes: Sequence[list[Placeholder]]) -> int:
    gone = {(one.workload, one.pool, one.slot) for some in going.values() for one in some}
    return sum(all((one.workload, one.pool, one.slot) in gone for one in node) for node in nodes)
