"""Runs the CUDA C kernels on a CPU: compiled by g++ as they are, driven through the seam of the gpu backend."""
