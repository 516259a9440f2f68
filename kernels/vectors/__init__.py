"""Areas whose nodes hold unit vectors, and fibers that carry messages between them."""
