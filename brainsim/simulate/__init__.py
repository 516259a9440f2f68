"""The simulator and its parts: stimuli, gates, recordings, state, files."""
