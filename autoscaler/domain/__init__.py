"""The nouns of the product: frozen values over the standard library and numpy, without clock or I/O."""
