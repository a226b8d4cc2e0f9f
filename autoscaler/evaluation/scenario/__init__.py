"""Scenario files: what can be written in them, and how they are made ready to run."""
