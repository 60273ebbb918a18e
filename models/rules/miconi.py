"""Hebbian learning with a supralinear eligibility and a reward at the end of a trial (Miconi 2017).

Each neuron is perturbed now and then. A synapse sums the cube of what had arrived times the fluctuation of the
potential x about its running mean: the cube keeps the sudden perturbation and forgets the slow way back from it, which
cancels it where the sum is linear. When the trial ends its error E, the mean of |err| over the time T that counts, is
held against the running mean of earlier ones, and weights change by at most max_dw.

"Biologically plausible learning in recurrent neural networks reproduces neural dynamics observed during cognitive
tasks", doi:10.7554/eLife.20899. There each kind of trial has a running mean of its own; here all have one.

When not to use it: where the error of each output, or of each step, is known (`rflo` learns in far fewer trials), or
where trials of different kinds have different errors, which one running mean takes for good and bad luck.

========= ======= ==== ==============================================================
Parameter Default Unit Description
========= ======= ==== ==============================================================
rate      3       Hz   how often a neuron is perturbed
amplitude 16      1    largest perturbation of what arrives
tau_mean  1/0.95  ms   time constant of the running mean of the potential
T         200     ms   time of a trial that counts
alpha     0.75    1    how much of the running mean of E a trial leaves
eta       0.1     1    learning rate, per trial
max_dw    3e-4    1    largest change of a weight in a trial
========= ======= ==== ==============================================================
"""

from brian2 import Hz, ms

from autapse_sim import Rule

rule = Rule(
    perturbation="int(rand() < rate*dt)*amplitude*(2*rand() - 1)",
    trace="dr/dt = (activity - r)/step : 1",  # what had arrived: the activity of the step before
    postsynaptic="""
        dx/dt = (drive + input + bias - x)/tau_m : 1     # the potential, as the membrane filters what arrives
        dx_mean/dt = (x - x_mean)/tau_mean : 1           # its running mean, up to the step before
        dE/dt = sqrt(2*loss)/T : 1                       # the error of the trial, up to the step before
        E_mean : 1
    """,
    eligibility="p : 1",
    update="p += (r_pre*(x_post - x_mean_post))**3*(dt/step)",
    finish="""
        E_now = E_post + sqrt(2*loss_post)*dt/T
        w -= clip(eta*E_mean_post*(E_now - E_mean_post)*p, -max_dw, max_dw)
    """,
    finish_postsynaptic="E_mean += (1 - alpha)*(E + sqrt(2*loss)*dt/T - E_mean)",
    lasting=("E_mean",),
    parameters={"rate": 3 * Hz, "amplitude": 16.0, "tau_mean": 1 * ms / 0.95, "T": 200 * ms}
    | {"alpha": 0.75, "eta": 0.1, "max_dw": 3e-4},
    tune={"max_dw": (1e-4, 3e-4, 1e-3, 1e-2)},
)
