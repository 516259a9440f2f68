"""Local rules of learning, and what gates them: prediction errors of reward (`dopamine`), and `rhythms`."""
