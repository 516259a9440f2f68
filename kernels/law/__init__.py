"""The law of the model in plain Python: graph, weights, rules, selection."""
