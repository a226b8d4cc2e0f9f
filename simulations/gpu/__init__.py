"""Loads of weights onto a GPU: generated from stated rates, and real ones where there is a GPU."""
