"""Where the time of starts goes: waterfalls of their stages, from starts that were seen or simulated."""
