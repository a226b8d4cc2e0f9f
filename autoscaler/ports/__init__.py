"""What the loop needs of the world: small protocols, and the errors that they raise."""
