"""The node agent: looks at the GPUs of one node and tells what it sees as metrics."""
