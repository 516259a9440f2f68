"""The arithmetic: one law, one interface, several backends.  It imports nothing from the rest of brainsim."""
