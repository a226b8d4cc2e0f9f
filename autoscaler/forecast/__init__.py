"""Numbers in, numbers out: experts, their mixture, and calibrated quantiles, on arrays over series and horizons."""
