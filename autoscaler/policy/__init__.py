"""What platform teams edit, and its compiled form."""
