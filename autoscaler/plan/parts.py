"""The parts that the plan is made of, each of which can be switched off to see what it brings."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class PlanPart(StrEnum):
    """A part of the product."""

    SCHEDULES = "schedules"
    CALENDARS = "calendars"
    BUDGET = "budget"
    FRESHNESS = "freshness"
    REACTIVE = "reactive"
    HOLD = "hold"
    FORECAST = "forecast"
    RECURRING = "recurring"
    LOOP = "loop"
    PLACEHOLDERS = "placeholders"
    PRIMARY = "primary"
    ROLLOUT = "rollout"


WORDS: Mapping[PlanPart, str] = {
    PlanPart.SCHEDULES: "floors and ceilings at known times; without: no schedule of any policy",
    PlanPart.CALENDARS: "days unlike their weekday; without: schedules follow the weekday",
    PlanPart.BUDGET: "what may be asked for at once; without: no budget of any policy",
    PlanPart.FRESHNESS: "unknown is not zero; without: a missing signal is a zero, and one that comes back is believed",
    PlanPart.REACTIVE: "while requests are late, at least the demand now; without: what the planner wants",
    PlanPart.HOLD: "a surplus is kept for the break-even time; without: it goes at once",
    PlanPart.FORECAST: "a quantile of the demand at the lead time; without: the demand now, and what recurs",
    PlanPart.RECURRING: "bursts that recur to the minute; without: that candidate of the portfolio is missing",
    PlanPart.LOOP: "headroom moved by realised lateness; without: the planner's own setting",
    PlanPart.PLACEHOLDERS: "room on warm nodes beyond the floors; without: floors alone",
    PlanPart.PRIMARY: "on-demand room for what the largest spot zone carries; without: all room on spot where it may",
    PlanPart.ROLLOUT: "more replicas and room while a rollout lasts; without: floors as if there were none",
}
"""What each does, and what is left without it. Schedules, calendars and budgets are of policies: off, every strategy
runs without them. The others are off in our own strategies alone, since those that we compare with have none of them.
"""
