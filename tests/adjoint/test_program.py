"""Backward programs against finite differences: text in, text out, knowing neither neurons nor circuits."""

import numpy as np
import pytest
from brian2 import Equations
from brian2.stateupdaters.base import StateUpdateMethod

from autapse_sim.engines.adjoint.expressions import FUNCTIONS
from autapse_sim.engines.adjoint.numeric import function, unknown
from autapse_sim.engines.adjoint.program import differentiated
from autapse_sim.errors import InputError

SIZE, STEP = 40, 1e-6
LINES = {
    "exp": "y = exp(-x*z)",
    "log": "y = log(1.5 + x**2)*z",
    "log10, log1p, expm1": "y = log10(2 + x)*log1p(z**2) + expm1(x)",
    "tanh": "y = tanh(x)*z",
    "sinh, cosh": "y = sinh(x) - cosh(z)",
    "sin, cos, tan": "y = sin(x)*cos(z) + tan(0.5*x)",
    "arcsin, arccos, arctan": "y = arcsin(0.4*x) + arccos(0.4*z) + arctan(3*x)",
    "sqrt": "y = sqrt(x**2 + z**2 + 1)",
    "powers": "y = x**3 + (x**2 + 1)**2.5 + abs(z)**p + 2**x",
    "powers of powers": "y = sqrt(x**2)*z + (z**2)**1.3*abs(x) + (0.4 + abs(x))**z + ((x**2)**(2 + p))**2 + 2**-z",
    "abs, sign": "y = abs(x)*z + sign(z)*x",
    "clip": "y = clip(x*z, -0.5, 0.3) + clip(x, z - 1, inf) + clip(p, x - 2, 2 + z)",
    "clip between bounds that cross": "y = clip(p, x, z) + clip(x, z, p)",
    "exprel": "y = exprel(x*z) + exprel(1e-9*x) + exprel(4*z)",
    "choose": "y = choose(x > 0.1 and not (z < 0), log(x + 3)*z, z**2) + choose(x > z, x, x)",
    "int of a condition": "y = x*int(x > 0) + z*(z > 0.2) + int(x > 0 or z > 0)",
    "int, floor, ceil, %": "y = x*int(3*z) + floor(2*x)*z + ceil(z)*x + x % 0.7 + 3 % (2 + x) + 2*x//0.3*z",
    "sigmoid": "y = z/(1 + exp(-x)) + 1/(exp(2*z) + 1)",
    "several lines": "a = x + 0.3*z; b = tanh(a)*a; y = a/(1 + b**2)",
    "a variable that is set anew": "x = x + 0.1*z; z = z*x; x = x*z - z; y = tanh(x)",
    "what is not read": "q = x*z; y = sin(x); r = y + q",
    "added to": "y = x; y += z*y; y -= x**2; y *= 2 + z; y /= 3 + x",
    "timestep": "y = x*timestep(0.0035 + 0*p, 0.001)",
}


def slopes(text, x, z, p):
    """The values and the slopes of the sum of 2 y + x + z in the end, and of what stands there for constants."""
    program = differentiated(text, ["x", "z"], ["x", "y", "z"])
    assert set(unknown(program.forward)) <= {"x", "z", "p"}
    ends = tuple(program.last[name] for name in ("x", "y", "z"))
    values = function(program.forward, ("x", "z", "p"), ends)(x, z, p)
    given = tuple(program.out_of(name) for name in ("x", "y", "z"))
    asked = tuple(program.into(name) for name in ("x", "z"))
    lines = (*program.forward, *program.slopes, *program.backward)
    ones = np.ones_like(x)
    return values, function(lines, ("x", "z", "p", *given), asked)(x, z, p, ones, 2 * ones, ones)


def loss(text, x, z, p):
    (x, y, z), _ = slopes(text, x, z, p)
    return x + 2 * y + z


@pytest.mark.parametrize("case", LINES)
def test_slopes_are_finite_differences(case):
    rng = np.random.default_rng(1)
    x, z, p = rng.uniform(-1.5, 1.5, (3, SIZE))
    text = LINES[case]
    _, (by_x, by_z) = slopes(text, x, z, p)
    for mine, dx, dz in ((by_x, STEP, 0), (by_z, 0, STEP)):
        theirs = (loss(text, x + dx, z + dz, p) - loss(text, x - dx, z - dz, p)) / (2 * STEP)
        np.testing.assert_allclose(np.broadcast_to(mine, SIZE), theirs, rtol=2e-8, atol=2e-8)
    assert np.abs(by_x).max() > 0.1


def test_all_functions_are_tried():
    written = " ".join(LINES.values())
    assert not [name for name in FUNCTIONS if f"{name}(" not in written and not name.startswith("autapse_")]


def test_what_is_wrong_is_seen():
    """The negative control: another function's slope is no finite difference."""
    x = np.linspace(-1, 1, SIZE)
    _, (mine, _) = slopes("y = tanh(x)", x, x, x)
    theirs = (loss("y = sin(x)", x + STEP, x, x) - loss("y = sin(x)", x - STEP, x, x)) / (2 * STEP)
    assert np.abs(mine - theirs).max() > 1e-2


EXTREME = {
    "sigmoid": ("y = 1/(1 + exp(-x))", [-1e4, 1e4], [1, 1]),
    "a branch that is not taken": ("y = choose(x > 0, log(x), 3)", [0.0, -1.0], [1, 1]),
    "clipped away": ("y = clip(exp(x), 0, 1)", [800.0, 5000.0], [1, 1]),
    "exprel at 0": ("y = exprel(x)", [0.0, 1e-300], [2, 2]),
    "on a bound": ("y = clip(x, 0, 1)", [0.0, 1.0], [3, 3]),
    "abs at 0": ("y = abs(x)", [0.0, -0.0], [1, 1]),
    "a root of a square at 0": ("y = sqrt(x**2)", [0.0, -0.0], [1, 1]),
    "a power of what is clipped": ("n = 2 + p; y = clip(x, 0, inf)**n", [0.0, -1.0], [1, 1]),
    "a power that moves, of 0": ("n = 1 + x; y = (0*p)**n", [0.0, 1.0], [1, 1]),
}


@pytest.mark.parametrize("case", EXTREME)
def test_slopes_are_finite_where_values_are(case):
    text, x, right = EXTREME[case]
    with np.errstate(all="ignore"):
        _, (mine, _) = slopes(text, np.array(x), np.zeros(2), np.zeros(2))
    np.testing.assert_array_equal(mine, right)


@pytest.mark.parametrize("through", [True, False])
def test_spikes_count_by_their_slope_and_resets_by_choice(through):
    reset = "autapse_switch(s, x - 1, x)" if through else "choose(s > 0, x - 1, x)"
    text = f"psi = clip(1 - abs(x - 1), 0, 1); s = autapse_spike(x > 1, x - 1, psi); x = {reset}; y = 3*s"
    x, zero = np.array([0.4, 1.2, 5.0]), np.zeros(3)
    (after, y, _), (by_x, _) = slopes(text, x, zero, zero)
    psi = np.array([0.4, 0.8, 0.0])
    np.testing.assert_array_equal(y, [0, 3, 3])
    np.testing.assert_allclose(after, [0.4, 0.2, 4])
    np.testing.assert_allclose(by_x, 1 + 6 * psi - psi * through)


OSCILLATOR = """
    dx/dt = (z - x**3/3 + x)/tau : 1
    dz/dt = -(x + tanh(z) - drive*sin(t/tau))/(3*tau) : 1
    drive : 1
"""
LINEAR = "dx/dt = (z*cos(t/tau) - x)/tau : 1\ndz/dt = (drive - z)/(2*tau) : 1\ndrive : 1"


@pytest.mark.parametrize("method", ["euler", "heun", "milstein", "rk2", "rk4", "exponential_euler", "exact"])
def test_every_integrator_is_differentiated(method):
    equations = "dx/dt = (drive - x)/tau : 1\ndz/dt = -z/tau : 1\ndrive : 1" if method == "exact" else OSCILLATOR
    equations = LINEAR if method == "exponential_euler" else equations
    code = StateUpdateMethod.apply_stateupdater(Equations(equations), {}, method=method)
    program = differentiated(code, ["x", "z", "drive"], ["x", "z"])
    given, rest = ("x", "z", "drive"), {"tau": 1.7, "dt": 0.4, "t": 0.9}
    assert set(unknown(program.forward)) <= {*given, *rest}
    ends = tuple(program.last[name] for name in ("x", "z"))
    forward = function(program.forward, (*given, *rest), ends)
    bars = tuple(program.out_of(name) for name in ("x", "z"))
    lines = (*program.forward, *program.slopes, *program.backward)
    back = function(lines, (*given, *rest, *bars), tuple(map(program.into, given)))
    start = np.random.default_rng(3).uniform(-1, 1, (3, SIZE))
    mine = back(*start, *rest.values(), np.ones(SIZE), -2.0)
    for k, found in enumerate(mine):
        moved = [start + sign * STEP * (np.arange(3) == k)[:, None] for sign in (1, -1)]
        (x1, z1), (x0, z0) = (forward(*each, *rest.values()) for each in moved)
        np.testing.assert_allclose(
            np.broadcast_to(found, SIZE), (x1 - x0 - 2 * (z1 - z0)) / (2 * STEP), rtol=1e-7, atol=1e-8
        )
    assert np.abs(mine[2]).max() > 0.01 or method == "heun"


def test_what_is_drawn_is_a_constant_that_is_named():
    program = differentiated("v = v + sigma*randn()*v + randn()", ["v"], ["v"])
    assert program.drawn == ("randn_1", "randn_1_")
    assert str(program.backward[-1]) == "bar_v = bar_v_1*v_1_by_v"
    assert "randn_1*sigma" in str(program.slopes[-1])


def test_names_that_are_taken_are_left_alone():
    program = differentiated("bar_v = v**2; part_0 = bar_v*v; v_1 = part_0 + v; v = v_1*v_1*v", ["v"], ["v"])
    made = [each.name for each in (*program.forward, *program.slopes)]
    assert len(made) == len(set(made))
    assert program.into("v") == "_bar_v"


def test_what_sets_its_output_first_has_another_name_for_its_input():
    program = differentiated("z = x > 1; y = x*z_0", ["x", "z"], ["y", "z"])
    assert program.last["z"] != "z"
    assert str(program.backward[-1]) == "bar_z = 0"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("y = gamma(x)", "y = gamma.x.: 'gamma.x.' has no derivative"),
        ("y = x & z", "has no derivative"),
        ("y", "no assignment"),
        ("y = erf(x, z)", "'erf.x, z.' has no derivative"),
    ],
)
def test_what_has_no_derivative_is_named(line, said):
    with pytest.raises(InputError, match=said):
        differentiated(line, ["x"], ["y"])


def test_what_is_constant_need_have_no_derivative():
    assert not differentiated("q = gamma(p); y = x*q", ["x"], ["y"]).slopes
