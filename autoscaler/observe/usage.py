"""What the replicas of each policy use of the GPUs that they ask for, as percentiles over the last days.

Each look at one pod is one sample, whichever pod it is. Two histograms a policy are all that is kept: less than a KiB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from autoscaler.domain.usage import PodUse, Use, UseQuantile
from autoscaler.observe.decaying import Decaying

USE_QUANTILES = (0.5, 0.9, 0.99)


class Usage:
    """All policies of one process; bounded by their number."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[Use, Decaying]] = {}
        self._shown: tuple[UseQuantile, ...] | None = None

    def learn(self, uses: Iterable[PodUse], policies: Mapping[str, str], now_s: float) -> None:
        """One look. policies: of the pods that count, by "namespace/name"; other pods are nobody's here."""
        self._shown = None
        for one in uses:
            policy = policies.get(one.pod)
            if policy is None:
                continue
            for use, share in ((Use.COMPUTE, one.compute), (Use.MEMORY, one.memory)):
                if share is not None:
                    known = self._seen.setdefault(policy, {})
                    known[use] = known.get(use, Decaying.empty()).added(share, now_s)

    def keep_only(self, policies: Collection[str]) -> None:
        """Forgets policies that are gone."""
        self._shown = None
        self._seen = {policy: known for policy, known in self._seen.items() if policy in policies}

    def quantiles(self) -> tuple[UseQuantile, ...]:
        """What is known, by policy and use; none of what was never seen."""
        if self._shown is None:
            self._shown = tuple(
                UseQuantile(policy, use, part, share)
                for policy, known in sorted(self._seen.items())
                for use, histogram in sorted(known.items())
                for part in USE_QUANTILES
                for share in [histogram.quantile(part)]
                if share is not None
            )
        return self._shown

    def record(self, policy: str) -> dict[str, object]:
        """What a restart must not forget, as JSON; empty where nothing is known."""
        return {use.value: histogram.to_record() for use, histogram in sorted(self._seen.get(policy, {}).items())}

    def restore(self, policy: str, record: Mapping[str, object]) -> None:
        """Goes on from a record where it knows more than we do: who followed has seen the same pods as who wrote it,
        and nothing is to count twice. Raises ValueError where it is no such record: nothing is changed.
        """
        read = {}
        for name, one in record.items():
            if not isinstance(one, Mapping):
                raise ValueError(f"use of GPUs: {name}: {one!r} is no histogram")
            read[Use(name)] = Decaying.from_record(one)
        known, self._shown = self._seen.setdefault(policy, {}), None
        for use, histogram in read.items():
            ours = known.get(use, Decaying.empty())
            now_s = max(ours.at_s, histogram.at_s)
            if histogram.at(now_s).weight > ours.at(now_s).weight:
                known[use] = histogram
