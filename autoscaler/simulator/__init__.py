"""The built-in cluster: the ports of the loop over a discrete-event world, in two fidelities."""
