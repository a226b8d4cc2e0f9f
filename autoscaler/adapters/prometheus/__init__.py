"""The metrics port on a Prometheus server."""
