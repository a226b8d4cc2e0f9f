"""Work that waits: seen before it has Pending pods, and the room that is held for it."""
