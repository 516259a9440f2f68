"""Numba kernels for areas that hold vectors, loaded when a brain has one."""
