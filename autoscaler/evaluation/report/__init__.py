"""What happened, as one HTML file: of a comparison of strategies, and of a sweep over lead times."""
