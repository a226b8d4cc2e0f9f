"""From a live pod of a workload to the placeholder pods that hold room for the next ones.

Pure functions on objects as the API server writes them (JSON): no clock, no I/O, no client. They say what a placeholder
must look like, whether one has to step aside, and what became of one; who creates and deletes them is elsewhere.
"""
