"""The cluster over the Kubernetes API: raw JSON over the official client's connections, our few fields out of it."""
