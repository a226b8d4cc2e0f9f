"""A real control plane with the chart, our controller and replayed traffic, to be watched: `make try-cluster`."""
