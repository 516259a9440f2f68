"""Errors that the kernels raise; the simulator names the brain's objects in its own errors before it gets here."""

from __future__ import annotations


class KernelError(Exception):
    """Base of the errors raised by a backend."""


class BackendUnavailableError(KernelError, RuntimeError):
    """A backend cannot run here, or cannot do what was asked of it; the message says why and what to do instead."""


class CapacityError(KernelError, OverflowError):
    """A brain whose sums could leave the integer range; refused before anything runs."""


class DeviceMemoryError(KernelError, MemoryError):
    """A device without enough memory for a brain; the message says how much was needed and what to lower."""
