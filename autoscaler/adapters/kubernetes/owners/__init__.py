"""Owners of replicas: who moves the number of a workload, and the field of theirs that carries our floor."""
