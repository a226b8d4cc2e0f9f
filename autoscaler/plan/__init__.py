"""Observation + forecast + policy + state -> plan. Pure: no clock, no I/O, no logging."""
