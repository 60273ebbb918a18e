"""Node perturbation (Williams 1992; Fiete & Seung 2006): learning from the loss alone, a control for rules with errors.

Noise is added to every neuron's input while it learns. A synapse remembers the noise of its neuron times what had
arrived, and moves against it where the loss is above its running mean.

Williams 1992, "Simple statistical gradient-following algorithms for connectionist reinforcement learning",
doi:10.1007/BF00992696; Fiete & Seung 2006, "Gradient learning in spiking neural networks by dynamic perturbation of
conductances", doi:10.1103/PhysRevLett.97.048104.

When not to use it: in large networks, or where the error of each output is known: one number for all tells a synapse
little, the less the more neurons are perturbed, and `rflo` or `eprop` learn in far fewer trajectories.

========= ======= ==== ===============================================
Parameter Default Unit Description
========= ======= ==== ===============================================
sigma     0.1     1    standard deviation of the noise
tau       10      ms   time constant of the synapse's trace p
tau_loss  20      ms   time constant of the running mean of the loss
eta       0.001   1    learning rate, per step
========= ======= ==== ===============================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    perturbation="sigma*randn()",
    postsynaptic="dbaseline/dt = (loss - baseline)/tau_loss : 1",
    eligibility="dp/dt = (perturbation_post*activity_pre - p)/tau : 1",
    update="w -= eta*(loss_post - baseline_post)*p/sigma**2",
    parameters={"sigma": 0.1, "tau": 10 * ms, "tau_loss": 20 * ms, "eta": 0.001},
    tune={"tau": (1 * ms, 3 * ms, 10 * ms, 30 * ms)},
)
