"""From raw answers to an observation. Pure: no clock, no I/O."""
