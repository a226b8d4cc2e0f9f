"""What the loop tells of itself: the same ticks as logs, metrics and events."""
