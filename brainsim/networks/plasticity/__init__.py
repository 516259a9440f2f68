"""Local learning rules, and two things that gate them: reward prediction errors (`dopamine`) and `rhythms`."""
