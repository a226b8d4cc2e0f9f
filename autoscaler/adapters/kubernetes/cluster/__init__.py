"""The cluster port on a real Kubernetes: watch caches in, scale subresources and placeholder pods out."""
