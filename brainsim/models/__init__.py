"""Published models, each in a module or package of its own."""
