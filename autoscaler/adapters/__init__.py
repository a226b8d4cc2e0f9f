"""The ports on the real world: each package translates one kind of outside, and decides nothing."""
