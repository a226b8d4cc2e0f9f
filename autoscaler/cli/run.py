"""`autoscaler run`: the controller."""

from __future__ import annotations

import os
import sys

from autoscaler.cli.process import CLUSTER, with_settings
from autoscaler.compose import live
from autoscaler.settings import Settings


@with_settings(*CLUSTER, "tick_s", "listen", "log_format")
def run(settings: Settings) -> None:
    """Runs the controller until SIGTERM or Ctrl-C: every tick it reads, forecasts, plans and, where it leads, acts.

    Policies in mode `observe` are planned for and touched in nothing. Every setting is also an environment variable,
    GPU_AUTOSCALER_ and its name; docs/settings.md has them all.

    Example: autoscaler run --policies policies/ --prometheus http://prometheus:9090
    """
    if not live.run(settings):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # a tick hangs in a thread that cannot be ended: it writes nothing more, since we lead no longer
