"""Where the minutes of a start go: stages told apart, waterfalls, memory curves. Pure: no clock, no I/O."""
