"""184 named functions from mathematics, physics, chemistry, biology and logic, for studies of continual learning.

`operations` reads the table that comes with the package: formula, domain, unit and three descriptions each.
"""

from brainsim.networks.operations.formula import Formula
from brainsim.networks.operations.table import FIELDS, Operation, operations

__all__ = ["FIELDS", "Formula", "Operation", "operations"]
