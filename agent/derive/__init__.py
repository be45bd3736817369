"""Values made of other values of the same device: expressions, and columns computed per frame."""
