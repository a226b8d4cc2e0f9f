"""The nouns of the product: frozen values over the standard library and numpy, no behaviour that needs a clock or I/O."""
