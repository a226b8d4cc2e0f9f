"""The contract of the cluster port on every simulated rig."""

from __future__ import annotations

from tests.contract.cluster_suite import ClusterContract


class TestSimulatedCluster(ClusterContract):
    pass
