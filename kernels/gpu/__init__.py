"""The GPU backend: CUDA C kernels, driven through one seam that tests replace by an emulator."""
