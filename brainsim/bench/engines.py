"""The engines by name."""

from __future__ import annotations

from collections.abc import Mapping

from brainsim.bench.engine import Engine, EngineUnavailableError


def settle(names: Mapping[str, None] | tuple[str, ...]) -> tuple[dict[str, type[Engine]], list[str]]:
    """Return the engines that are installed, and a line for each that is not."""
    found, missing = {}, []
    for name in names:
        try:
            found[name] = engine_class(name)
        except EngineUnavailableError as error:
            missing.append(str(error))
    return found, missing


def engine_class(name: str) -> type[Engine]:
    """Return the engine called ``name``.

    Raises
    ------
    EngineUnavailableError
        If the package that it stands for is not installed.
    """
    if name == "brute-force":
        from brainsim.bench.brute_force import BruteForce

        return BruteForce
    if name == "neural-assemblies":
        from brainsim.bench.sampled import NeuralAssemblies, check_installed

        check_installed()
        return NeuralAssemblies
    from brainsim.bench.ours import Brainsim

    return Brainsim
