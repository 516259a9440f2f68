"""184 named functions of mathematics, physics, chemistry, biology and logic, as material for continual learning.

`operations` reads the table that comes with the package: formula, domain, unit and three descriptions each.
"""

from brainsim.networks.operations.formula import Formula
from brainsim.networks.operations.table import FIELDS, Operation, operations

__all__ = ["FIELDS", "Formula", "Operation", "operations"]
