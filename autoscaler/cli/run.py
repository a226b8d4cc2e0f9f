"""`autoscaler run`: the controller."""

from __future__ import annotations

import os
import sys

from autoscaler.cli import process
from autoscaler.compose import live
from autoscaler.settings import read_settings


def run(
    policies: process.Policies = None,
    prometheus: process.Prometheus = None,
    prometheus_token_file: process.TokenFile = None,
    prometheus_tenant: process.Tenant = None,
    prometheus_ca_file: process.CaFile = None,
    kubeconfig: process.Kubeconfig = None,
    context: process.Context = None,
    namespace: process.Namespace = None,
    tick: process.Tick = None,
    listen: process.Listen = None,
    log_format: process.Format = None,
) -> None:
    """Runs the controller until SIGTERM or Ctrl-C: every tick it reads, forecasts, plans and, where it leads, acts.

    Policies in mode `observe` are planned for and touched in nothing. Every setting is also an environment variable,
    GPU_AUTOSCALER_ and its name; docs/settings.md has them all.

    Example: autoscaler run --policies policies/ --prometheus http://prometheus:9090
    """
    settings = read_settings(
        policies=policies, prometheus=prometheus, prometheus_token_file=prometheus_token_file,
        prometheus_tenant=prometheus_tenant, prometheus_ca_file=prometheus_ca_file, kubeconfig=kubeconfig,
        context=context, namespace=namespace, tick_s=tick, listen=listen, log_format=log_format,
    )  # fmt: skip
    if not live.run(settings):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # a tick hangs in a thread that cannot be ended: it writes nothing more, since we lead no longer
