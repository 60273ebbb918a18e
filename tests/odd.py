"""Values that nobody means, for tests of what is refused."""

import datetime
from fractions import Fraction

import numpy as np

ODD = (
    *(
        None,
        True,
        False,
        -1,
        0,
        2.5,
        10**13,
        2**63,
        10**40,
        10**5000,
        1j,
        np.nan,
        np.inf,
        1e300,
        5e-324,
        Fraction(1, 3),
    ),
    *("", "x", "1", "a\0b", "a\nb", "\ud800", "x" * 10_000, b"W", datetime.date(2020, 1, 1), object(), int, print),
    *(
        np.int8(100),
        np.uint64(2**63),
        np.float32(0.5),
        np.bool_(True),
        np.str_("W"),
        np.datetime64("2020"),
        np.ma.masked,
    ),
    *((), [], {}, set(), {"a": 1}, [1, 2], ["1", "2"], [[1], [1, 2]], (None,), range(3)),
    *(np.array(3), np.array([1.0, 2.0]), np.ones((2, 2)), np.array(["1"]), np.ones(2, dtype=complex), np.empty(0)),
    *(np.zeros(2, dtype=[("a", float)]), np.array([None, 1], dtype=object)),
)
"""One of every kind: nothing, truth values, numbers of every size and type, texts, bytes, dates, arrays, objects."""
