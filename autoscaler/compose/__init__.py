"""The composition root: the one place that knows every concrete class. One module for each thing that can be run."""
