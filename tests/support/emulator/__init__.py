"""Runs the CUDA C kernels on a CPU: g++ compiles them unchanged, and a device for the gpu backend launches them."""
