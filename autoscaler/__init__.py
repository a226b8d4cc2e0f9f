"""Predictive GPU capacity autoscaler: GPU nodes and warm replicas exist before they are needed, and go as soon as they are not."""

__version__ = "0.1.0"
