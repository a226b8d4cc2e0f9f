"""The loop: the one control path for live, dry run, simulation and backtest."""
