"""The arithmetic: one law, one interface, several backends.  Imports nothing from the rest of brainsim."""
