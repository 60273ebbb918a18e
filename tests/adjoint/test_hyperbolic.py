"""The tanh of compiled gradients, in a vector loop and one by one, with the flags of programs."""

import subprocess
from importlib.resources import files

import numpy as np
import pytest

from autapse_sim.engines.brian.compiler import compile_program, compiler

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="no C++ compiler"),
    pytest.mark.usefixtures("fast_programs"),
]

PROGRAM = """
typedef NUMBER Number;
#include "HEADER"
int main()
{
    std::vector<Number> in, out;
    for (double x; scanf("%lf", &x) == 1;) in.push_back(x);
    out.resize(in.size());
    const Number *__restrict from = in.data();
    Number *__restrict to = out.data();
#pragma GCC ivdep
    for (size_t i = 0; i < in.size(); i++) to[i] = hyperbolic(from[i]);
    for (double x : out) printf("%.17g\\n", x);
}
"""
SPECIAL = [0.0, 1e-300, -1e-300, 1e-30, 19.0, 40.0, -40.0, 400.0, 1e300, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize(("number", "epsilon"), [("double", 2.0**-52), ("float", 2.0**-23)])
def test_it_is_tanh_to_some_units_in_the_last_place(number, epsilon, tmp_path):
    header = files("autapse_sim.engines.adjoint.compiled") / "kernels.h"
    (tmp_path / "tanh.cpp").write_text(PROGRAM.replace("NUMBER", number).replace("HEADER", str(header)))
    compile_program(compiler(), tmp_path / "tanh.cpp", tmp_path / "tanh")
    rng = np.random.default_rng(0)
    scales = np.repeat([1e-12, 1e-6, 1e-3, 0.1, 1, 5, 20], 2003)
    x = np.concatenate([scales * rng.normal(size=len(scales)), SPECIAL])
    asked = "\n".join(f"{value:.17g}" for value in x)
    said = subprocess.run([tmp_path / "tanh"], input=asked, capture_output=True, text=True, check=True)
    y = np.array(said.stdout.split(), dtype=float)
    with np.errstate(over="ignore"):
        expected = np.tanh(np.float32(x).astype(float) if number == "float" else x)
    known = np.isfinite(expected)
    assert known.sum() > 14_000
    assert (np.abs(y - expected)[known] <= 8 * epsilon * np.abs(expected[known])).all()
    assert np.isnan(y[-1])
