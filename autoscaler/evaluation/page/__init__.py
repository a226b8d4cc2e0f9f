"""Pages that open offline: one file with its style, script and figures in it, from which no request leaves."""
