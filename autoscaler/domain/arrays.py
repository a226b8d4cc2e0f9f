"""Names of the numpy array types that cross the borders between packages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int8]
Flags = NDArray[np.uint32]
Bools = NDArray[np.bool_]
