"""What the controller answers over HTTP."""
