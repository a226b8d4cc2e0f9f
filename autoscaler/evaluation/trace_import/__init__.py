"""Request logs, published or own, made into the trace format: one module a family of formats, one line in `formats`."""
