"""Declarations: areas, fibers, plasticity rules, assemblies and brains."""
