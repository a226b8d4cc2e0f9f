"""Our stand-in of Cluster Autoscaler: the rules that placeholders meet, against a real API server.

A process of its own. It follows the rules that were read in Cluster Autoscaler's source and the figures that were
recorded from a real one; what passes with it is not proven with Cluster Autoscaler. Nothing here knows the product."""
