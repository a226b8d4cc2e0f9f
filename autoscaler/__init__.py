"""Predictive GPU capacity autoscaler: nodes and warm replicas exist before demand comes, and go with it."""

__version__ = "0.1.0"
