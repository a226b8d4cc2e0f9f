"""A site with one workload that stands at zero, and a queue at the gateway that tells who comes."""

from __future__ import annotations

from tests.cluster.limited_site import LimitedSite
from tests.cluster.pools import Pool

TEXT = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {{name: chat}}
spec:
  mode: {mode}
  workload: {{namespace: {namespace}, name: chat}}
  demand:
    arrivals: {{query: 'sum(rate(requests_total{{model="chat"}}[10s]))'}}
    queue: {{query: 'sum(waiting{{model="chat"}})'}}
    served: {{query: 'sum(rate(served_total{{model="chat"}}[10s]))'}}
    perReplica: {{arrivals: 4}}
    staleAfter: 10s
  pools: {{primary: [{pool}]}}
  replicas: {{min: 0, max: 20, via: {via}}}
  scaleIn: {{hold: {hold}}}
---
"""


class WakingSite(LimitedSite):
    """`write_chat` writes its policy, for the first of its pools."""

    def write_chat(self, via: str = "scale", mode: str = "act", hold: str = "5s") -> None:
        pool: Pool = self.pools[0]
        new = self.policies / "chat.new"
        new.write_text(TEXT.format(namespace=self.cluster.namespace, pool=pool.name, via=via, mode=mode, hold=hold))
        new.rename(self.policies / "chat.yaml")
