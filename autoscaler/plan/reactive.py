"""Reactive: the demand now, and nothing ahead of it."""

from __future__ import annotations

from autoscaler.plan.planner import Proposal, View, floor_only


class Reactive:
    """As many replicas as the last demand needs."""

    knob_limits = (-0.5, 3.0)
    uses_forecast = False
    holds = True

    def propose(self, view: View) -> Proposal:
        """The demand now."""
        return floor_only(view.demand, view.level)
