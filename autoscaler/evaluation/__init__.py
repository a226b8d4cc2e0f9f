"""Strategies over worlds: traces, the clairvoyant optimum, scores, timelines, comparisons."""
