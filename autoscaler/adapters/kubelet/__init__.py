"""Which pods hold which devices of this node, as the kubelet and the kernel tell."""
