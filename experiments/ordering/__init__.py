"""What the study of word order consists of: brains and their worlds, real clauses, and how results are shown."""
