"""How loaders fill a GPU, generated from stated rates: an eager one reads all, then copies; a streaming one copies what
it reads; one that maps the file copies tensor by tensor as pages come in.
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30
CONTEXT = GIB // 2
IMPORTS_S = 6.3
CONTEXT_S = 0.6
MODEL_S = 1.5
"""From the context to the first weights, of loaders that make the model on the GPU first."""


@dataclass(frozen=True)
class Loader:
    """began_s: of the process. size: bytes of weights. read_s, copy_s: bytes a second. Times are of its truth."""

    began_s: float
    size: int
    read_s: float = 2.0 * GIB
    copy_s: float = 10.0 * GIB
    cache: int = 20 * GIB
    """What it takes of the GPU after the load, at once."""

    @property
    def weights(self) -> tuple[float, float]:
        begin = self.began_s + IMPORTS_S
        return begin, begin + self.size / self.read_s

    @property
    def cuda(self) -> tuple[float, float]:
        return self.weights[1], self.weights[1] + CONTEXT_S

    @property
    def transfer(self) -> tuple[float, float]:
        return self.cuda[1], self.cuda[1] + self.size / self.copy_s

    def gpu(self, now_s: float) -> int:
        """Bytes of the GPU."""
        if now_s < self.cuda[0]:
            return 0
        if now_s > self.transfer[1] + 25.0:
            return CONTEXT + self.size + self.cache
        context = CONTEXT * _share(now_s, *self.cuda)
        return round(context + self.size * self._copied(now_s)) or 1

    def _copied(self, now_s: float) -> float:
        return _share(now_s, *self.transfer)

    def resident(self, now_s: float) -> int:
        """Bytes of the host."""
        return round(GIB // 4 + self.size * _share(now_s, *self.weights))

    def asked(self, now_s: float) -> int:
        return round(self.size * _share(now_s, *self.weights))

    def fetched(self, now_s: float) -> int:
        return self.asked(now_s)

    def received_kb_s(self, now_s: float) -> int:
        """Over the bus, as the driver tells it."""
        low, high = self.transfer
        return round(self.size / (high - low) / 1000) if low <= now_s <= high else 3

    def sm(self, now_s: float) -> int:
        """Percent: it serves from a minute after the load on."""
        return 0 if now_s < self.transfer[1] + 60.0 else 80


class Streamed(Loader):
    """Context first, then reading and copying at once."""

    @property
    def cuda(self) -> tuple[float, float]:
        begin = self.began_s + IMPORTS_S
        return begin, begin + CONTEXT_S

    @property
    def weights(self) -> tuple[float, float]:
        begin = self.cuda[1] + MODEL_S
        return begin, begin + self.size / self.read_s

    @property
    def transfer(self) -> tuple[float, float]:
        return self.weights

    def resident(self, now_s: float) -> int:
        return GIB // 4


class Mapped(Streamed):
    """Pages come in and are copied a tensor at a time, of 1/40 of the model."""

    def _copied(self, now_s: float) -> float:
        return int(_share(now_s, *self.transfer) * 40) / 40

    def resident(self, now_s: float) -> int:
        return round(GIB // 4 + self.size * _share(now_s, *self.weights))

    def asked(self, now_s: float) -> int:
        return 1 << 20


def _share(now_s: float, from_s: float, until_s: float) -> float:
    return min(1.0, max(0.0, (now_s - from_s) / (until_s - from_s)))
