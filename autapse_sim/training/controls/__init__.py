"""Honest controls, a module each: what can be predicted without learning recurrence, on the same trajectories.

PLACE is where it stands among the others. NEEDS says what it needs: 'step', what a stimulus shows now, and 'history',
what it has shown, are given as `Shown` (autapse_sim.training.beside); 'network', the circuit that is compared, as
`Networks`. predict(given) gives its predictions of the test targets (R, K, T, c) by name, none where it makes no sense;
of a network, note(networks) may say what has to be known of it.
"""
